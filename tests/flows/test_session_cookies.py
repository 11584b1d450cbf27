"""The session's cookie: how it is set, and whose cookies lead to nobody."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie

import pytest
from aiohttp import web

from tests.support.flows import OK, Wire, gateway_at_demo, on_the_wire, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page
from tests.support.raw import RawUpstream, exchange
from tests.support.serving import served

OPTIONAL = '[[apps.routes]]\npath = "/whoever/"\naccess = "optional"\n'
UNKNOWN = "gateway=" + "A" * 43
LONGEST_FIELD = 15_000

# Each is one or more values of the field `Cookie`.
GARBAGE = {
    "unknown": [UNKNOWN],
    "unknown, many times": ["; ".join(f"gateway={n:043d}" for n in range(300))],
    "empty": [""],
    "value empty": ["gateway="],
    "name only": ["gateway"],
    "names only": ["gateway; __Host-gateway; gateway-sign-in-00000000"],
    "no name": [f"={UNKNOWN}"],
    "separators": [";;;=;=;;"],
    "one separator": ["="],
    "too short": ["gateway=" + "A" * 42],
    "too long": ["gateway=" + "A" * 44],
    "padded": [UNKNOWN + "="],
    "another alphabet": ["gateway=" + "+" * 43],
    "last character loose": ["gateway=" + "A" * 42 + "B"],
    "quoted": [f'gateway="{"A" * 43}"'],
    "quote never closed": [f'gateway="{"A" * 43}'],
    "escaped": ["gateway=%41" + "A" * 40],
    "wrong case": [f"Gateway={'A' * 43}; GATEWAY={'A' * 43}"],
    "not ASCII": ["gateway=\xe9" * 43, "\xff\xfe=\x80"],
    "JSON": ['gateway={"sub": "eleonore"}'],
    "chunks": ["gateway_chunks=99999999; gateway_0=A; gateway-chunks=99999999"],
    "reserved attributes": ["$Version=1; gateway=x; $Path=/; $Domain=localhost"],
    "thousands": ["; ".join(f"c{n}={n}" for n in range(1_500))] * 4,
    "60 kB of one": ["gateway=" + "A" * LONGEST_FIELD] * 4,
    "60 kB of separators": [";" * LONGEST_FIELD] * 4,
    "60 kB of names": ["gateway;" * (LONGEST_FIELD // 8)] * 4,
    "attempts": ["; ".join(f"gateway-sign-in-{n:08x}=A{n}" for n in range(500))],
    "attempts that are none": ["gateway-sign-in-=x; gateway-sign-in-zzzzzzzz=x; gateway-sign-in-00000000="],
}


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=OPTIONAL) as ready:
        yield ready


async def knows(wire: Wire, *cookies: str) -> bool:
    """Whether cookies lead to somebody."""
    status = (await wire.ask("GET", "/_gateway/whoami", *(f"Cookie: {cookie}" for cookie in cookies))).status
    assert status in {200, 401}
    return status == 200


async def test_the_cookie_is_for_this_host_alone_and_for_no_script(wire: Wire) -> None:
    page = await sign_in(wire.browser, f"{wire.gateway.url}/", "eleonore")
    assert page.status == 200
    (callback,) = [p for p in wire.browser.pages if p.url.path == "/_gateway/callback"]
    (line,) = [value for value in callback.fields.getall("Set-Cookie") if value.startswith("gateway=")]
    (morsel,) = SimpleCookie(line).values()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", morsel.value)
    # No Domain, so that no sibling host gets it; no lifetime, which is the record's alone.
    assert {name: value for name, value in morsel.items() if value} == {
        "path": "/",
        "httponly": True,
        "samesite": "Lax",
    }
    assert callback.fields["Cache-Control"] == "no-store"


@pytest.mark.parametrize("cookies", GARBAGE.values(), ids=GARBAGE)
async def test_a_cookie_that_is_none_of_ours_is_a_strangers(wire: Wire, cookies: list[str]) -> None:
    fields = [f"Cookie: {cookie}" for cookie in cookies]
    expected = {
        ("GET", "/private"): 401,
        ("GET", "/whoever/"): 200,
        ("GET", "/_gateway/whoami"): 401,
        ("GET", "/_gateway/sign-in"): 303,
        ("GET", "/_gateway/callback?code=x&state=y"): 400,
        ("POST", "/_gateway/sign-out"): 303,
        ("GET", "/_gateway/signed-out?state=x"): 200,
    }
    got = {asked: (await wire.ask(*asked, *fields)).status for asked in expected}
    assert got == expected
    lines = [line for line in wire.gateway.lines if line["event"] == "request"]
    assert len(lines) == len(expected)


@pytest.mark.parametrize("cookies", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_beside_the_cookie_does_not_hide_it(wire: Wire, cookies: list[str]) -> None:
    await wire.sign_in()
    mine = wire.cookie.removeprefix("Cookie: ")
    assert await knows(wire, mine, *cookies)
    # Behind more of its name than are tried, it is not found: a bound, and no harm but to the flooded.
    if cookies is not GARBAGE["unknown, many times"]:
        assert await knows(wire, *cookies, mine)


async def test_a_head_larger_than_the_parser_takes_is_refused_with_its_status(wire: Wire) -> None:
    head = f"GET /private HTTP/1.1\r\nHost: {wire.host}\r\nCookie: {'a' * 60_000}\r\n\r\n"
    received = await exchange(wire.gateway.port, head.encode(), seconds=2)
    assert received.data.startswith((b"HTTP/1.1 431 ", b"HTTP/1.0 431 "))
    await wire.nothing_went_up()


async def test_of_two_cookies_of_its_name_the_living_one_counts(wire: Wire) -> None:
    await wire.sign_in()
    mine = wire.cookie.removeprefix("Cookie: ")
    for cookies in ([f"{UNKNOWN}; {mine}"], [f"{mine}; {UNKNOWN}"], [UNKNOWN, mine], [f"{mine}; {mine}"]):
        assert await knows(wire, *cookies)


async def test_a_changed_character_leads_to_nobody(wire: Wire) -> None:
    await wire.sign_in()
    mine = wire.cookie.removeprefix("Cookie: gateway=")
    for at in range(len(mine)):
        other = "A" if mine[at] != "A" else "B"
        assert not await knows(wire, f"gateway={mine[:at]}{other}{mine[at + 1 :]}")
    assert await knows(wire, f"gateway={mine}")


@asynccontextmanager
async def planter(cookie: str) -> AsyncIterator[str]:
    """A neighbour of the gateway that sets one of its cookies, as another port of the same host may."""

    async def plant(_: web.Request) -> web.Response:
        return web.Response(headers={"Set-Cookie": f"{cookie}; Path=/"})

    neighbour = web.Application()
    neighbour.add_routes([web.get("/", plant)])
    async with served(neighbour) as url:
        yield url.replace("127.0.0.1", "localhost")


async def test_a_planted_cookie_is_replaced_at_sign_in_and_leads_nowhere(wire: Wire) -> None:
    async with planter(UNKNOWN) as neighbour:
        await wire.browser.navigate(neighbour)
        assert wire.cookie == f"Cookie: {UNKNOWN}"
        await wire.sign_in()
        assert wire.cookie != f"Cookie: {UNKNOWN}"
        assert not await knows(wire, UNKNOWN)


async def test_a_planted_session_of_another_ends_when_its_victim_signs_in(wire: Wire) -> None:
    async with HTTPBrowser() as attacker:
        await sign_in(attacker, f"{wire.gateway.url}/", "jean-baptiste")
        theirs = f"gateway={attacker.cookies(wire.gateway.url)['gateway']}"
        async with planter(theirs) as neighbour:
            await wire.browser.navigate(neighbour)
        wire.provider.sessions.clear()
        page = await wire.browser.navigate(f"{wire.gateway.url}/_gateway/sign-in")
        page = await wire.browser.submit(await wire.browser.follow(page), press="eleonore")
        assert (await wire.browser.follow(page)).status == 200
        assert await knows(wire, wire.cookie.removeprefix("Cookie: "))
        assert not await knows(wire, theirs)
        assert (await attacker.navigate(f"{wire.gateway.url}/private")).status == 401


async def test_signing_in_as_somebody_else_gives_a_new_session_and_ends_the_first(wire: Wire) -> None:
    await wire.sign_in("eleonore")
    first = wire.cookie.removeprefix("Cookie: ")
    wire.provider.sessions.clear()
    page = await wire.browser.open(f"{wire.gateway.url}/_gateway/sign-in")
    await wire.browser.follow(await wire.browser.submit(page, press="jean-baptiste"))
    second = wire.cookie.removeprefix("Cookie: ")
    assert first != second
    assert not await knows(wire, first)
    events = [event for event in wire.gateway.audited() if event["event"] == "sign-in"]
    assert len({event["session"] for event in events}) == len({event["sub"] for event in events}) == 2
    assert b"jean" in (await wire.ask("GET", "/_gateway/whoami", f"Cookie: {second}")).body


async def test_a_failed_sign_in_leaves_the_session_as_it_is(wire: Wire) -> None:
    await wire.sign_in()
    cookie = wire.cookie
    page = await wire.browser.navigate(f"{wire.gateway.url}/_gateway/callback?error=access_denied&state=x")
    assert page.status == 400
    assert wire.cookie == cookie
    assert await knows(wire, cookie.removeprefix("Cookie: "))


@asynccontextmanager
async def two_apps() -> AsyncIterator[Wire]:
    async with RawUpstream(OK) as upstream:
        other = f'[[apps]]\nname = "other"\nhost = "other.localhost"\nupstream = "{upstream.url}"\n'
        async with (
            gateway_at_demo(upstream.url, routes=other) as (gateway, provider),
            HTTPBrowser() as browser,
        ):
            yield Wire(gateway=gateway, upstream=upstream, provider=provider, browser=browser)


async def test_a_session_of_one_host_is_nobodys_at_another() -> None:
    async with two_apps() as wire:
        elsewhere = f"other.localhost:{wire.gateway.port}"
        await wire.sign_in()
        for target in ("/private", "/_gateway/whoami"):
            assert (await wire.ask("GET", target, wire.cookie, host=elsewhere)).status == 401
        assert wire.upstream.requests == []
        page = await sign_in_again(wire.browser, f"http://{elsewhere}/")
        assert page.status == 200
        there = f"Cookie: gateway={wire.browser.cookies(f'http://{elsewhere}')['gateway']}"
        assert (await wire.ask("GET", "/private", there, host=elsewhere)).status == 200
        assert (await wire.ask("GET", "/private", there)).status == 401
        assert (await wire.ask("GET", "/private", there, wire.cookie)).status == 200
        assert [event["app"] for event in wire.gateway.audited()] == ["app", "other"]


async def sign_in_again(browser: HTTPBrowser, url: str) -> Page:
    """Sign in where the provider knows the person already: the button is all there is to press."""
    page = await browser.navigate(url)
    return await browser.follow(await browser.click(page, "S'identifier avec ProConnect"))


async def test_a_sign_in_begun_at_one_host_cannot_end_at_another() -> None:
    async with two_apps() as wire:
        page = await wire.browser.navigate(f"{wire.gateway.url}/_gateway/sign-in")
        page = await wire.browser.submit(await wire.browser.follow(page), press="eleonore")
        wire.provider.journal.clear()
        attempts = "; ".join(
            f"{name}={value}" for name, value in wire.browser.cookies(wire.gateway.url).items()
        )
        target = page.location.raw_path_qs
        answer = await wire.ask(
            "GET", target, f"Cookie: {attempts}", host=f"other.localhost:{wire.gateway.port}"
        )
        assert answer.status == 400
        assert wire.provider.journal == []
        assert not any(cookie.startswith("gateway=") for cookie in answer.fields.getall("Set-Cookie", []))
        # The attempt itself is none the worse for it.
        assert (await wire.browser.follow(page)).status == 200
