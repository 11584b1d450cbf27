"""Who is signed in with a real browser is thrown out by a command that never speaks to their gateway."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page

from gateway.demo.upstream import make_upstream
from tests.support.gateway import RunningGateway, Wanted, gateway_process
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.person import Person, heading, sign_in, sitting_at
from tests.support.processes import Program
from tests.support.redis_server import RedisServer
from tests.support.serving import served

pytestmark = [pytest.mark.real, pytest.mark.parametrize("oidc_engine", [7], indirect=True)]

SOON: Final = 1.0  # seconds
POLICY_VIOLATION: Final = 1008
EMAIL: Final = "eleonore.lefevre-oeillet@morbihan.example"
PAGE: Final = "/private/dossier?numero=42"

OPEN_SOCKET: Final = """() => new Promise(opened => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws");
  window.ending = new Promise(closed => {
    socket.onclose = event => closed({code: event.code, at: Date.now() / 1000});
  });
  socket.onmessage = event => opened(event.data);
  socket.onopen = () => { window.socket = socket; socket.send("bonjour"); };
})"""
ECHO: Final = """text => new Promise(echoed => {
  window.socket.onmessage = event => echoed(event.data);
  window.socket.send(text);
})"""


@dataclass(frozen=True, slots=True)
class Two:
    """Two gateway processes on one site, with one store, and where the settings of each are."""

    gateways: tuple[RunningGateway, RunningGateway]
    folder: Path

    def settings(self, number: int) -> Path:
        """The settings file of one of them."""
        return self.folder / f"gateway-{self.gateways[number].port}.toml"


@pytest.fixture
async def two(oidc_engine: OIDCEngine, redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Two]:
    client = CLIENTS["RS256"]
    async with served(make_upstream()) as upstream, AsyncExitStack() as stack:
        wanted = Wanted(issuer=oidc_engine.issuer, client=client, upstream=upstream, store=redis_server.url)
        # Cookies know no ports: for a browser, both are the same site.
        one, other = (stack.enter_context(gateway_process(wanted, tmp_path))[0] for _ in range(2))
        oidc_engine.register(client, redirect_uris=[one.redirect_uri, other.redirect_uri])
        yield Two((one, other), tmp_path)


async def arrive(person: Person, engine: OIDCEngine, gateway: RunningGateway, name: str) -> Page:
    """Sign in, and come to the page with an open WebSocket."""
    await person.spare_icon(engine.port)
    page = await person.open(gateway.url + PAGE)
    await sign_in(page, name)
    await heading(page, "Un dossier")
    assert await page.evaluate(OPEN_SOCKET) == "bonjour"
    return page


async def revoke(settings: Path, *arguments: str) -> float:
    """End one session by the command: when it said that it had, in Unix seconds."""
    command = [sys.executable, "-m", "gateway", "sessions", "revoke", *arguments, "--config", str(settings)]
    with Program(command) as program:
        said = await asyncio.to_thread(program.line, "ended$")
        at = time.time()
        assert said == "1 session ended"
        assert await asyncio.to_thread(program.wait) == 0
    return at


async def test_who_is_revoked_is_out_within_a_second_at_every_gateway_with_their_websockets(
    two: Two, oidc_engine: OIDCEngine, chromium: Browser
) -> None:
    one, other = two.gateways
    async with sitting_at(chromium) as person, sitting_at(chromium) as colleague:
        here = await arrive(person, oidc_engine, one, "eleonore")
        there = await person.open(other.url + PAGE)
        await heading(there, "Un dossier")
        assert await there.evaluate(OPEN_SOCKET) == "bonjour"
        neighbour = await arrive(colleague, oidc_engine, one, "solene")

        done = await revoke(two.settings(1), "--email", EMAIL)

        for page in (here, there):
            closed: dict[str, Any] = await page.evaluate("window.ending")
            assert closed["code"] == POLICY_VIOLATION
            assert closed["at"] - done < SOON
            await page.goto(page.url)
            await heading(page, "Connexion")
        assert await neighbour.evaluate(ECHO, "toujours là") == "toujours là"
        await neighbour.goto(other.url + PAGE)
        await heading(neighbour, "Un dossier")
