from __future__ import annotations

import logging
import sys

import pytest
from aiohttp import web

from gateway.secret import Secret
from tests.support.gateway import GATEWAY_SECRET, Wanted, running_gateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS
from tests.support.processes import Program
from tests.support.serving import served
from tests.support.watch import watching

CODE = "SplxlOBeZQQYbYS6WxSbIA"
WANTED = Wanted(issuer="http://localhost:1", client=CLIENTS["RS256"], upstream="http://localhost:1")


async def test_what_a_library_logs_of_a_secret_is_found() -> None:
    with pytest.raises(AssertionError, match=r"^log: gateway's secret in saying a secret of the tests"):
        async with running_gateway(WANTED):
            logging.getLogger("some.library").debug("saying %s", GATEWAY_SECRET)


async def test_what_the_gateway_held_as_a_secret_is_found() -> None:
    with pytest.raises(AssertionError, match=f"^log: Secret in {CODE}"):
        async with running_gateway(WANTED):
            logging.getLogger("some.library").debug(Secret(CODE).reveal())


@pytest.mark.real
@pytest.mark.parametrize("place", ["cmdline", "environ"])
def test_what_others_can_read_of_a_process_is_looked_at(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", CODE if place == "environ" else "")
    command = [sys.executable, "-c", "input()", *([CODE] if place == "cmdline" else [])]
    with watching() as watch, Program(command) as program:
        watch.learn("code", CODE)
        watch.look_at_process(program.pid)
    with pytest.raises(AssertionError, match=f"^{place}: code in (LEAK=)?{CODE}$"):
        watch.check("http://localhost:1")


@pytest.mark.parametrize("place", ["log", "metrics"])
def test_what_was_written_is_looked_at(place: str) -> None:
    with watching() as watch:
        watch.learn("code", CODE)
        watch.look_at(place, ["nothing", f"path=/callback?code={CODE}"])
    with pytest.raises(AssertionError, match=f"^{place}: code in path=/callback"):
        watch.check("http://localhost:1")


@pytest.mark.parametrize(
    "path, found",
    [("/_gateway/whoami", True), ("/_gateway/sign-out", True), ("/elsewhere", False)],
)
async def test_the_gateways_own_pages_are_looked_at(
    http_browser: HTTPBrowser, path: str, *, found: bool
) -> None:
    application = web.Application()

    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"<p>{request.query['code']}</p>")

    application.router.add_get(path, echo)
    async with served(application) as url:
        with watching() as watch:
            await http_browser.navigate(f"{url}{path}?code={CODE}")
        if found:
            with pytest.raises(AssertionError, match=f"^page {path.rpartition('/')[2]}: code in"):
                watch.check(url)
        else:
            watch.check(url)


async def test_what_a_page_brings_where_it_belongs_is_no_leak(http_browser: HTTPBrowser) -> None:
    application = web.Application()

    async def onward(request: web.Request) -> web.Response:
        return web.Response(text=f'<a href="http://localhost:1/end?state={request.query["state"]}">on</a>')

    application.router.add_get("/_gateway/sign-out", onward)
    async with served(application) as url:
        with watching() as watch:
            await http_browser.navigate(f"{url}/_gateway/sign-out?state={CODE}")
        watch.check(url)


def test_a_tests_filling_is_no_secret() -> None:
    with watching() as watch:
        Secret("x" * 43)
        watch.look_at("log", ["x" * 43])
    watch.check("http://localhost:1")
