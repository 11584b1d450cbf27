from __future__ import annotations

import asyncio
import zlib

import pytest

from gateway.errors import Fault
from gateway.proxy.outgoing import IDEMPOTENT
from tests.proxy.conftest import Running
from tests.proxy.heads import HeadsUpstream, LongConnection
from tests.support.raw import RawConnection, RawUpstream

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SIZED = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECTS = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
MEGABYTE = bytes(range(256)) * 4096


def body(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("size", [0, 1, 1000, 70_000, 3_000_000])
async def test_a_body_of_known_length_goes_up_as_it_is(running: Running, size: int) -> None:
    sent = (MEGABYTE * 3)[:size]
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        assert await front.ask(SIZED % size + sent) == OK
        assert body(upstream.requests[0]) == sent
        assert b"\r\nContent-Length: %d\r\n" % size in upstream.requests[0]
        assert b"Transfer-Encoding" not in upstream.requests[0]


async def test_a_chunked_body_goes_up_chunked_without_its_extensions_and_trailers(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        chunks = b"2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nX-ProConnect-Email: root\r\n\r\n"
        assert await front.ask(CHUNKED + chunks) == OK
        head, _, sent = upstream.requests[0].partition(b"\r\n\r\n")
        assert b"\r\nTransfer-Encoding: chunked" in head
        assert sent == b"5\r\nabcde\r\n0\r\n\r\n"
        assert b"root" not in upstream.requests[0]


async def test_a_body_goes_up_as_it_comes(running: Running) -> None:
    read = asyncio.Event()

    async def answer(connection: RawConnection) -> None:
        assert await connection.read_until(b"3\r\nabc\r\n") == b"3\r\nabc\r\n"
        read.set()
        assert await connection.read_until(b"0\r\n\r\n") == b"2\r\nde\r\n0\r\n\r\n"
        await connection.send(OK)

    async with HeadsUpstream(answer) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(CHUNKED + b"3\r\nabc\r\n")
            async with asyncio.timeout(5):
                await read.wait()
            await browser.send(b"2\r\nde\r\n0\r\n\r\n")
            assert await browser.read_message() == OK


async def test_a_compressed_body_stays_compressed(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        fields = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"
        assert await front.ask(fields + b"\x1f\x8b\x00zz") == OK
        assert body(upstream.requests[0]) == b"\x1f\x8b\x00zz"


async def test_a_put_at_hand_is_repeated_with_its_body(running: Running) -> None:
    async def hangs_up(connection: RawConnection) -> None:
        connection.reset()

    async with RawUpstream(OK, hangs_up, OK) as upstream:
        front = await running(upstream.url)
        await front.ask(GET)
        assert await front.ask(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") == OK
        assert [body(request) for request in upstream.requests] == [b"", b"abc", b"abc"]


async def test_a_body_that_went_up_as_it_came_is_sent_once(running: Running) -> None:
    async def hangs_up(connection: RawConnection) -> None:
        connection.reset()

    async with RawUpstream(OK, hangs_up, OK) as upstream:
        front = await running(upstream.url)
        await front.ask(GET)
        put = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
        assert (await front.ask(put)).startswith(b"HTTP/1.1 502 ")
        assert (len(upstream.requests), upstream.unfinished) == (2, [])


async def test_a_browser_is_told_to_go_on_when_the_upstream_says_so(running: Running) -> None:
    async def answer(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await connection.read_until(b"hello") == b"hello"
        await connection.send(OK)

    async with HeadsUpstream(answer) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(EXPECTS)
            assert await browser.read_message() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await browser.send(b"hello")
            assert await browser.read_message() == OK
        assert b"\r\nExpect: 100-continue\r\n" in upstream.heads[0]


async def test_an_upstream_that_knows_no_100_gets_the_body_all_the_same(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(EXPECTS)
            assert await browser.read_message() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await browser.send(b"hello")
            assert await browser.read_message() == OK
        assert body(upstream.requests[0]) == b"hello"


async def test_a_body_that_the_upstream_refuses_is_never_asked_for(running: Running) -> None:
    async def answer(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await connection.read()

    async with HeadsUpstream(answer) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(EXPECTS)
            answered = await browser.read_message()
        assert answered == b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def test_an_early_answer_ends_the_upload_and_both_connections(running: Running) -> None:
    async def refuses(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")

    async with HeadsUpstream(refuses, refuses) as upstream:
        front = await running(upstream.url)
        for _ in range(2):
            async with await front.connect() as browser:
                await browser.send(SIZED % 10_000_000 + b"x" * 1000)
                answered = await browser.read_message()
                assert answered.endswith(b"\r\nConnection: close\r\n\r\nbig")
        assert upstream.connections == 2


async def test_an_answer_may_begin_before_the_request_has_ended(running: Running) -> None:
    async def echo(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for word in (b"one", b"two"):
            assert await connection.read_until(word)
            await connection.send(b"3\r\n%b\r\n" % word)
        await connection.send(b"0\r\n\r\n")

    async with HeadsUpstream(echo, echo) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            for _ in range(2):
                await browser.send(SIZED % 6)
                for word in (b"one", b"two"):
                    await browser.send(word)
                    await browser.read_until(b"3\r\n%b\r\n" % word)
                await browser.read_until(b"0\r\n\r\n")
        assert upstream.connections == 1


async def test_a_browser_that_stops_sending_is_408(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url, idle=0.1, first_byte=5)
        async with await front.connect() as browser:
            await browser.send(SIZED % 5 + b"he")
            assert (await browser.read_message()).startswith(b"HTTP/1.1 408 ")
        assert front.errors[0].fault is Fault.REQUEST_SLOW


async def test_a_slow_upload_is_not_a_slow_upstream(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url, first_byte=0.1, idle=5)
        async with await front.connect() as browser:
            await browser.send(SIZED % 3)
            for octet in (b"a", b"b", b"c"):
                await asyncio.sleep(0.1)
                await browser.send(octet)
            assert await browser.read_message() == OK


async def test_an_upstream_that_stops_reading_is_504(running: Running) -> None:
    async def reads_nothing(_: RawConnection) -> None:
        await stop.wait()

    stop = asyncio.Event()
    async with HeadsUpstream(reads_nothing) as upstream:
        front = await running(upstream.url, idle=0.2, first_byte=5)
        async with await front.connect() as browser:
            uploading = asyncio.create_task(_flood(browser))
            assert (await browser.read_message()).startswith(b"HTTP/1.1 504 ")
            uploading.cancel()
        stop.set()
        assert front.errors[0].fault is Fault.UPSTREAM_SLOW


@pytest.mark.parametrize(
    "broken", [b"0x2\r\nok\r\n", b"2\r\nokXX", b"2;a\nb\r\n", b"zz\r\n", b"2\r\nok0\r\n"]
)
async def test_a_body_that_breaks_on_its_way_is_400_and_never_whole(running: Running, broken: bytes) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(CHUNKED + b"2\r\nok\r\n")
            await asyncio.sleep(0.05)
            await browser.send(broken)
            answered = await browser.read()
        assert answered.data.startswith(b"HTTP/1.1 400 ")
        assert answered.data.count(b"HTTP/1.") == 1
        assert upstream.requests == []


async def test_a_browser_that_leaves_in_its_upload_ends_it(running: Running) -> None:
    ended = asyncio.Event()

    async def answer(connection: RawConnection) -> None:
        await connection.read()
        ended.set()

    async with HeadsUpstream(answer, answer) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(SIZED % 1000 + b"x" * 10)
            await upstream.arrived(1)
        async with asyncio.timeout(5):
            await ended.wait()
            await front.done()
        assert front.errors == []
        assert front.answers[0].status == 499


async def test_a_browser_that_leaves_while_the_upstream_thinks_ends_the_request(running: Running) -> None:
    ended = asyncio.Event()

    async def thinks(connection: RawConnection) -> None:
        await connection.read(seconds=30)
        ended.set()

    async with RawUpstream(thinks) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(GET)
            await upstream.received(1)
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_fast_upload_waits_for_a_slow_upstream(running: Running) -> None:
    go_on = asyncio.Event()

    async def reads_late(connection: LongConnection) -> None:
        await go_on.wait()
        assert await connection.skip(64 * len(MEGABYTE)) == zlib.crc32(MEGABYTE * 64)
        await connection.send(OK)

    async with HeadsUpstream(reads_late) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            size = 64 * len(MEGABYTE) + 7
            sent = 0

            async def upload() -> None:
                nonlocal sent
                await browser.send(SIZED % size)
                for _ in range(64):
                    await browser.send(MEGABYTE)
                    sent += 1
                await browser.send(b"THE END")

            uploading = asyncio.create_task(upload())
            await upstream.arrived(1)
            await asyncio.sleep(0.5)
            assert sent < 32  # what does not fit into buffers has to wait
            go_on.set()
            assert await browser.read_message() == OK
            await uploading


async def _flood(browser: RawConnection) -> None:
    await browser.send(SIZED % 1_000_000_000)
    while True:
        await browser.send(MEGABYTE)


def test_what_may_be_asked_twice_is_named_here() -> None:
    methods = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "REPORT", "SEARCH", "QUERY"}
    assert methods == IDEMPOTENT
