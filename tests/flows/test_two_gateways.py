"""Two gateway processes behind one address, with one session store and the engine: together they are one."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.support.balancer import Balancer
from tests.support.certificates import TestAuthority
from tests.support.gateway import Wanted, json_lines
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.processes import LOOPBACK, free_port
from tests.support.redis_server import RedisServer
from tests.support.serving import served
from tests.support.stores import RealRedis
from tests.support.two_gateways import Store, Two, Waiting
from tests.support.unsaid import LONG_ENOUGH

pytestmark = [pytest.mark.real, pytest.mark.parametrize("oidc_engine", [7], indirect=True)]

ONE_STORE = pytest.mark.parametrize("store", ["redis"], indirect=True)
BOTH = (0, 1)
SIGN_OUT_IS_KNOWN_WITHIN = 2.0
COOKIE = "__Host-gateway"


@pytest.fixture(params=["redis", "sqlite"])
def store(request: pytest.FixtureRequest, redis_server: RedisServer, tmp_path: Path) -> Store:
    if request.param == "redis":
        return Store(redis_server.url, RealRedis(redis_server).dump)
    path = tmp_path / "sessions.db"
    return Store(
        f"sqlite:///{path}", lambda: b"".join(each.read_bytes() for each in tmp_path.glob("sessions.db*"))
    )


@pytest.fixture
async def two(oidc_engine: OIDCEngine, store: Store, tmp_path: Path) -> AsyncIterator[Two]:
    authority = TestAuthority.new(tmp_path)
    connector = aiohttp.TCPConnector(ssl=authority.trust(), force_close=True)
    application = Waiting()
    async with (
        served(application.application()) as upstream,
        Balancer(authority.server("localhost")) as balancer,
        HTTPBrowser(connector) as browser,
    ):
        url = balancer.url
        both = Two(
            wanted=Wanted(
                issuer=oidc_engine.issuer, client=CLIENTS["RS256"], upstream=upstream, store=store.url
            ),
            folder=tmp_path,
            ports=(free_port(), free_port()),
            balancer=balancer,
            browser=browser,
            application=application,
        )
        oidc_engine.register(
            CLIENTS["RS256"],
            redirect_uris=[f"{url}/_gateway/callback"],
            post_logout_redirect_uris=[f"{url}/_gateway/signed-out"],
        )
        with both.stack:
            both.start()
            yield both
            # All at once, rather than one after the other.
            for program in both.programs:
                program.signal(signal.SIGTERM)


async def test_a_sign_in_begun_at_one_gateway_ends_at_the_other_and_both_know_the_person(two: Two) -> None:
    page = await two.sign_in()
    assert (page.status, page.url.raw_path_qs) == (200, "/private/dossier?numero=42")
    await two.has_served(1, "/_gateway/sign-in")
    await two.has_served(0, "/_gateway/callback")
    assert [await two.known(number) for number in BOTH] == [True, True]


@ONE_STORE
async def test_over_https_the_cookie_is_one_that_only_this_host_can_set(two: Two) -> None:
    await two.sign_in()
    (callback,) = [page for page in two.browser.pages if page.url.path == "/_gateway/callback"]
    (line,) = [value for value in callback.fields.getall("Set-Cookie") if value.startswith(f"{COOKIE}=")]
    (morsel,) = SimpleCookie(line).values()
    # RFC 6265bis section 4.1.3.2: with this name a browser takes it with exactly these attributes.
    assert {name: value for name, value in morsel.items() if value} == {
        "path": "/",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
    }
    (attempt,) = [
        value
        for page in two.browser.pages
        for value in page.fields.getall("Set-Cookie", [])
        if re.match("__Host-gateway-sign-in-[0-9a-f]{8}=[A-Za-z0-9_-]+;", value)
    ]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} < set(attempt.split("; "))


async def test_a_session_outlives_both_gateways(two: Two) -> None:
    await two.sign_in()
    await two.restart()
    assert [await two.known(number) for number in BOTH] == [True, True]


@ONE_STORE
async def test_a_sign_in_under_way_outlives_both_gateways(two: Two) -> None:
    page = await two.browser.navigate(f"{two.at(0)}/_gateway/sign-in?return_to=/private/x")
    page = await two.browser.submit(await two.browser.follow(page), press="eleonore")
    await two.restart()
    two.at(1)
    page = await two.browser.follow(page)
    assert (page.status, page.url.path) == (200, "/private/x")


async def test_who_signs_out_at_one_gateway_is_unknown_at_the_other(two: Two) -> None:
    await two.sign_in()
    copied = two.browser.cookies(two.balancer.url)[COOKIE]
    assert [await two.known(number) for number in BOTH] == [True, True]
    page = await two.browser.navigate(f"{two.at(0)}/_gateway/sign-out")
    page = await two.browser.submit(page)
    assert page.status == 200
    assert COOKIE not in two.browser.cookies(two.balancer.url)
    deadline = time.monotonic() + SIGN_OUT_IS_KNOWN_WITHIN
    while await knows_cookie(two, 1, copied):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert not await knows_cookie(two, 0, copied)


async def knows_cookie(two: Two, number: int, value: str) -> bool:
    """Whether a cookie leads to somebody at one of the gateways, in whosever hand it is."""
    page = await two.browser.fetch(f"{two.at(number)}/api/me", fields={"Cookie": f"{COOKIE}={value}"})
    assert page.status in {200, 401}
    return page.status == 200


async def test_the_store_holds_nothing_that_a_thief_could_read(two: Two, store: Store) -> None:
    await two.sign_in()
    dump = store.dump()
    assert b"gateway:session:" in dump
    seen = await seen_on_the_way(two)
    for name, secret in seen.items():
        for spelling in (secret, secret.lower(), json.dumps(secret)[1:-1]):
            assert spelling.encode() not in dump, name
    bits = urlsafe_b64decode(seen[f"cookie {COOKIE}"] + "=")
    assert bits not in dump
    assert bits.hex().encode() not in dump
    # Every JSON token begins so: base64url of `{"`.
    assert b"eyJ" not in dump


async def seen_on_the_way(two: Two) -> dict[str, str]:
    """What the person is called, and whatever of the sign-in somebody else could use."""
    claims = json.loads((await two.browser.fetch(f"{two.at(0)}/_gateway/whoami")).text)["claims"]
    seen = {name: claims[name] for name in ("email", "given_name", "usual_name", "sub", "siret")}
    for page in two.browser.pages:
        for line in page.fields.getall("Set-Cookie", []):
            cookie = line.partition(";")[0]
            # A mark such as `1` opens nothing, and is in any dump.
            if cookie.startswith(COOKIE) and len(cookie.partition("=")[2]) >= LONG_ENOUGH:
                seen[f"cookie {cookie.partition('=')[0]}"] = cookie.partition("=")[2]
        if "Location" in page.fields:
            query = page.location.query
            seen |= {name: query[name] for name in ("code", "state", "nonce") if name in query}
    # The last to come out: the sign-out shows the ID token, to the provider.
    page = await two.browser.submit(await two.browser.navigate(f"{two.at(0)}/_gateway/sign-out"))
    onward = re.search(r'https?://[^"\s]*id_token_hint=[^"\s]*', page.text)
    assert onward is not None
    token = URL(onward[0].replace("&amp;", "&"), encoded=True).query["id_token_hint"]
    assert {"code", "state", "nonce", f"cookie {COOKIE}"} <= seen.keys()
    return {**seen, "ID token": token, "its signature": token.rpartition(".")[2]}


@ONE_STORE
async def test_a_gateway_that_is_told_to_end_answers_what_was_asked_and_ends_well(two: Two) -> None:
    await two.sign_in()
    slow = asyncio.create_task(two.browser.navigate(f"{two.at(0)}/waits"))
    await two.application.asked.wait()
    two.programs[0].signal(signal.SIGTERM)
    # New connections are the other's already, and nobody notices.
    await refuses_connections(two.ports[0])
    assert await two.known(1)
    assert not slow.done()
    two.application.go.set()
    page = await slow
    assert (page.status, page.text) == (200, "waited for")
    assert await asyncio.to_thread(two.programs[0].wait) == 0
    assert all(line["level"] not in {"error", "critical"} for line in json_lines(two.programs[0]))


async def refuses_connections(port: int) -> None:
    """Return once nothing accepts connections there."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, port)
            except ConnectionRefusedError:
                return
            writer.close()
            await asyncio.sleep(0.05)
