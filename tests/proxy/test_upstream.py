from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.errors import Fault, UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from gateway.proxy.upstream import Upstream
from tests.proxy.conftest import Running
from tests.support.processes import LOOPBACK
from tests.support.raw import RawConnection, RawUpstream

GET = b"GET / HTTP/1.1\r\nHost: app.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(path: str = "/", *fields: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: app.example", *fields, "", "")).encode()


def says(*pieces: bytes) -> Callable[[RawConnection], Awaitable[None]]:
    """Answers in pieces, each in a segment of its own, then closes."""

    async def answer(connection: RawConnection) -> None:
        for piece in pieces:
            await connection.send(piece)
            await asyncio.sleep(0.01)
        await connection.close()

    return answer


def stalls(begun: bytes = b"") -> Callable[[RawConnection], Awaitable[None]]:
    """Begins an answer, and never goes on."""

    async def answer(connection: RawConnection) -> None:
        await connection.send(begun)
        await connection.read(seconds=30)

    return answer


@asynccontextmanager
async def _listening(port: int) -> AsyncIterator[None]:
    """An upstream at a port that the test chose."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, port)
    async with server:
        yield


async def hangs_up(connection: RawConnection) -> None:
    connection.reset()


async def test_the_upstream_gets_the_request_as_the_browser_sent_it(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        fields = ("accept: */*", "X-Repeated: 1", "x-repeated: 2", "Cookie: a=1; __Host-gateway=secret; b=2")
        await front.ask(get("/a//b;c/%2e%2F?d=%C3%A9&e=\\", *fields, "Connection: keep-alive"))
        assert upstream.requests[0].split(b"\r\n") == [
            b"GET /a//b;c/%2e%2F?d=%C3%A9&e=\\ HTTP/1.1",
            b"Host: app.example",
            b"accept: */*",
            b"X-Repeated: 1",
            b"x-repeated: 2",
            b"Cookie: a=1; b=2",
            b"X-Forwarded-For: 127.0.0.1",
            b"X-Forwarded-Proto: https",
            b"X-Forwarded-Host: app.example",
            b"X-Request-Id: r1",
            b"Remote-User: alice@a.test",
            b"X-ProConnect-Email: alice@a.test",
            b"",
            b"",
        ]


async def test_the_browser_gets_the_answer_as_the_upstream_sent_it(running: Running) -> None:
    answer = b"HTTP/1.1 404 Nowhere \xe9\r\nETag:\r\nserver: x\r\nX: 1\r\nContent-length: 2\r\nx: 2\r\n\r\nno"
    async with RawUpstream(answer) as upstream:
        front = await running(upstream.url)
        assert await front.ask(GET) == answer.replace(b"ETag:", b"ETag: ")


@pytest.mark.parametrize("base, target", [("", b"/x"), ("/base", b"/base/x")])
async def test_an_upstream_may_have_a_base_path(running: Running, base: str, target: bytes) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url + base)
        await front.ask(get("/x"))
        assert upstream.requests[0].split()[1] == target


async def test_options_about_the_server_reach_it(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url + "/base")
        await front.ask(b"OPTIONS * HTTP/1.1\r\nHost: app.example\r\n\r\n")
        assert upstream.requests[0].startswith(b"OPTIONS * HTTP/1.1\r\n")


async def test_a_connection_serves_one_exchange_after_the_other(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            for _ in range(5):
                await browser.send(GET)
                assert await browser.read_message() == OK
        assert upstream.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        says(b"HTTP/1.1 200 OK\r\n\r\n", b"ok"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok", b"ok and more"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"0\r\n\r\nmore"),
    ],
)
async def test_a_connection_that_could_hold_more_than_the_answer_serves_no_other(
    running: Running, answer: bytes | Callable[[RawConnection], Awaitable[None]]
) -> None:
    async with RawUpstream(answer, OK) as upstream:
        front = await running(upstream.url)
        assert b"ok" in await front.ask(GET)
        assert await front.ask(GET) == OK
        assert upstream.connections == 2


async def test_what_an_idle_connection_says_is_nobodys_answer(running: Running) -> None:
    async def talks_on(connection: RawConnection) -> None:
        await connection.send(OK)
        await asyncio.sleep(0.02)
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")

    async with RawUpstream(talks_on, OK) as upstream:
        front = await running(upstream.url)
        assert await front.ask(GET) == OK
        await upstream.received(1)
        await asyncio.sleep(0.05)
        assert await front.ask(GET) == OK
        assert upstream.connections == 2


MALFORMED = [
    b"HTTP/1.1 200 OK\rX: y\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\x00\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n" * 100,
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokXX",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
    says(b"HTTP/1.1 200 OK\r\nX: y"),
    says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[:20]),
    b"SSH-2.0-OpenSSH\r\n",
]


@pytest.mark.parametrize("answer", MALFORMED)
async def test_a_malformed_answer_is_502_and_its_connection_is_closed(
    running: Running, answer: bytes | Callable[[RawConnection], Awaitable[None]]
) -> None:
    async with RawUpstream(answer, OK) as upstream:
        front = await running(upstream.url)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
        assert front.errors[0].fault is Fault.UPSTREAM_MALFORMED
        assert await front.ask(GET) == OK
        assert upstream.connections == 2


async def test_an_upstream_that_hangs_up_is_502(running: Running) -> None:
    async with RawUpstream(hangs_up) as upstream:
        front = await running(upstream.url)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
        assert front.errors[0].fault is Fault.UPSTREAM_UNREACHABLE
        assert len(upstream.requests) == 1


async def test_an_upstream_that_is_away_is_502(running: Running, unused_tcp_port: int) -> None:
    front = await running(f"http://127.0.0.1:{unused_tcp_port}")
    assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
    assert front.errors[0].fault is Fault.UPSTREAM_UNREACHABLE
    with pytest.raises(UpstreamError):
        await front.upstream.probe()


async def test_a_probe_reaches_an_upstream_and_asks_nothing(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        await front.upstream.probe()
        assert upstream.requests == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND"])
async def test_a_request_that_may_be_repeated_survives_a_connection_that_was_closing(
    running: Running, method: str
) -> None:
    async with RawUpstream(OK, hangs_up, b"HTTP/1.1 204 No Content\r\n\r\n") as upstream:
        front = await running(upstream.url)
        await front.ask(GET)
        answer = await front.ask(f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 204 ")
        assert upstream.connections == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK", "MKCOL"])
async def test_a_request_that_may_not_be_repeated_is_sent_once(running: Running, method: str) -> None:
    async with RawUpstream(OK, hangs_up, OK) as upstream:
        front = await running(upstream.url)
        await front.ask(GET)
        answer = await front.ask(f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert len(upstream.requests) == 2


async def test_a_request_is_repeated_only_once(running: Running) -> None:
    async with RawUpstream(OK, hangs_up) as upstream:
        front = await running(upstream.url)
        await front.ask(GET)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
        assert len(upstream.requests) == 3


async def test_a_request_is_not_repeated_once_a_part_of_its_answer_came(running: Running) -> None:
    async with RawUpstream(OK, says(b"HTTP/1.1 2")) as upstream:
        front = await running(upstream.url)
        await front.ask(GET)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
        assert len(upstream.requests) == 2


async def test_a_request_that_may_not_be_repeated_is_not_sent_on_a_closed_connection(
    running: Running,
) -> None:
    async def closes_behind_its_answer(connection: RawConnection) -> None:
        await connection.send(OK)
        await connection.close()

    async with RawUpstream(closes_behind_its_answer, OK) as upstream:
        front = await running(upstream.url)
        for _ in range(3):
            assert await front.ask(GET) == OK
            assert await front.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n") == OK


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_an_upstream_that_does_not_answer_in_time_is_504(running: Running, begun: bytes) -> None:
    async with RawUpstream(stalls(begun)) as upstream:
        front = await running(upstream.url, first_byte=0.1)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 504 ")
        assert isinstance(front.errors[0], UpstreamTimeoutError)


async def test_an_answer_that_stops_is_cut(running: Running) -> None:
    async with RawUpstream(stalls(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")) as upstream:
        front = await running(upstream.url, idle=0.1)
        async with await front.connect() as browser:
            await browser.send(GET)
            answered = await browser.read()
        assert answered.data.endswith(b"\r\n\r\nok")
        assert answered.closed
        error = front.answers[0].error
        assert error is not None
        assert error.fault is Fault.UPSTREAM_SLOW


async def test_an_answer_that_never_ends_is_cut(running: Running) -> None:
    async def drips(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await connection.send(b"x")
            await asyncio.sleep(0.01)

    async with RawUpstream(drips) as upstream:
        front = await running(upstream.url, total=0.2)
        async with await front.connect() as browser:
            await browser.send(GET)
            assert (await browser.read()).closed
        assert front.answers[0].error is not None


async def test_an_event_stream_may_be_quiet_for_longer(running: Running) -> None:
    async def streams(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;x=y\r\n\r\ndata: 1\n\n")
        await asyncio.sleep(0.3)
        await connection.send(b"data: 2\n\n")
        await connection.close()

    async with RawUpstream(streams) as upstream:
        front = await running(upstream.url, idle=0.1, quiet=5)
        assert (await front.ask(GET)).endswith(b"data: 2\n\n\r\n0\r\n\r\n")


async def test_an_upstream_has_no_more_connections_than_it_is_allowed(running: Running) -> None:
    release = asyncio.Event()

    async def waits(connection: RawConnection) -> None:
        await release.wait()
        await connection.send(OK)

    async with RawUpstream(waits) as upstream:
        front = await running(upstream.url, connections=2, waiting=3)
        asked = [asyncio.create_task(front.ask(GET)) for _ in range(6)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [(await task).split()[1] for task in done] == [b"503"]
        assert isinstance(front.errors[0], UpstreamBusyError)
        release.set()
        answers = await asyncio.gather(*asked)
        assert answers.count(OK) == 5
        assert upstream.connections == 2


async def test_a_wait_for_a_connection_ends(running: Running) -> None:
    async with RawUpstream(stalls()) as upstream:
        front = await running(upstream.url, connections=1, wait=0.1)
        first = asyncio.create_task(front.ask(GET))
        await upstream.received(1)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 503 ")
        first.cancel()


async def test_a_browser_that_leaves_while_it_waits_takes_no_connection(running: Running) -> None:
    release = asyncio.Event()

    async def waits(connection: RawConnection) -> None:
        await release.wait()
        await connection.send(OK)

    async with RawUpstream(waits, OK) as upstream:
        front = await running(upstream.url, connections=1)
        first = asyncio.create_task(front.ask(GET))
        await upstream.received(1)
        async with await front.connect() as browser:
            await browser.send(get("/left"))
        release.set()
        assert await first == OK
        assert await front.ask(get("/last")) == OK
        assert upstream.connections == 1


async def test_several_addresses_are_asked_in_turn(running: Running) -> None:
    async with RawUpstream(OK) as one, RawUpstream(OK) as two:
        front = await running(one.url, two.url)
        for _ in range(6):
            await front.ask(GET)
        assert (len(one.requests), len(two.requests)) == (3, 3)


async def test_an_address_that_is_away_is_set_aside(running: Running, unused_tcp_port: int) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(f"http://127.0.0.1:{unused_tcp_port}", upstream.url)
        for _ in range(6):
            assert await front.ask(GET) == OK
        assert len(upstream.requests) == 6


async def test_an_address_that_comes_back_is_asked_again(running: Running, unused_tcp_port: int) -> None:
    front = await running(f"http://127.0.0.1:{unused_tcp_port}")
    assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
    async with _listening(unused_tcp_port):
        assert await front.ask(GET) == OK


async def test_an_idle_connection_is_closed_after_its_time(running: Running) -> None:
    closed = asyncio.Event()

    async def answers_and_waits(connection: RawConnection) -> None:
        await connection.send(OK)
        await connection.read()
        closed.set()

    async with RawUpstream(answers_and_waits) as upstream:
        front = await running(upstream.url, keep_alive=0.1)
        assert await front.ask(GET) == OK
        async with asyncio.timeout(5):
            await closed.wait()


async def test_an_idle_connection_is_closed_before_the_upstream_would(running: Running) -> None:
    closed = asyncio.Event()

    async def answers_and_waits(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=1\r\n\r\n")
        await connection.read()
        closed.set()

    async with RawUpstream(answers_and_waits) as upstream:
        front = await running(upstream.url)
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 204 ")
        async with asyncio.timeout(3):
            await closed.wait()


async def test_an_upstream_may_listen_on_a_unix_socket(running: Running, tmp_path: Path) -> None:
    async with RawUpstream(OK, unix_path=tmp_path / "app.sock") as upstream:
        front = await running(upstream.url)
        for _ in range(2):
            assert await front.ask(GET) == OK
        assert upstream.connections == 1


async def test_answers_go_to_whoever_asked(running: Running) -> None:
    async def echo(connection: RawConnection) -> None:
        token = upstream.requests[-1].split(b" ", 2)[1]
        await asyncio.sleep(len(token) % 3 / 1000)
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(token), token))

    async def one(number: int) -> None:
        path = f"/{number}" + "x" * (number % 7)
        async with await front.connect() as browser:
            await browser.send(get(path))
            if number % 3:
                assert (await browser.read_message()).endswith(b"\r\n\r\n" + path.encode())

    async with RawUpstream(echo) as upstream:
        front = await running(upstream.url, connections=8)
        for start in range(0, 300, 30):
            await asyncio.gather(*(one(number) for number in range(start, start + 30)))


async def test_closing_ends_what_is_under_way_and_lets_nothing_in(running: Running) -> None:
    async with RawUpstream(stalls()) as upstream:
        front = await running(upstream.url)
        asked = asyncio.create_task(front.ask(GET))
        await upstream.received(1)
        await front.upstream.close()
        assert (await asked).startswith(b"HTTP/1.1 502 ")
        assert (await front.ask(GET)).startswith(b"HTTP/1.1 502 ")
        assert upstream.connections == 1


def test_an_upstream_needs_an_address() -> None:
    with pytest.raises(ValueError, match="address"):
        Upstream()
