"""What is open for long ends with its session: WebSockets, event streams and downloads, on every gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from gateway.demo.upstream import make_upstream
from tests.support.alterations import says
from tests.support.gateway import RunningGateway, Wanted, running_gateway
from tests.support.http_browser import HTTPBrowser
from tests.support.redis_server import RedisServer
from tests.support.serving import served
from tests.support.story import CLIENT, Story, story

SOON: Final = 1.0  # seconds after its end in which a session has nothing open any more
POLICY_VIOLATION, GOING_AWAY = 1008, 1001
KINDS = ("/ws", "/events", "/download")


@dataclass
class Application:
    """The old application, with downloads that never end."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def application(self) -> web.Application:
        application = make_upstream()
        application.add_routes([web.get("/download", self.download), web.get("/late", self.late)])
        return application

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Octets, as long as somebody takes them."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(b"octets")
                await asyncio.sleep(0.1)
        return answer

    async def late(self, request: web.Request) -> web.StreamResponse:
        """The same, once it is told to begin."""
        self.asked.set()
        await self.go.wait()
        return await self.download(request)


@dataclass
class Open:
    """Something open for long, in a person's name.

    Args:
        reading: reads it, and says how it ended.
    """

    reading: asyncio.Task[int | None]

    @property
    def goes_on(self) -> bool:
        return not self.reading.done()

    async def end(self, *, within: float) -> int | None:
        """How it ended: a WebSocket's close code, None for an answer that was cut."""
        async with asyncio.timeout(within):
            return await asyncio.shield(self.reading)


@dataclass
class Scene:
    """Two gateways with one store, and a person who is signed in."""

    story: Story
    other: RunningGateway
    application: Application
    http: aiohttp.ClientSession

    @property
    def gateways(self) -> tuple[RunningGateway, RunningGateway]:
        return self.story.gateway, self.other

    async def open(self, gateway: RunningGateway, path: str, browser: HTTPBrowser | None = None) -> Open:
        """Open something, and return once octets come."""
        cookie = (browser or self.story.browser).cookies(self.story.gateway.url)["gateway"]
        fields = {"Cookie": f"gateway={cookie}"}
        begun = asyncio.Event()
        read = self._websocket if path == "/ws" else self._answer
        opened = Open(asyncio.create_task(read(gateway.url + path, fields, begun)))
        async with asyncio.timeout(5):
            await begun.wait()
        return opened

    async def _websocket(self, url: str, fields: dict[str, str], begun: asyncio.Event) -> int | None:
        async with self.http.ws_connect(url, headers=fields) as socket:
            await socket.send_str("bonjour")
            assert (await socket.receive()).data == "bonjour"
            begun.set()
            assert (await socket.receive()).type in {WSMsgType.CLOSE, WSMsgType.CLOSED}
            return socket.close_code

    async def _answer(self, url: str, fields: dict[str, str], begun: asyncio.Event) -> None:
        async with self.http.get(url, headers=fields) as answer:
            assert answer.status == 200
            try:
                while await answer.content.readany():
                    begun.set()
            except aiohttp.ClientError:
                return  # cut: a whole answer would have ended otherwise
            pytest.fail("the answer ended by itself")


@asynccontextmanager
async def scene(store: str, **wanted: Any) -> AsyncIterator[Scene]:
    application = Application()
    async with (
        served(application.application()) as upstream,
        story(store=store, upstream=upstream, **wanted) as told,
        aiohttp.ClientSession() as http,
        AsyncExitStack() as stack,
    ):
        second = Wanted(issuer=told.provider.issuer, client=CLIENT, upstream=upstream, store=store, **wanted)
        other = await stack.enter_async_context(running_gateway(second))
        await told.sign_in()
        yield Scene(told, other, application, http)


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.real)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite://{tmp_path}/sessions.db"
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


async def test_who_signs_out_has_nothing_open_any_more_and_others_keep_theirs(store: str) -> None:
    async with scene(store) as here:
        colleague = await here.story.another_browser()
        await here.story.sign_in(colleague, person="maelys")
        mine = [await here.open(gateway, path) for gateway in here.gateways for path in KINDS]
        theirs = [await here.open(here.other, path, colleague) for path in KINDS]
        await here.story.press_sign_out()

        assert [await each.end(within=SOON) for each in mine] == [POLICY_VIOLATION, None, None] * 2
        assert all(each.goes_on for each in theirs)


@pytest.mark.parametrize(
    "lifetimes",
    ['idle_lifetime = "2s"\nabsolute_lifetime = "1h"', 'idle_lifetime = "2s"\nabsolute_lifetime = "2s"'],
)
async def test_a_lifetime_that_passes_ends_what_is_open(tmp_path: Path, lifetimes: str) -> None:
    async with scene(f"sqlite://{tmp_path}/sessions.db", sessions=lifetimes) as here:
        began = time.monotonic()
        opened = [await here.open(gateway, path) for gateway in here.gateways for path in KINDS]
        ends = [await each.end(within=4) for each in opened]

        assert ends == [POLICY_VIOLATION, None, None] * 2
        assert time.monotonic() - began < 2 + SOON + 0.5


REFRESHED: Final = """
token_endpoint_auth_method = "client_secret_post"
scope = ["openid", "email"]
refresh = true
refresh_interval = "1s"
"""


async def test_a_session_that_its_provider_ends_has_nothing_open_any_more(store: str) -> None:
    async with scene(store, profile="oidc", provider=REFRESHED) as here:
        opened = [await here.open(gateway, path) for gateway in here.gateways for path in KINDS]
        here.story.provider.alter(says("token", {"error": "invalid_grant"}, status=400))
        async with asyncio.timeout(10):
            while await here.story.signed_in():
                await asyncio.sleep(0.1)

        assert [await each.end(within=SOON) for each in opened] == [POLICY_VIOLATION, None, None] * 2


async def test_a_session_in_use_keeps_open_what_is(tmp_path: Path) -> None:
    lifetimes = 'idle_lifetime = "2s"\nabsolute_lifetime = "1h"'
    async with scene(f"sqlite://{tmp_path}/sessions.db", sessions=lifetimes) as here:
        opened = [await here.open(here.other, path) for path in KINDS]
        for _ in range(6):
            await asyncio.sleep(0.5)
            assert await here.story.signed_in()

        assert all(each.goes_on for each in opened)


async def test_a_gateway_that_ends_says_so_to_what_is_still_open(tmp_path: Path) -> None:
    async with scene(f"sqlite://{tmp_path}/sessions.db") as here:
        opened = [await here.open(here.other, path) for path in KINDS]
    assert [await each.end(within=1) for each in opened] == [GOING_AWAY, None, None]


@pytest.mark.real
async def test_an_end_that_nobody_heard_of_is_found_out_when_messages_come_again(
    redis_server: RedisServer,
) -> None:
    """The store loses the sessions, and the connections on which their ends would have been told."""
    async with scene(redis_server.url) as here:
        opened = [await here.open(gateway, path) for gateway in here.gateways for path in KINDS]
        redis_server.stop()
        await here.story.gateway.until_ready(503)
        assert all(each.goes_on for each in opened)
        redis_server.start()

        assert [await each.end(within=3) for each in opened] == [POLICY_VIOLATION, None, None] * 2


async def test_a_session_that_ends_before_its_stream_begins_has_none(store: str) -> None:
    """The application takes its time to answer, and the session ends meanwhile."""
    async with scene(store) as here:
        opened = asyncio.create_task(here.open(here.other, "/late"))
        await here.application.asked.wait()
        await here.story.press_sign_out()
        here.application.go.set()

        assert await (await opened).end(within=SOON) is None
