"""nginx and Caddy with the shipped examples: the gateway decides, they carry the bytes, nobody gets past."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest
from aiohttp import web

from gateway.demo.provider import Provider, Registration, serve
from tests.support.flows import Answered, sign_in
from tests.support.front_servers import Places, caddy, nginx
from tests.support.gateway import Wanted, gateway_process
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS
from tests.support.processes import LOOPBACK, free_port
from tests.support.raw import connect
from tests.support.serving import in_a_loop_of_its_own, served

pytestmark = pytest.mark.real

FRONTS: Final = {"nginx": nginx, "caddy": caddy}
ROUTES: Final = """
[[apps.routes]]
path = "/public/"
access = "public"
[[apps.routes]]
path = "/closed/"
access = "deny"
"""
FORGED: Final = (
    "X-ProConnect-Email",
    "X-ProConnect-Phone-Number",
    "X-ProConnect-Never-Heard-Of",
    "Remote-User",
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everybody in the story.

    Args:
        url: what browsers call the front server.
        port: its port.
        browser: a person's.
    """

    url: str
    port: int
    browser: HTTPBrowser

    async def ask(self, method: str, target: str, *fields: str) -> Answered:
        """Send one request over a connection of its own."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: localhost:{self.port}", *fields, "", ""]
        async with await connect(self.port) as connection:
            await connection.send("\r\n".join(lines).encode())
            return Answered.read(await connection.read_message())

    @property
    def cookie(self) -> str:
        """The session's cookie as a field."""
        return f"Cookie: gateway={self.browser.cookies(self.url)['gateway']}"


def application() -> web.Application:
    """Answers with the request as it came."""

    async def echo(request: web.Request) -> web.Response:
        received = {
            "method": request.method,
            "target": request.raw_path,
            "fields": [[name.decode(), value.decode("latin-1")] for name, value in request.raw_headers],
            "body": (await request.read()).decode(),
        }
        return web.json_response(received)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    return app


@pytest.fixture(params=FRONTS, scope="module")
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    run, folder = FRONTS[request.param], tmp_path_factory.mktemp("front")
    port, own, client = free_port(), free_port(), CLIENTS["RS256"]
    url = f"http://localhost:{port}"
    with ExitStack() as stack:
        provider = stack.enter_context(in_a_loop_of_its_own(serve(Provider())))
        upstream = stack.enter_context(in_a_loop_of_its_own(served(application())))
        wanted = Wanted(
            issuer=provider.issuer,
            client=client,
            upstream="forward-auth",
            gateway=f'trusted_proxies = ["{LOOPBACK}"]',
            routes=ROUTES,
        )
        gateway, _ = stack.enter_context(gateway_process(wanted, folder, port=own, public_url=url))
        places = Places(front=port, gateway=own, application=int(upstream.rpartition(":")[2]))
        stack.enter_context(run(places, folder))
        provider.register(
            Registration(
                client_id=client.client_id,
                client_secret=client.client_secret,
                redirect_uris=(gateway.redirect_uri,),
                post_logout_redirect_uris=(gateway.post_logout_redirect_uri,),
            )
        )
        yield url, port


@pytest.fixture
async def scene(front: tuple[str, int]) -> AsyncIterator[Scene]:
    async with HTTPBrowser() as browser:
        yield Scene(*front, browser)


def fields(received: dict[str, Any], name: str) -> list[str]:
    return [value for key, value in received["fields"] if key.lower() == name.lower()]


async def test_a_person_signs_in_and_the_application_learns_who_it_is(scene: Scene) -> None:
    page = await sign_in(scene.browser, f"{scene.url}/dossiers/42?tab=%C3%A9tat", "eleonore")
    assert page.status == 200
    received = json.loads(page.text)
    assert received["target"] == "/dossiers/42?tab=%C3%A9tat"
    assert fields(received, "Remote-User") == ["eleonore.lefevre-oeillet@morbihan.example.gouv.fr"]
    assert fields(received, "X-ProConnect-Given-Name") == ["%C3%89l%C3%A9onore"]
    assert "gateway" not in "".join(fields(received, "Cookie"))


async def test_nobody_signed_in_gets_the_gateways_page_or_problem(scene: Scene) -> None:
    page = await scene.browser.navigate(f"{scene.url}/dossiers/42")
    assert (page.status, page.fields["Content-Type"]) == (401, "text/html; charset=utf-8")
    assert page.links
    problem = await scene.browser.fetch(f"{scene.url}/dossiers/42")
    assert (problem.status, problem.fields["Content-Type"]) == (
        401,
        "application/problem+json; charset=utf-8",
    )


async def test_a_refused_page_says_why(scene: Scene) -> None:
    page = await scene.browser.navigate(f"{scene.url}/closed/x")
    assert (page.status, "<h1>" in page.text) == (403, True)


async def test_a_form_of_somebody_signed_in_arrives_whole(scene: Scene) -> None:
    await sign_in(scene.browser, f"{scene.url}/", "eleonore")
    page = await scene.browser.navigate(f"{scene.url}/form", method="POST", form={"nom": "Éléonore"})
    received = json.loads(page.text)
    assert (received["method"], received["body"]) == ("POST", "nom=%C3%89l%C3%A9onore")


@pytest.mark.parametrize("name", FORGED)
async def test_identity_that_a_browser_made_up_never_arrives(scene: Scene, name: str) -> None:
    """CVE-2026-30851, CVE-2025-64484: a field that the answer lacks, or spells otherwise, was let through."""
    await sign_in(scene.browser, f"{scene.url}/", "eleonore")
    for target in ("/dossiers/42", "/public/x"):
        for spelled in (name, name.upper(), name.replace("-", "_")):
            answer = await scene.ask("GET", target, scene.cookie, f"{spelled}: root@evil")
            assert b"root@evil" not in answer.body, (target, spelled)


@pytest.mark.parametrize("name", ["X-Forwarded-Uri", "X-Original-Uri", "X-Original-Url", "X-Rewrite-Url"])
async def test_a_browser_cannot_name_another_request(scene: Scene, name: str) -> None:
    for value in ("/public/x", f"{scene.url}/public/x"):
        answer = await scene.ask("GET", "/dossiers/42", f"{name}: {value}")
        assert answer.status in {400, 401, 500}
        assert b"dossiers" not in answer.body


@pytest.mark.parametrize(
    "target",
    ["/public/../dossiers", "/public/%2e%2e/dossiers", "/public/..%2fdossiers", "//public/../dossiers"],
)
async def test_a_path_that_reads_in_two_ways_is_not_let_through(scene: Scene, target: str) -> None:
    answer = await scene.ask("GET", target)
    assert answer.status in {400, 401, 500}
    assert b'"target"' not in answer.body


async def test_the_question_is_not_for_browsers(scene: Scene) -> None:
    told = ("X-Forwarded-Uri: /public/x", "X-Forwarded-Method: GET")
    assert (await scene.ask("GET", "/_gateway/forward-auth", *told)).status == 404


async def test_after_signing_out_the_next_request_is_nobodys(scene: Scene) -> None:
    await sign_in(scene.browser, f"{scene.url}/", "eleonore")
    cookie = scene.cookie
    assert (await scene.ask("GET", "/dossiers/42", cookie)).status == 200
    link = {"Sec-Fetch-Site": "same-origin"}
    await scene.browser.navigate(f"{scene.url}/_gateway/sign-out", fields=link)
    async with asyncio.timeout(2):
        while (await scene.ask("GET", "/dossiers/42", cookie)).status == 200:
            await asyncio.sleep(0.05)
    assert (await scene.ask("GET", "/dossiers/42", cookie)).status == 401
