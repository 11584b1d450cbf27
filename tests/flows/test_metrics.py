"""The second address: what the gateway says of itself in numbers."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.flows import Wire, on_the_wire
from tests.support.gateway import RunningGateway, Wanted, gateway_process
from tests.support.oidc_engine import CLIENTS
from tests.support.raw import RawConnection, connect

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ROUTES = """
[[apps.routes]]
path = "/open"
access = "public"
[[apps.routes]]
path = "/closed"
access = "deny"
"""
WITHIN = 20.0


async def numbers(gateway: RunningGateway) -> dict[str, float]:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.observe}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        text = await answer.text()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


async def test_requests_people_streams_and_faults_are_counted() -> None:
    async def answer(connection: RawConnection) -> None:
        last = wire.upstream.requests[-1]
        if b"Upgrade: websocket" in last:
            await connection.send(SWITCH)
            await connection.read()
        elif b"/open/broken" in last:
            await connection.send(b"nonsense\r\n\r\n")
        else:
            await connection.send(OK)

    async with on_the_wire(answer, routes=ROUTES) as wire:
        for target, status in {"/open": 200, "/open/broken": 502, "/private": 401, "/closed": 403}.items():
            assert (await wire.ask("GET", target)).status == status
        await wire.sign_in()
        assert (await wire.ask("GET", "/private", wire.cookie)).status == 200
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
        head = "\r\n".join(["GET /private HTTP/1.1", f"Host: {wire.host}", wire.cookie, *upgrade, "", ""])
        async with await connect(wire.gateway.port) as browser:
            await browser.send(head.encode())
            await browser.read_until(b"\r\n\r\n")
            said = await numbers(wire.gateway)
            assert (said["gateway_open_tunnels app"], said["gateway_open_streams"]) == (1, 1)
        assert said["gateway_requests_total app public 2xx"] == 1
        assert said["gateway_requests_total app upstream-malformed 5xx"] == 1
        assert said["gateway_upstream_errors_total app upstream-malformed"] == 1
        assert said["gateway_requests_total app not-signed-in 4xx"] == 2
        assert said["gateway_requests_total app signed-in 1xx"] == 1
        assert said["gateway_refusals_total app access-refused route-denied"] == 1
        assert said["gateway_sign_ins_total app default"] == 1
        assert (said["gateway_provider_ready default"], said["gateway_workers"]) == (1, 1)
        assert said["gateway_request_duration_seconds_count app"] >= 6
        await until(wire, "gateway_open_tunnels app", 0)


async def until(wire: Wire, name: str, value: float) -> None:
    async with asyncio.timeout(WITHIN):
        while (await numbers(wire.gateway))[name] != value:
            await asyncio.sleep(0.02)


async def test_nothing_that_a_request_says_becomes_a_label() -> None:
    async with on_the_wire(b"HTTP/1.1 200 Marker\r\nContent-Length: 0\r\n\r\n", routes=ROUTES) as wire:
        await wire.ask("GET", "/open", host="marker.example")
        await wire.ask("GET", "/marker?marker", "Cookie: gateway=marker")
        await wire.ask("MARKER", "/open/marker", "X-Request-Id: marker")
        await wire.sign_in()
        said = " ".join(await numbers(wire.gateway))
        assert "marker" not in said.lower()
        assert "eleonore" not in said.lower()
        assert "gateway_requests_total  host-unknown 4xx" in said


@pytest.mark.real
async def test_workers_add_up_and_no_counter_falls_when_one_dies(tmp_path: Path) -> None:
    wanted = Wanted(
        issuer="http://localhost:1/api/v2",
        client=CLIENTS["RS256"],
        upstream="http://127.0.0.1:1",
        store=f"sqlite:///{tmp_path}/sessions.db",
        routes=ROUTES,
    )
    counter = "gateway_requests_total app route-denied 4xx"

    async def ask(times: int) -> None:
        for _ in range(times):
            async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/closed") as answer:
                assert answer.status == 403

    async def counted(total: int, *, workers: int = 2) -> None:
        """Whichever worker is asked."""
        async with asyncio.timeout(WITHIN):
            agreed = 0
            while agreed < 4:
                said = await numbers(gateway)
                right = (said.get(counter), said["gateway_workers"]) == (total, workers)
                agreed = agreed + 1 if right else 0
                await asyncio.sleep(0.02)

    with gateway_process(wanted, tmp_path, arguments=("--workers", "2")) as (gateway, program):
        await asyncio.to_thread(program.line, '"serving"')
        await ask(20)
        await counted(20)
        program.signal(signal.SIGHUP)
        for _ in range(2):
            await asyncio.to_thread(program.line, '"serving"')
        await counted(20)
        await ask(5)
        await counted(25)
