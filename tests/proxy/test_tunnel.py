from __future__ import annotations

import asyncio
import socket
import zlib

import pytest
from aiohttp import ClientSession, web

from gateway.errors import Fault
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.websocket import CloseCode
from tests.proxy.conftest import Front, Running
from tests.proxy.heads import HeadsUpstream, LongConnection
from tests.support.raw import RawConnection, RawUpstream
from tests.support.serving import served

UPGRADE = b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %b\r\nX: 1\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %b\r\nY: 2\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nY: 2\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
MEGABYTE = bytes(range(256)) * 4096
HELLO = b"\x81\x05hello"
BYE = b"\x88\x02\x03\xe8"
CUT = b"\x88\x02\x03\xf0"


async def echo(connection: RawConnection) -> None:
    """Agrees, then gives back what it gets, a line at a time."""
    await connection.send(SWITCH % b"echo")
    while True:
        await connection.send(await connection.read_until(b"\n"))


async def upgraded(front: Front, protocol: bytes) -> RawConnection:
    browser = await front.connect()
    await browser.send(UPGRADE % protocol)
    assert await browser.read_until(b"\r\n\r\n") == SWITCHED % protocol
    return browser


async def test_octets_go_both_ways_as_they_come(running: Running) -> None:
    async with HeadsUpstream(echo) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"echo") as browser:
            for line in (b"one\n", b"\x00\xff\n", b"three\n"):
                await browser.send(line)
                assert await browser.read_until(b"\n") == line
    head = upstream.heads[0]
    assert head.startswith(b"GET /socket HTTP/1.1\r\n")
    assert b"\r\nConnection: Upgrade\r\nUpgrade: echo\r\n" in head
    assert b"\r\nRemote-User: alice@a.test\r\n" in head


async def test_a_websocket_application_works_as_without_a_gateway(running: Running) -> None:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["chat"])
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{request.headers['Remote-User']}: {message.data}")
        return socket

    application = web.Application()
    application.add_routes([web.get("/socket", handle)])
    async with served(application) as url, ClientSession() as session:
        front = await running(url)
        where = f"http://127.0.0.1:{front.port}/socket"
        async with session.ws_connect(where, protocols=["chat"]) as socket:
            assert socket.protocol == "chat"
            for word in ("hello", "x" * 200_000):
                await socket.send_str(word)
                assert (await socket.receive()).data == f"alice@a.test: {word}"
            await socket.close(code=1000)
            assert socket.close_code == 1000


async def test_what_came_with_the_switch_is_not_lost(running: Running) -> None:
    async def greets(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"websocket" + HELLO)
        assert await connection.read_until(b"early") == b"early"
        await connection.send(BYE)

    async with HeadsUpstream(greets) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(UPGRADE % b"websocket" + b"early")
            assert await browser.read_until(HELLO) == SWITCHED % b"websocket" + HELLO
            assert (await browser.read()).data == BYE


async def test_an_upstream_may_agree_say_something_and_leave(running: Running) -> None:
    async def leaves(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"websocket" + HELLO + BYE)
        await connection.close()

    async with HeadsUpstream(leaves) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"websocket") as browser:
            received = await browser.read()
            assert (received.data, received.closed) == (HELLO + BYE, True)
        await front.quiet()


