"""The worker processes of `proconnect-gateway run`: replaced when they die, and all at once on SIGHUP."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import check_output

import aiohttp
import pytest
from aiohttp import web

from tests.support.gateway import RunningGateway, Wanted, gateway_process, json_lines
from tests.support.oidc_engine import CLIENTS
from tests.support.processes import Program
from tests.support.serving import served

pytestmark = pytest.mark.real

WITHIN = 30  # seconds
NOBODY = "http://localhost:1/api/v2"
OPEN = '[[apps.routes]]\npath = "/"\naccess = "public"\n'
CLOSED = '[[apps.routes]]\npath = "/"\naccess = "deny"\n'


class Slow:
    """An application whose `/slow` answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    def application(self) -> web.Application:
        async def slow(_: web.Request) -> web.Response:
            self.asked.set()
            await self.go.wait()
            return web.Response(text="slow")

        async def quick(_: web.Request) -> web.Response:
            return web.Response(text="quick")

        application = web.Application()
        application.add_routes([web.get("/slow", slow), web.get("/{path:.*}", quick)])
        return application


@asynccontextmanager
async def workers(folder: Path, slow: Slow) -> AsyncIterator[tuple[RunningGateway, Program]]:
    async with served(slow.application()) as upstream:
        wanted = Wanted(
            issuer=NOBODY,
            client=CLIENTS["RS256"],
            upstream=upstream,
            store=f"sqlite:///{folder}/sessions.db",
            routes=OPEN,
        )
        with gateway_process(wanted, folder, arguments=("--workers", "2")) as running:
            yield running


def children(program: Program) -> set[int]:
    return {int(pid) for pid in check_output(["pgrep", "-P", str(program.pid)], text=True).split()}


async def status_of(url: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status


async def text_of(url: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.text()


async def line(program: Program, pattern: str) -> str:
    return await asyncio.to_thread(program.line, pattern)


async def test_new_settings_take_over_and_the_requests_under_way_end_well(tmp_path: Path) -> None:
    slow = Slow()
    async with workers(tmp_path, slow) as (gateway, program):
        under_way = asyncio.create_task(text_of(f"{gateway.url}/slow"))
        await slow.asked.wait()
        before = children(program)
        settings = tmp_path / f"gateway-{gateway.port}.toml"
        settings.write_text(settings.read_text().replace(OPEN, CLOSED))
        program.signal(signal.SIGHUP)
        await line(program, "settings reloaded")
        for _ in range(2):
            await line(program, '"serving"')
        async with asyncio.timeout(WITHIN):
            while await status_of(gateway.url) != 403:
                await asyncio.sleep(0.05)
            slow.go.set()
            assert await under_way == "slow"
            while children(program) & before:
                await asyncio.sleep(0.05)
        assert program.running


async def test_settings_with_a_fault_change_nothing(tmp_path: Path) -> None:
    async with workers(tmp_path, Slow()) as (gateway, program):
        before = children(program)
        settings = tmp_path / f"gateway-{gateway.port}.toml"
        settings.write_text(settings.read_text().replace("access", "acces"))
        program.signal(signal.SIGHUP)
        assert 'did you mean \\"access\\"?' in await line(program, "settings not reloaded")
        assert await status_of(gateway.url) == 200
        assert children(program) >= before


async def test_a_worker_that_died_is_replaced(tmp_path: Path) -> None:
    async with workers(tmp_path, Slow()) as (gateway, program):
        await line(program, '"serving"')
        victim = max(children(program))
        check_output(["kill", "-KILL", str(victim)])
        await line(program, '"serving"')
        assert victim not in children(program)
        assert await status_of(gateway.url) == 200


async def test_the_arbiter_lets_requests_end_before_it_ends(tmp_path: Path) -> None:
    slow = Slow()
    async with workers(tmp_path, slow) as (gateway, program):
        under_way = asyncio.create_task(text_of(f"{gateway.url}/slow"))
        await slow.asked.wait()
        program.signal(signal.SIGTERM)
        slow.go.set()
        assert await under_way == "slow"
        assert await asyncio.to_thread(program.wait) == 0
        assert all(entry["level"] != "error" for entry in json_lines(program))


def test_several_workers_cannot_share_sessions_in_memory(tmp_path: Path) -> None:
    wanted = Wanted(issuer=NOBODY, client=CLIENTS["RS256"], upstream="http://127.0.0.1:1", store="memory:")
    path = tmp_path / "gateway.toml"
    path.write_text(wanted.toml(url="http://localhost:1234", front="127.0.0.1:0", observe="127.0.0.1:0"))
    command = [sys.executable, "-m", "gateway", "run", "--config", str(path), "--workers", "2"]
    with Program(command) as program:
        assert program.wait() == 1
        assert "several workers cannot share sessions in memory" in program.output()
