from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer

from tests.support.raw import RawConnection, RawUpstream, connect, exchange, message_end

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    "message",
    [
        GET,
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\ntransfer-encoding: gzip, CHUNKED\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        OK,
    ],
)
def test_a_message_ends_where_its_framing_says(message: bytes) -> None:
    assert message_end(message + GET) == len(message)
    assert all(message_end(message[:cut]) is None for cut in range(len(message)))


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 200 OK\r\n\r\nup to the end of the connection",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    ],
)
def test_a_message_without_an_end_has_none(message: bytes) -> None:
    assert message_end(message) is None


async def test_the_upstream_keeps_the_exact_bytes_of_each_request() -> None:
    odd = b"GET /%7e/../x?y= HTTP/1.1\r\nhOST:  a \r\nX:\t\xe9\r\n\r\n"
    async with RawUpstream(OK) as upstream, await connect(upstream.port) as connection:
        for request in [odd, GET]:
            await connection.send(request)
            assert await connection.read_message() == OK
    assert upstream.requests == [odd, GET]
    assert upstream.connections == 1


async def test_the_upstream_gives_its_answers_in_turn_and_the_last_one_goes_on() -> None:
    other = b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n"
    async with RawUpstream(OK, other, close=True) as upstream:
        answers = [await exchange(upstream.port, GET) for _ in range(3)]
    assert [answer.data for answer in answers] == [OK, other, other]
    assert all(answer.closed for answer in answers)


async def test_an_answer_may_do_as_it_likes_with_the_connection() -> None:
    async def half_then_reset(connection: RawConnection) -> None:
        await connection.send(OK[:10])
        connection.reset()

    async with RawUpstream(half_then_reset) as upstream, await connect(upstream.port) as connection:
        await connection.send(GET)
        assert OK.startswith((await connection.read()).data)


async def test_an_upstream_without_answers_reads_and_stays_silent() -> None:
    async with RawUpstream() as upstream:
        answer = await exchange(upstream.port, GET, seconds=0.2)
        assert await upstream.received() == [GET]
    assert (answer.data, answer.closed) == (b"", False)


async def test_a_request_that_breaks_off_is_kept_apart() -> None:
    async with RawUpstream(OK) as upstream, await connect(upstream.port) as connection:
        await connection.send(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
        connection.finish_sending()
        assert (await connection.read()).closed
    assert upstream.requests == []
    assert upstream.unfinished == [b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"]


async def test_waiting_for_a_request_that_does_not_come_is_bounded() -> None:
    async with RawUpstream(OK) as upstream:
        with pytest.raises(TimeoutError):
            await upstream.received(seconds=0.1)


async def test_an_upstream_may_listen_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "upstream.sock"
    async with RawUpstream(OK, unix_path=path) as upstream:
        assert upstream.url == f"unix:{path}"
        async with RawConnection(*await asyncio.open_unix_connection(path)) as connection:
            await connection.send(GET)
            assert await connection.read_message() == OK


async def test_a_closed_upstream_refuses_connections() -> None:
    async with RawUpstream(OK) as upstream:
        port = upstream.port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


async def test_the_client_reads_a_real_server_by_message_and_by_marker(aiohttp_server: AiohttpServer) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    server = await aiohttp_server(app)
    assert server.port is not None
    async with await connect(server.port) as connection:
        await connection.send(GET + GET)
        assert (await connection.read_message()).endswith(b"\r\n\r\nhello")
        assert (await connection.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        assert (await connection.read(seconds=0.2)).data == b"hello"


async def test_a_connection_closed_before_a_byte_is_not_a_message() -> None:
    async def leave(connection: RawConnection) -> None:
        await connection.close()

    async with RawUpstream(leave) as upstream, await connect(upstream.port) as connection:
        await connection.send(GET)
        with pytest.raises(EOFError):
            await connection.read_message()