async def test_a_tunnel_whose_upstream_has_left_gives_the_browser_what_there_is() -> None:
    browser_side, gateway_side = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=gateway_side)
    ended = asyncio.Event()
    Tunnel(quiet=5, websocket=True, ended=ended.set).start(transport, None, early=b"lost", rest=HELLO)
    browser = RawConnection(*await asyncio.open_connection(sock=browser_side))
    async with browser:
        received = await browser.read()
        assert (received.data, received.closed) == (HELLO, True)
    await ended.wait()


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: notupgrade\r\nUpgrade: websocket\r\n",
        b"Upgrade: websocket\r\n",
        b"Connection: Upgrade\r\n",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    ],
)
async def test_what_asks_for_no_upgrade_is_a_plain_request(running: Running, fields: bytes) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        answered = await front.ask(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
        assert answered.replace(b"\r\nConnection: close", b"") == OK
        assert b"pgrade" not in upstream.requests[0]
        assert b"ettings" not in upstream.requests[0]


async def test_an_upgrade_that_is_refused_is_a_plain_answer(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            for _ in range(2):
                await browser.send(UPGRADE % b"websocket")
                assert await browser.read_message() == OK
        assert upstream.connections == 1


async def test_an_upgrade_survives_a_connection_that_was_closing(running: Running) -> None:
    async def answers(connection: RawConnection) -> None:
        await connection.send(OK)

    async def hangs_up(connection: RawConnection) -> None:
        connection.reset()

    async with HeadsUpstream(answers, hangs_up, echo) as upstream:
        front = await running(upstream.url)
        assert await front.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == OK
        async with await upgraded(front, b"echo") as browser:
            await browser.send(b"x\n")
            assert await browser.read_until(b"\n") == b"x\n"


@pytest.mark.parametrize(
    "answer",
    [
        SWITCH % b"other",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    ],
)
async def test_an_upgrade_to_something_else_is_502(running: Running, answer: bytes) -> None:
    async with RawUpstream(answer) as upstream:
        front = await running(upstream.url)
        assert (await front.ask(UPGRADE % b"websocket")).startswith(b"HTTP/1.1 502 ")
        assert front.errors[0].fault is Fault.UPSTREAM_MALFORMED


async def test_each_side_may_end_its_direction_first(running: Running) -> None:
    async def ends_later(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"x")
        request = await connection.read()
        assert (request.data, request.closed) == (b"question", True)
        await connection.send(b"answer")
        await connection.close()

    async def ends_first(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"x" + b"question")
        connection.finish_sending()
        assert await connection.read_until(b"answer") == b"answer"
        await connection.close()

    async with HeadsUpstream(ends_later, ends_first) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"x") as browser:
            await browser.send(b"question")
            browser.finish_sending()
            answer = await browser.read()
            assert (answer.data, answer.closed) == (b"answer", True)
        async with await upgraded(front, b"x") as browser:
            question = await browser.read()
            assert (question.data, question.closed) == (b"question", True)
            await browser.send(b"answer")
            browser.finish_sending()
        await front.quiet()


@pytest.mark.parametrize("who", ["browser", "upstream"])
async def test_when_one_side_is_gone_the_other_follows(running: Running, who: str) -> None:
    ended = asyncio.Event()

    async def upstream_side(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"x")
        if who == "upstream":
            connection.reset()
        await connection.read()
        ended.set()

    async with HeadsUpstream(upstream_side) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"x") as browser:
            if who == "browser":
                browser.reset()
            else:
                assert (await browser.read()).closed
            await ended.wait()
        await front.quiet()
        assert front.answers[0].status == 101


async def test_a_tunnel_is_not_one_of_the_upstreams_connections(running: Running) -> None:
    async def waits(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"x")
        await connection.read(seconds=30)

    async def answers(connection: RawConnection) -> None:
        await connection.send(OK)

    async with HeadsUpstream(waits, waits, answers) as upstream:
        front = await running(upstream.url, connections=1, tunnels=2)
        async with await upgraded(front, b"x"), await upgraded(front, b"x"):
            assert await front.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == OK


async def test_tunnels_are_bounded(running: Running) -> None:
    async def waits(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"x")
        await connection.read(seconds=30)

    async with HeadsUpstream(waits, waits) as upstream:
        front = await running(upstream.url, tunnels=1)
        async with await upgraded(front, b"x"):
            assert (await front.ask(UPGRADE % b"x")).startswith(b"HTTP/1.1 503 ")
        assert len(upstream.heads) == 1


