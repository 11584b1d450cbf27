"""Requests that cost their sender little cost the gateway little, and nobody else their answer."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import check_output
from typing import TypeAlias

import pytest

from tests.support.applications import KINDS, running_application
from tests.support.gateway import RunningGateway, Wanted, gateway_process
from tests.support.oidc_engine import CLIENTS
from tests.support.processes import LOOPBACK, Program
from tests.support.raw import RawConnection, connect

pytestmark = pytest.mark.real

Flood: TypeAlias = Callable[[RawConnection, RunningGateway], Awaitable[bytes]]

OPEN = '[[apps.routes]]\npath = "/"\naccess = "public"\n'
BOUND = 48 << 20
"""Octets by which the worker may grow."""

IN_SOCKETS = 16 << 20
"""Octets that the sockets between a browser and the worker may hold, more or less."""

HALF_OPEN = 5_000
WITHIN = 30.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningGateway, Program]]:
    """A gateway without assertions, as some run Python, before a Node application."""
    node = next(kind for kind in KINDS if kind.name == "node")
    folder: Path = tmp_path_factory.mktemp("floods")
    with pytest.MonkeyPatch.context() as environ, running_application(node) as application:
        environ.setenv("PYTHONOPTIMIZE", "1")
        wanted = Wanted(
            issuer="http://localhost:1/api/v2",
            client=CLIENTS["RS256"],
            upstream=application.url,
            routes=OPEN,
            gateway='drain_timeout = "1s"',
        )
        with gateway_process(wanted, folder) as (gateway, program):
            yield gateway, program


def memory(program: Program) -> int:
    """What the worker holds, in octets."""
    (worker,) = check_output(["pgrep", "-P", str(program.pid)], text=True).split()
    status = Path(f"/proc/{worker}/status").read_text("utf-8")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def head(gateway: RunningGateway, method: str, target: str, *fields: str) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: localhost:{gateway.port}", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


async def answers(gateway: RunningGateway) -> None:
    """Somebody else is served."""
    async with await connect(gateway.port) as browser:
        await browser.send(head(gateway, "GET", "/page"))
        assert (await browser.read_message(seconds=WITHIN)).startswith(b"HTTP/1.1 200 ")


async def tiny_chunks(browser: RawConnection, gateway: RunningGateway) -> bytes:
    await browser.send(head(gateway, "POST", "/seen", "Transfer-Encoding: chunked"))
    for _ in range(25):
        await browser.send(b"1\r\nx\r\n" * 2_000)
    await browser.send(b"0\r\n\r\n")
    return await browser.read_message(seconds=WITHIN)


async def many_trailers(browser: RawConnection, gateway: RunningGateway) -> bytes:
    await browser.send(head(gateway, "POST", "/seen", "Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n")
    return await until_refused(browser, b"X-Trailer: y\r\n" * 2_000)


async def endless_line(browser: RawConnection, gateway: RunningGateway) -> bytes:
    await browser.send(head(gateway, "GET", "/page")[:-2] + b"X-Long: ")
    return await until_refused(browser, b"x" * 20_000)


async def endless_fields(browser: RawConnection, gateway: RunningGateway) -> bytes:
    await browser.send(head(gateway, "GET", "/page")[:-2])
    return await until_refused(browser, b"X-Many: y\r\n" * 2_000)


async def endless_target(browser: RawConnection, gateway: RunningGateway) -> bytes:
    del gateway
    await browser.send(b"GET /")
    return await until_refused(browser, b"x" * 20_000)


async def until_refused(browser: RawConnection, piece: bytes) -> bytes:
    """Send a piece again and again, up to a bound, until the gateway has had enough."""
    reading = asyncio.create_task(browser.read(seconds=WITHIN))
    try:
        for _ in range(1_000):
            if reading.done():
                break
            await browser.send(piece)
            await asyncio.sleep(0)
    except (ConnectionError, RuntimeError):
        pass
    return (await reading).data


@pytest.mark.parametrize(
    "flood, statuses",
    [
        (tiny_chunks, (b"200",)),
        (many_trailers, (b"400", b"431")),
        (endless_line, (b"431",)),
        (endless_fields, (b"431",)),
        (endless_target, (b"414",)),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
async def test_hazard_denial_of_service_a_flood_is_refused_or_served_at_constant_memory(
    running: tuple[RunningGateway, Program], flood: Flood, statuses: tuple[bytes, ...]
) -> None:
    gateway, program = running
    await answers(gateway)
    before = memory(program)
    async with await connect(gateway.port) as browser:
        answered = await flood(browser, gateway)
    assert answered.split(b" ", 2)[1] in statuses, answered[:200]
    await answers(gateway)
    assert memory(program) - before < BOUND


async def test_hazard_denial_of_service_requests_behind_a_slow_one_wait_at_the_browser(
    running: tuple[RunningGateway, Program],
) -> None:
    gateway, program = running
    await answers(gateway)
    before = memory(program)
    many = head(gateway, "GET", "/page") * 10_000
    with socket.create_connection((LOOPBACK, gateway.port)) as browser:
        browser.sendall(head(gateway, "GET", "/events"))  # goes on until somebody makes a file
        assert browser.recv(12) == b"HTTP/1.1 200"
        browser.settimeout(0)
        taken = 0
        for _ in range(100):
            with suppress(BlockingIOError):
                taken += browser.send(many)
            await asyncio.sleep(0.01)
        assert taken < IN_SOCKETS
        await answers(gateway)
        assert memory(program) - before < BOUND


async def test_hazard_half_open_connections_stop_nobody(running: tuple[RunningGateway, Program]) -> None:
    gateway, program = running
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    begun = head(gateway, "GET", "/page")[:-2]
    with ExitStack() as half_open:
        for _ in range(HALF_OPEN):
            connection = socket.create_connection((LOOPBACK, gateway.port), timeout=WITHIN)
            half_open.enter_context(connection).sendall(begun)
        for _ in range(3):
            await answers(gateway)
    await answers(gateway)
    assert program.running
