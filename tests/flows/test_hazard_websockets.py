"""WebSockets through the gate: who may open one, and what never becomes one."""

from __future__ import annotations

import pytest

from tests.support.flows import Wire, on_the_wire
from tests.support.raw import RawConnection, connect

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: eA==",
)
ROUTES = '[[apps.routes]]\npath = "/open"\naccess = "public"\n'


async def switches(connection: RawConnection) -> None:
    await connection.send(SWITCH)
    await connection.read()


async def opened(wire: Wire, target: str, *fields: str) -> int:
    """The status that asking for a WebSocket gets."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {wire.host}", *UPGRADE, *fields, "", ""]
    async with await connect(wire.gateway.port) as browser:
        await browser.send("\r\n".join(lines).encode())
        return int((await browser.read_until(b"\r\n\r\n")).split(b" ", 2)[1])


async def test_hazard_unauthenticated_upgrade_is_401_and_costs_the_application_nothing() -> None:
    async with on_the_wire(OK, routes=ROUTES) as wire:
        assert await opened(wire, "/private") == 401
        assert (
            await opened(wire, "/private", "Sec-Fetch-Mode: websocket", f"Origin: {wire.gateway.url}") == 401
        )
        await wire.nothing_went_up()


FOREIGN = ("https://evil.example", "null", "http://localhost", "http://localhost.evil.example", "", "file://")


async def test_hazard_cross_site_websocket_hijacking_another_sites_page_is_403() -> None:
    async with on_the_wire(OK, routes=ROUTES) as wire:
        await wire.sign_in()
        for origin in FOREIGN:
            for target in ("/private", "/open"):
                assert await opened(wire, target, wire.cookie, f"Origin: {origin}") == 403, origin
        await wire.nothing_went_up()


@pytest.mark.parametrize("origin", ["own", "https://portail.example.gouv.fr"])
async def test_a_page_of_ours_or_of_a_site_that_is_named_may_open_one(origin: str) -> None:
    app = 'websocket_origins = ["https://portail.example.gouv.fr"]\n'
    async with on_the_wire(OK, app=app, routes=ROUTES) as wire:
        await wire.sign_in()
        wire.upstream.answer_with(switches)
        named = wire.gateway.url if origin == "own" else origin
        assert await opened(wire, "/private", wire.cookie, f"Origin: {named}") == 101
        assert await opened(wire, "/open", f"Origin: {named}") == 101


async def test_hazard_notupgrade_what_asks_for_no_upgrade_is_decided_and_forwarded_as_a_plain_request() -> (
    None
):
    async with on_the_wire(OK, routes=ROUTES) as wire:
        for fields in (
            ("Connection: notupgrade", "Upgrade: websocket"),
            ("Connection: Upgrade", "Upgrade: h2c"),
        ):
            assert (await wire.ask("GET", "/open", *fields)).status == 200
            assert b"pgrade" not in wire.upstream.requests[-1]
            assert (await wire.ask("GET", "/private", *fields)).status == 401