async def test_a_quiet_tunnel_ends_and_a_busy_one_does_not(running: Running) -> None:
    async with HeadsUpstream(echo) as upstream:
        front = await running(upstream.url, quiet=0.3)
        async with await upgraded(front, b"echo") as browser:
            for _ in range(5):
                await asyncio.sleep(0.1)
                await browser.send(b"x\n")
                await browser.read_until(b"x\n")
            assert (await browser.read()).closed


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_the_faster_side_waits_for_the_slower(running: Running, direction: str) -> None:
    count, sent = 48, 0
    go_on = asyncio.Event()

    async def pour(connection: RawConnection) -> None:
        nonlocal sent
        for _ in range(count):
            await connection.send(MEGABYTE)
            sent += 1

    async def drink(connection: LongConnection) -> None:
        await go_on.wait()
        assert await connection.skip(count * len(MEGABYTE)) == zlib.crc32(MEGABYTE * count)
        drunk.set()

    async def upstream_side(connection: LongConnection) -> None:
        await connection.send(SWITCH % b"x")
        await (pour if direction == "down" else drink)(connection)
        await drunk.wait()

    drunk = asyncio.Event()
    async with HeadsUpstream(upstream_side) as upstream:
        front = await running(upstream.url)
        browser = LongConnection(*await asyncio.open_connection("127.0.0.1", front.port))
        async with browser:
            await browser.send(UPGRADE % b"x")
            await browser.read_until(b"\r\n\r\n")
            browser_side = asyncio.create_task((pour if direction == "up" else drink)(browser))
            await asyncio.sleep(0.5)
            assert sent < count // 2  # what does not fit into buffers has to wait
            go_on.set()
            async with asyncio.timeout(10):
                await drunk.wait()
                await browser_side


async def test_a_websocket_is_told_that_its_session_has_ended(running: Running) -> None:
    async def greets(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"websocket" + HELLO)
        assert (await connection.read()).closed
        ended.set()

    ended = asyncio.Event()
    async with HeadsUpstream(greets) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"websocket") as browser:
            assert await browser.read_until(HELLO) == HELLO
            assert front.streams.cut("bob") == 0
            assert front.streams.cut("alice") == 1
            assert front.streams.cut("alice") == 1
            assert await browser.read_until(CUT) == CUT
            # Browsers tell their page when the connection ends, and leave that to the server.
            assert (await browser.read()).closed
            assert front.streams.cut("alice") == 1
            await ended.wait()
            await browser.send(b"\x88\x82mask\x6e\x91")
            await browser.close()
        await front.quiet()


async def test_a_browser_that_does_not_answer_the_close_is_cut_all_the_same(running: Running) -> None:
    async with HeadsUpstream(_websocket_that_waits) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"websocket") as browser:
            front.streams.cut_all()
            received = await browser.read()
            assert received.data == b"\x88\x02" + CloseCode.GOING_AWAY.to_bytes(2, "big")
            assert received.closed


@pytest.mark.parametrize("rest", [b"llo", b"llo" + HELLO])
async def test_a_frame_under_way_is_ended_before_the_close(running: Running, rest: bytes) -> None:
    cut = asyncio.Event()

    async def stammers(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"websocket" + HELLO[:4])
        await cut.wait()
        await connection.send(rest)
        await connection.read()

    async with HeadsUpstream(stammers) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"websocket") as browser:
            assert await browser.read_until(HELLO[:4]) == HELLO[:4]
            front.streams.cut("alice")
            cut.set()
            assert await browser.read_until(CUT) == b"llo" + CUT


async def test_a_websocket_that_is_closing_is_not_closed_twice(running: Running) -> None:
    async def closes(connection: RawConnection) -> None:
        await connection.send(SWITCH % b"websocket" + BYE)
        await connection.read(seconds=30)

    async with HeadsUpstream(closes) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"websocket") as browser:
            assert await browser.read_until(BYE) == BYE
            front.streams.cut("alice")
            received = await browser.read()
            assert (received.data, received.closed) == (b"", True)


async def test_another_protocol_is_cut_without_a_word(running: Running) -> None:
    async with HeadsUpstream(echo) as upstream:
        front = await running(upstream.url)
        async with await upgraded(front, b"echo") as browser:
            front.streams.cut("alice")
            received = await browser.read()
            assert (received.data, received.closed) == (b"", True)


async def test_a_browser_that_left_gets_no_tunnel(running: Running) -> None:
    left = asyncio.Event()

    async def late(connection: RawConnection) -> None:
        await left.wait()
        await asyncio.sleep(0.05)
        await connection.send(SWITCH % b"x")
        assert (await connection.read()).closed
        ended.set()

    ended = asyncio.Event()
    async with HeadsUpstream(late) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(UPGRADE % b"x")
            await upstream.arrived(1)
            browser.reset()
        left.set()
        async with asyncio.timeout(5):
            await ended.wait()
        assert len(front.streams) == 0


async def _websocket_that_waits(connection: RawConnection) -> None:
    await connection.send(SWITCH % b"websocket")
    await connection.read(seconds=30)
