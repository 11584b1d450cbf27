"""The demo as its newcomer starts it, reads it, and ends it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import aiohttp
import pytest
from rich.text import Text

from gateway.demo.run import USUAL_PORTS, Demo, running_demo, welcome
from gateway.serve import bind
from gateway.settings.urls import ListenAddress
from tests.support.flows import sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.processes import LOOPBACK, Program

AT_ONCE = 6.0  # seconds; a drain that waits for the browser takes thirty
FREE_PORTS = dict.fromkeys(USUAL_PORTS, 0)
TO_TRY = {
    "/public/essais": 200,
    "/private/morbihan/": 401,
    "/private/double/": 401,
    "/private/dossier?numero=42": 401,
    "/form": 401,
    "/public/essais#onglets": 200,
}
"""What the welcome names, and how it answers somebody who is not signed in."""
LONGEST_PORTS = Demo(
    gateway="http://localhost:65535",
    provider="http://localhost:65534/api/v2",
    upstream="http://127.0.0.1:65533",
    observe="http://127.0.0.1:65532",
)


@contextmanager
def demo_process() -> Iterator[tuple[str, Program]]:
    """The demo as a program without a terminal, and the address that it says to open."""
    with Program([sys.executable, "-m", "gateway", "demo"]) as program:
        url = program.line("Open  ").split()[1]
        program.line("the provider at")
        yield url, program


def listening(address: str) -> socket.socket:
    try:
        return bind(ListenAddress(address, 0))
    except OSError:
        pytest.fail(f"{address} is not this machine's")


def test_the_welcome_fits_a_narrow_terminal() -> None:
    lines = Text.from_markup(welcome(LONGEST_PORTS)).plain.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_the_welcome_says_what_to_open_to_try_and_how_to_stop() -> None:
    text = Text.from_markup(welcome(LONGEST_PORTS)).plain
    assert re.findall(r"^  (\w+)  +", text, re.MULTILINE) == ["Open", "Try", "Stop"]
    assert re.findall(r"http://localhost:65535(\S*)", text) == ["", *TO_TRY]
    assert "(port 8080 is taken)" in text


def test_nothing_is_said_of_ports_that_are_as_usual() -> None:
    usual = Demo("http://localhost:8080", "http://localhost:8081/api/v2", "http://127.0.0.1:8082", "")
    assert "taken" not in welcome(usual)


@pytest.mark.parametrize("address", [LOOPBACK, "::1"])
async def test_a_port_where_somebody_answers_already_is_left_alone(address: str) -> None:
    with listening(address) as taken:
        port = taken.getsockname()[1]
        async with running_demo({**FREE_PORTS, "gateway": port}) as demo:
            assert not demo.gateway.endswith(f":{port}")
            async with aiohttp.ClientSession() as http, http.get(f"{demo.gateway}/public/") as answer:
                assert answer.status == 200


@pytest.mark.parametrize("path, status", TO_TRY.items())
async def test_each_thing_to_try_does_what_the_welcome_says(
    http_browser: HTTPBrowser, path: str, status: int
) -> None:
    async with running_demo(FREE_PORTS) as demo:
        assert (await http_browser.navigate(demo.gateway + path)).status == status


def test_without_a_terminal_it_says_the_same_and_logs_short_lines() -> None:
    with demo_process() as (url, program):
        assert re.fullmatch(r"http://localhost:\d+", url)
        asyncio.run(_get(f"{url}/public/"))
        line = program.line("/public/")
        assert re.fullmatch(r"\d\d:\d\d:\d\d 200 GET  /public/ optional [\d.]+ ms app=dossiers", line)
        assert not any("\x1b" in line for line in program.stdout)
        assert program.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_also_while_a_browser_listens(number: signal.Signals) -> None:
    with demo_process() as (url, program):
        asyncio.run(_end_while_connected(url, program, number))
        assert program.stdout[-1] == "The demo has ended; it leaves nothing behind."
        assert program.stderr == []


async def _get(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert answer.status == 200


async def _end_while_connected(url: str, program: Program, number: signal.Signals) -> None:
    """Sign in, hold a stream of events and a WebSocket open, and see how the demo ends."""
    async with HTTPBrowser() as browser, AsyncExitStack() as stack:
        await sign_in(browser, f"{url}/ws", "eleonore")
        http = await stack.enter_async_context(aiohttp.ClientSession(cookies=browser.cookies(url)))
        events = await stack.enter_async_context(http.get(f"{url}/events"))
        assert await events.content.readline() == b"id: 1\n"
        await stack.enter_async_context(http.ws_connect(f"{url}/ws"))
        began = time.monotonic()
        program.signal(number)
        assert await asyncio.to_thread(program.wait) == 0
        assert time.monotonic() - began < AT_ONCE
