"""Framing tricks before real servers: each sees as many requests as the gateway let through, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.applications import KINDS, Application, Kind, running_application
from tests.support.flows import gateway_at_demo
from tests.support.framing_tricks import BROKEN_BODIES, IN_DOUBT
from tests.support.gateway import RunningGateway
from tests.support.raw import connect

pytestmark = pytest.mark.real

OPEN = '[[apps.routes]]\npath = "/"\naccess = "public"\n'
AT_A: Final = {"host": "a", "gateway": "danger_plain_http = true", "routes": OPEN}
POST: Final = b"POST /seen HTTP/1.1\r\nHost: a\r\n"
CHUNKS: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END: Final = b"GET /seen?last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
INNER = b"GET /seen?inner HTTP/1.1\r\nHost: a\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(INNER)
# What the gateway lets through, and how many requests it is.
ODD: Final[dict[bytes, int]] = {
    INNER + INNER: 2,
    POST + LENGTH + b"\r\n" + INNER: 1,
    b"GET /seen HTTP/1.1\r\nHost: a\r\n" + LENGTH + b"\r\n" + INNER: 1,
    POST + b"Connection: Content-Length\r\n" + LENGTH + b"\r\n" + INNER: 1,
    POST + b"Content-Length: 0\r\n\r\n" + INNER: 2,
    POST + b"Content-Length: 000\r\n\r\n" + INNER: 2,
    POST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + LENGTH + b"\r\n" + INNER: 1,
}
WHOLE: Final = (len(INNER), INNER)
CHUNKED: Final[dict[bytes, int]] = {
    CHUNKS + b"0\r\n\r\n" + INNER: 2,
    POST + b"Transfer-Encoding: Chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % WHOLE: 1,
    CHUNKS + b"00%X;a=b\r\n%b\r\n0;x\r\nT: y\r\n\r\n" % WHOLE: 1,
    CHUNKS.replace(b"Host", b"Connection: Transfer-Encoding\r\nHost") + b"%x\r\n%b\r\n0\r\n\r\n" % WHOLE: 1,
}


PROGRAMS: Final = tuple(kind for kind in KINDS if kind.sees)


@pytest.fixture(scope="module")
def application(request: pytest.FixtureRequest) -> Iterator[Application]:
    kind: Kind = request.param
    with running_application(kind) as running:
        yield running


def count(application: Application) -> int:
    """How many requests the application has seen."""
    seen = application.folder / "uploads" / "seen"
    return seen.stat().st_size if seen.exists() else 0


async def send(gateway: RunningGateway, octets: bytes) -> None:
    """Send all of it as it is, and wait until the gateway has closed."""
    async with await connect(gateway.port) as connection:
        await connection.send(octets)
        assert (await connection.read()).closed


def let_through(gateway: RunningGateway) -> int:
    return sum(line["event"] == "request" and line.get("decision") == "public" for line in gateway.lines)


@pytest.mark.parametrize("application", PROGRAMS, ids=str, indirect=True, scope="module")
async def test_hazard_smuggling_each_server_sees_as_many_requests_as_were_let_through(
    application: Application,
) -> None:
    async with gateway_at_demo(application.url, **AT_A) as (gateway, _):
        for trick, requests in {**ODD, **(CHUNKED if application.kind.chunked else {})}.items():
            before, allowed = count(application), let_through(gateway)
            await send(gateway, trick + END)
            assert let_through(gateway) - allowed == requests + 1, trick
            assert count(application) - before == requests + 1, trick
        before, allowed = count(application), let_through(gateway)
        for trick in IN_DOUBT:
            await send(gateway, trick.replace(b" / ", b" /seen ") + END)
        assert (count(application), let_through(gateway)) == (before, allowed)


@pytest.mark.parametrize(
    "application", [kind for kind in PROGRAMS if kind.chunked], ids=str, indirect=True, scope="module"
)
async def test_hazard_chunk_ends_a_broken_body_is_never_followed_by_another_request(
    application: Application,
) -> None:
    async with gateway_at_demo(application.url, **AT_A) as (gateway, _):
        for body in BROKEN_BODIES:
            before = count(application)
            await send(gateway, CHUNKS + body + END)
            # A program that cannot tell a cut body from a whole one may have seen the request; none sees two.
            assert count(application) - before <= 1, body
        before = count(application)
        await send(gateway, END)
        assert count(application) - before == 1
