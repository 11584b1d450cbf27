from __future__ import annotations

import asyncio
import socket
import zlib

import pytest

from gateway.errors import Fault
from gateway.proxy.relay import RelayedAnswer
from tests.proxy.conftest import Running
from tests.proxy.heads import LongConnection
from tests.support.processes import LOOPBACK
from tests.support.raw import RawConnection, RawUpstream

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"
OLD_KEPT = b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"
MEGABYTE = bytes(range(256)) * 4096


async def without_length(connection: RawConnection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\n\r\nok")
    await connection.close()


@pytest.mark.parametrize(
    "request_, answer, relayed, closed",
    [
        (GET, SIZED, SIZED, False),
        (LAST, SIZED, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", True),
        (OLD, SIZED, SIZED, True),
        (OLD_KEPT, SIZED, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", False),
        (GET, CHUNKS, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False),
        (OLD, CHUNKS, b"HTTP/1.1 200 OK\r\n\r\nok", True),
        (OLD_KEPT, CHUNKS, b"HTTP/1.1 200 OK\r\n\r\nok", True),
        (
            GET,
            without_length,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            False,
        ),
        (OLD_KEPT, without_length, b"HTTP/1.1 200 OK\r\n\r\nok", True),
        (
            HEAD,
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            False,
        ),
        (HEAD, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", False),
        (HEAD, b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", False),
        (HEAD, SIZED, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", False),
        (
            GET,
            b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            False,
        ),
        (
            GET,
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            False,
        ),
        (
            GET,
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + SIZED,
            SIZED,
            False,
        ),
        (GET, b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED, SIZED, False),
        (GET, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", SIZED, False),
        (
            GET,
            b"HTTP/1.1 200 OK\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\nok",
            SIZED,
            False,
        ),
    ],
)
async def test_an_answer_is_framed_for_its_browser(
    running: Running, request_: bytes, answer: object, relayed: bytes, *, closed: bool
) -> None:
    async with RawUpstream(answer, SIZED) as upstream:  # type: ignore[arg-type]  # the cases are of two kinds
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(request_)
            if closed:
                received = await browser.read()
                assert (received.data, received.closed) == (relayed, True)
            else:
                # The next answer shows where this one ended.
                await browser.send(LAST)
                received = await browser.read()
                assert received.data.startswith(relayed)
                assert received.data[len(relayed) :].startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")
                assert received.data.count(b"HTTP/1.1 ") == 2


async def test_events_come_as_they_are_sent(running: Running) -> None:
    seen = asyncio.Event()

    async def events(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            await connection.send(b"data: %d\n\n" % number)
            await seen.wait()
            seen.clear()
        await connection.close()

    async with RawUpstream(events) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(GET)
            for number in range(3):
                await browser.read_until(b"9\r\ndata: %d\n\n\r\n" % number)
                seen.set()
            await browser.read_until(b"0\r\n\r\n")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_slow_browser_slows_the_upstream_and_gets_everything(
    running: Running, *, chunked: bool
) -> None:
    count = 64
    sent = 0

    async def download(connection: RawConnection) -> None:
        nonlocal sent
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (count * len(MEGABYTE))
        await connection.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % length)
        for _ in range(count):
            framed = b"%x\r\n%b\r\n" % (len(MEGABYTE), MEGABYTE) if chunked else MEGABYTE
            await connection.send(framed)
            sent += 1
        await connection.send(b"0\r\n\r\n" if chunked else b"")

    async with RawUpstream(download) as upstream:
        front = await running(upstream.url)
        async with await _reading_slowly(front.port) as browser:
            await browser.send(OLD if chunked else GET)
            await browser.read_until(b"\r\n\r\n")
            await asyncio.sleep(0.5)
            assert sent < count // 2  # what does not fit into buffers has to wait
            assert await browser.skip(count * len(MEGABYTE)) == zlib.crc32(MEGABYTE * count)


async def test_a_browser_that_stops_reading_is_cut(running: Running) -> None:
    ended = asyncio.Event()

    async def download(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                await connection.send(MEGABYTE)
        finally:
            ended.set()

    async with RawUpstream(download) as upstream:
        front = await running(upstream.url, idle=0.2)
        async with await _reading_slowly(front.port) as browser, asyncio.timeout(5):
            await browser.send(GET)
            await ended.wait()
            await front.done()
        assert front.errors == []


async def test_a_browser_that_stops_reading_a_whole_answer_is_cut(running: Running) -> None:
    # So many answers at once that no buffer between here and there holds them.
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000
    async with RawUpstream(answer) as upstream:
        front = await running(upstream.url, idle=0.2)
        async with await _reading_slowly(front.port) as browser, asyncio.timeout(10):
            while not (front.answers and not front.answers[-1].keep_alive):
                await browser.send(GET * 10)
                await asyncio.sleep(0.01)


async def test_a_browser_that_leaves_in_a_download_ends_it(running: Running) -> None:
    ended = asyncio.Event()

    async def download(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                await connection.send(MEGABYTE)
        finally:
            ended.set()

    async with RawUpstream(download) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(GET)
            await browser.read_until(b"\r\n\r\n")
            browser.reset()
        async with asyncio.timeout(5):
            await ended.wait()


@pytest.mark.parametrize(
    "head, begun",
    [(b"Content-Length: 9", b"ok"), (b"Transfer-Encoding: chunked", b"2\r\nok\r\n")],
)
async def test_an_answer_that_is_cut_short_never_looks_whole(
    running: Running, head: bytes, begun: bytes
) -> None:
    async def cut_short(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % head)
        await asyncio.sleep(0.02)
        await connection.send(begun)
        await asyncio.sleep(0.02)
        await connection.close()

    async with RawUpstream(cut_short) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(GET)
            received = await browser.read()
        assert received.data == b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (head, begun)
        assert received.closed
        error = front.answers[0].error
        assert error is not None
        assert error.fault is Fault.UPSTREAM_MALFORMED


async def test_what_is_streamed_in_a_sessions_name_ends_with_it(running: Running) -> None:
    ended = asyncio.Event()

    async def events(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await connection.read()
        ended.set()

    async with RawUpstream(events) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(GET)
            await browser.read_until(b"data: 1\n\n")
            assert front.streams.cut("bob") == 0
            assert front.streams.cut("alice") == 1
            received = await browser.read()
            assert b"0\r\n\r\n" not in received.data
            assert received.closed
            await ended.wait()
        error = front.answers[0].error
        assert error is not None
        assert error.fault is Fault.REQUEST_CUT


async def _reading_slowly(port: int) -> LongConnection:
    """A browser whose buffers are small, so that not reading is felt soon."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    raw.setblocking(False)  # noqa: FBT003 - the socket module's
    await asyncio.get_running_loop().sock_connect(raw, (LOOPBACK, port))
    return LongConnection(*await asyncio.open_connection(sock=raw, limit=4096))


def test_a_relayed_answer_takes_no_more_fields() -> None:
    assert RelayedAnswer(200, keep_alive=True, sent=1).prepared


async def test_a_browser_that_reads_little_by_little_is_not_cut(running: Running) -> None:
    size = 8 * len(MEGABYTE)

    async def download(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(8):
            await connection.send(MEGABYTE)

    async with RawUpstream(download) as upstream:
        front = await running(upstream.url, idle=0.2)
        async with await _reading_slowly(front.port) as browser:
            await browser.send(GET)
            await browser.read_until(b"\r\n\r\n")
            taken = 0
            for _ in range(8):
                await asyncio.sleep(0.1)
                await browser.skip(50_000)
                taken += 50_000
            assert await browser.skip(size - taken)
        await front.done()
        assert front.answers[0].error is None
