from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from aiohttp import web

from gateway.proxy.server import Bounds, FrontRunner
from tests.proxy.conftest import Running
from tests.proxy.heads import HeadsUpstream
from tests.support.processes import LOOPBACK
from tests.support.raw import WAIT_SECONDS, RawConnection, RawUpstream, Received, connect, exchange

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
UPGRADE = GET + b"Connection: Upgrade\r\nUpgrade: %b\r\n\r\n"


@pytest.mark.parametrize(
    "request_, status",
    [
        (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
        (GET + b"X: " + b"a" * 2000 + b"\r\n\r\n", b"431"),
        (GET + b"a" * 2000 + b": x\r\n\r\n", b"431"),
        (GET + b"X: y\r\n" * 20 + b"\r\n", b"431"),
        (GET + b"X : secret\r\n\r\n", b"400"),
        (b"\x16\x03\x01secret", b"400"),
        (b"secret", b"400"),
        (GET + b"\r\nsecret\r\n\r\n", b"400"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_status_and_quoted_nowhere(
    running: Running, request_: bytes, status: bytes
) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url, bounds=Bounds(line=1000, fields=10))
        received = await exchange(front.port, request_ + b"\r\n\r\n")
        assert received.data.split(b" ", 2)[1] == status
        assert received.closed
        assert b"secret" not in received.data
        assert b"aaa" not in received.data


@pytest.mark.parametrize(
    "request_, status",
    [
        (b"GET /" + b"a" * 2000, b"414"),
        (GET + b"X: " + b"a" * 2000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nx\r\n", b"400"),
    ],
    ids=["target", "field", "chunk"],
)
async def test_a_refusal_reaches_whoever_sends_on_and_then_reads(
    running: Running, request_: bytes, status: bytes
) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url, bounds=Bounds(line=1000))
        with socket.create_connection((LOOPBACK, front.port), timeout=WAIT_SECONDS) as browser:
            await asyncio.to_thread(browser.sendall, request_)
            for _ in range(10):
                await asyncio.sleep(0.02)
                await asyncio.to_thread(browser.sendall, b"a" * 100_000)
            assert (await asyncio.to_thread(browser.recv, 100)).split(b" ", 2)[1] == status


async def test_hazard_lingering_whoever_was_refused_is_not_listened_to_for_ever(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(b"nonsense\r\n\r\n")
            assert (await browser.read_message()).startswith(b"HTTP/1.0 400 ")
            await drip_until_cut(browser)


async def test_a_head_that_does_not_end_is_cut(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url, bounds=Bounds(idle=0.2))
        async with await front.connect() as browser:
            await browser.send(GET + b"X: ")
            received = await browser.read()
            assert (received.data, received.closed) == (b"", True)
        assert upstream.connections == 0


async def drip_until_cut(browser: RawConnection) -> None:
    """Send an octet now and then; a connection that is never cut is a failure."""
    async with asyncio.timeout(WAIT_SECONDS):
        # The loop says of a closed connection that it is closed, in one way or another.
        with suppress(ConnectionError, RuntimeError):
            while True:
                await browser.send(b"x")
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_hazard_slow_headers_a_head_that_drips_in_is_cut(running: Running, before: int) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url, bounds=Bounds(idle=0.4))
        async with await front.connect() as browser:
            for _ in range(before):
                await browser.send(GET + b"\r\n")
                assert await browser.read_message() == OK
            await browser.send(GET + b"X: ")
            await drip_until_cut(browser)
        assert len(upstream.requests) == before


async def test_hazard_lingering_the_rest_of_an_unwanted_body_is_not_read_for_ever(running: Running) -> None:
    async def refuses(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    async with HeadsUpstream(refuses) as upstream:
        front = await running(upstream.url, bounds=Bounds(linger=0.4))
        async with await front.connect() as browser:
            await browser.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx")
            assert (await browser.read_message()).startswith(b"HTTP/1.1 413 ")
            await drip_until_cut(browser)


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET /" + b"a" * 20_000, GET + b"a b: c\r\n\r\n"])
async def test_hazard_information_leaks_no_refusal_names_the_library(running: Running, sent: bytes) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        refused = (await exchange(front.port, sent)).data.lower()
        assert b"server: proconnect-gateway\r\n" in refused
        assert b"aiohttp" not in refused
        assert b"python" not in refused


async def test_many_half_open_connections_stop_nobody(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        half_open = [await front.connect() for _ in range(200)]
        for connection in half_open:
            await connection.send(GET)
        assert await front.ask(GET + b"\r\n") == OK
        for connection in half_open:
            connection.reset()


async def test_requests_behind_a_slow_one_are_held_back(running: Running) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            pipelined = (GET + b"X: " + b"y" * 1000 + b"\r\n\r\n") * 20_000
            sending = asyncio.create_task(browser.send(pipelined))
            for _ in range(50):
                assert await browser.read_message() == OK
            assert not sending.done()  # 20 MB that nobody has read yet wait at the browser
            sending.cancel()


async def test_nobody_waits_for_the_rest_of_a_body_whose_browser_has_left(running: Running) -> None:
    async def refuses(connection: RawConnection) -> None:
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    async with HeadsUpstream(refuses) as upstream:
        front = await running(upstream.url)
        before = asyncio.all_tasks()
        async with await front.connect() as browser:
            await browser.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
            assert (await browser.read_message()).startswith(b"HTTP/1.1 413 ")
            waiting = asyncio.all_tasks() - before
            assert any("RequestHandler" in str(task.get_coro()) for task in waiting)
        async with asyncio.timeout(5):
            await asyncio.wait(waiting)


def application(handle: object) -> web.Application:
    made = web.Application()
    made.add_routes([web.route("*", "/{path:.*}", handle)])  # type: ignore[arg-type]  # a handler
    return made


async def ask(runner: FrontRunner, request: bytes) -> bytes:
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, 0).start()
        async with await connect(runner.addresses[0][1]) as browser:
            await browser.send(request)
            return await browser.read_message()
    finally:
        await runner.cleanup()


async def test_an_application_runs_behind_it() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(
            body=await request.read(), headers={"X-Coding": request.headers["Content-Encoding"]}
        )

    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nraw"
    answer = await ask(FrontRunner(application(handle), shutdown_timeout=0.1), request)
    assert answer.endswith(b"raw")
    assert b"X-Coding: gzip" in answer


async def test_the_unforeseen_is_500_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def handle(_: web.Request) -> web.Response:
        raise LookupError("secret")

    answer = await ask(FrontRunner(application(handle), shutdown_timeout=0.1), GET + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def raises(_: web.Request) -> web.Response:
    raise LookupError("secret")


async def answers_again(_: web.Request) -> web.Response:
    return web.Response(text="second")


@pytest.mark.parametrize("then", [raises, answers_again])
async def test_behind_an_answer_there_is_no_second_one(
    then: Callable[[web.Request], Awaitable[web.Response]],
) -> None:
    async def handle(request: web.Request) -> web.Response:
        answer = web.Response(text="first")
        await answer.prepare(request)
        await answer.write_eof()
        return await then(request)

    runner = FrontRunner(application(handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    received = await exchange(runner.addresses[0][1], GET + b"\r\n")
    await runner.cleanup()
    assert received.data.count(b"HTTP/1.1 ") == 1
    assert received.data.endswith(b"first")
    assert received.closed


START = """
import asyncio
from aiohttp import web
from gateway.proxy.server import FrontRunner

async def start():
    runner = FrontRunner(web.Application(), shutdown_timeout=0, danger_python_parser={allowed})
    await runner.setup()
    await runner.cleanup()

asyncio.run(start())
"""


LENIENT = {
    # Read as if it were in upper case, decided and sent on so.
    "test_a_doubt_about_a_request_ends_its_connection_and_nothing_goes_up[get / HTTP/1.1",
    "test_a_doubt_about_a_request_ends_its_connection_and_nothing_goes_up[GeT / HTTP/1.1",
    # Refused too; the connection stays, or the refusal is in the browser's own version.
    "test_a_doubt_about_a_request_ends_its_connection_and_nothing_goes_up[CONNECT a:80 HTTP/1.1",
    "test_a_doubt_about_a_request_ends_its_connection_and_nothing_goes_up[GET / HTTP/2.0",
    # A chunk of 17 digits is awaited until the time is over; trailers are never sent on, whatever they say.
    "test_a_broken_chunked_body_is_never_sent_as_a_whole_one[11111111111111111",
    "test_a_broken_chunked_body_is_never_sent_as_a_whole_one[2",
}


@pytest.mark.real
def test_the_lenient_parser_lets_nothing_more_through() -> None:
    command = ["-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", "tests/proxy/test_framing.py"]
    ran = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED tests", "ERROR tests"))]
    assert {line.partition("::")[2].partition("\\r\\n")[0] for line in lines} == LENIENT


@pytest.mark.parametrize("allowed", [False, True])
def test_there_is_no_start_on_the_lenient_parser_unless_told(*, allowed: bool) -> None:
    started = subprocess.run(
        [sys.executable, "-c", START.format(allowed=allowed)],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        check=False,
    )
    assert (started.returncode == 0) is allowed
    assert (b"parser" in started.stderr) is not allowed


@pytest.mark.parametrize("before", [b"", UPGRADE % b"websocket"])
@pytest.mark.parametrize("together", [True, False])
async def test_hazard_h2c_nothing_behind_an_upgrade_to_another_protocol_is_read_in_the_middle(
    running: Running, before: bytes, *, together: bool
) -> None:
    async with RawUpstream(OK) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            behind = b"POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n"
            await browser.send(before + UPGRADE % b"h2c" + (behind if together else b""))
            answered = await browser.read_message()
            if before:
                assert answered == OK
                answered = await browser.read_message()
            assert b"Connection: close" in answered
            # Else the body of what came behind would be the next request.
            assert (await browser.read()) == Received(b"", closed=True)
        assert not any(b"/2" in request for request in upstream.requests)
