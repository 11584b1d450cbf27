"""Whatever happens to the store: no cookie goes, nobody is taken for another, all is well soon afterwards.

Each fault is a line of the table below, and a line of the report at the end of a run.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import pytest
from redis import Redis

from gateway.errors import Fault
from gateway.sessions.cookie import read_cookies
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page
from tests.support.processes import LOOPBACK, free_port
from tests.support.redis_groups import PASSWORD, SENTINEL_PASSWORD, ClusterGroup, SentinelGroup
from tests.support.redis_server import RedisServer
from tests.support.relay import Relay
from tests.support.story import Story, story

pytestmark = pytest.mark.real

TOGETHER: Final = 20  # requests of one person at once
TOLD_WITHIN: Final = 4.0  # seconds, for all who find the store away first; one alone is told within 2
TOLD_AT_ONCE: Final = 1.0  # for all who come when it is known to be away
BACK_WITHIN: Final = 2.0
SLOW: Final = (0.05, 0.5)

EMAILS: Final = {
    "eleonore": "eleonore.lefevre-oeillet@morbihan.example.gouv.fr",
    "maelys": "maelys.daubigne@ville.example.fr",
    "zoe": "zoe.benhaim@mairie.example.fr",
    "loic": "loic.legoff@mairie.example.fr",
}


@dataclass(frozen=True)
class Store:
    """A store as the settings name it.

    Args:
        url: its address.
        sessions: further lines of the settings.
        shows_key: told the key of a record that nobody has read yet, before the fault.
    """

    url: str
    sessions: str = ""
    shows_key: Callable[[str], object] = lambda _: None


Faulty: TypeAlias = AsyncGenerator[Store | None]
"""A store, then the fault is there, then it is gone."""


async def killed(_: pytest.FixtureRequest) -> Faulty:
    with RedisServer("--appendonly", "yes") as server:
        yield Store(server.url)
        server.kill()
        yield None
        await asyncio.to_thread(server.start)
        yield None


async def paused(request: pytest.FixtureRequest) -> Faulty:
    server: RedisServer = request.getfixturevalue("redis_server")
    yield Store(server.url)
    server.pause()
    try:
        yield None
    finally:
        server.resume()
    yield None


@asynccontextmanager
async def relayed(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Relay, Store]]:
    server: RedisServer = request.getfixturevalue("redis_server")
    async with Relay(server.port) as relay:
        yield relay, Store(f"redis://{LOOPBACK}:{relay.port}/0")


async def slow(request: pytest.FixtureRequest) -> Faulty:
    async with relayed(request) as (relay, store):
        yield store
        relay.delay = SLOW
        yield None
        relay.delay = (0, 0)
        yield None


async def cut_off(request: pytest.FixtureRequest) -> Faulty:
    async with relayed(request) as (relay, store):
        yield store
        relay.cut()
        yield None
        relay.mend()
        yield None


async def reset_again_and_again(request: pytest.FixtureRequest) -> Faulty:
    async def resetting() -> None:
        while True:
            relay.reset()
            await asyncio.sleep(0.2)

    async with relayed(request) as (relay, store):
        yield store
        task = asyncio.create_task(resetting())
        yield None
        task.cancel()
        yield None


async def failing_over(request: pytest.FixtureRequest) -> Faulty:
    group: SentinelGroup = request.getfixturevalue("sentinels")
    passwords = f'store_password = "{PASSWORD}"\nstore_sentinel_password = "{SENTINEL_PASSWORD}"'
    yield Store(group.url, passwords)
    group.master().stop()
    yield None
    await asyncio.to_thread(group.promoted)
    yield None


async def primary_lost(request: pytest.FixtureRequest) -> Faulty:
    group: ClusterGroup = request.getfixturevalue("redis_cluster")
    keys: list[str] = []
    yield Store(group.url, shows_key=keys.append)
    lost = group.owner(keys[0])
    lost.stop()
    yield None
    await asyncio.to_thread(group.serves_without, lost)
    yield None


async def slot_moving(request: pytest.FixtureRequest) -> Faulty:
    group: ClusterGroup = request.getfixturevalue("redis_cluster")
    keys: list[str] = []
    yield Store(group.url, shows_key=keys.append)
    moving = group.move_slot(keys[0])
    next(moving)
    next(moving)  # the records are in the new place, and asked for in the old one
    yield None
    next(moving, None)
    yield None


def _refusing(settings: dict[str, str]) -> Callable[[pytest.FixtureRequest], Faulty]:
    async def refusing(request: pytest.FixtureRequest) -> Faulty:
        server: RedisServer = request.getfixturevalue("redis_server")
        with Redis(port=server.port, decode_responses=True) as redis:
            before = {name: redis.config_get(name)[name] for name in settings}
            yield Store(server.url)
            try:
                for name, value in settings.items():
                    redis.config_set(name, value)
                yield None
            finally:
                for name, value in before.items():
                    redis.config_set(name, value)
            yield None

    return refusing


memory_full = _refusing({"maxmemory": "1", "maxmemory-policy": "noeviction"})
replicas_lost = _refusing({"min-replicas-to-write": "1"})


async def read_only_replica(request: pytest.FixtureRequest) -> Faulty:
    server: RedisServer = request.getfixturevalue("redis_server")
    with Redis(port=server.port) as redis:
        yield Store(server.url)
        try:
            redis.replicaof(LOOPBACK, str(free_port()))
            yield None
        finally:
            redis.replicaof("NO", "ONE")
        yield None


async def wrong_password(_: pytest.FixtureRequest) -> Faulty:
    """The password is another one, and Redis has cut those who knew the old one."""
    with RedisServer("--requirepass", PASSWORD) as server:
        yield Store(server.url, f'store_password = "{PASSWORD}"')
        with Redis(port=server.port, password=PASSWORD) as redis:
            redis.config_set("requirepass", "another password")
            for kind in ("normal", "pubsub"):
                redis.client_kill_filter(_type=kind, skipme=True)
            yield None
            redis.config_set("requirepass", PASSWORD)
            yield None


@dataclass(frozen=True)
class Line:
    """One fault, and what is to be seen while it lasts.

    Args:
        fault: makes it.
        cold: what those get whom no gateway knows yet; 503, unless the store can still be read.
        ready: what `ready` says of the store; None when the gateway is ready.
        new: what those get who sign in meanwhile.
    """

    fault: Callable[[pytest.FixtureRequest], Faulty]
    name: str
    cold: frozenset[int] = frozenset({503})
    ready: str | None = "store-unreachable: .+"
    new: frozenset[int] = frozenset({503})


READ = frozenset({200})
PERHAPS = frozenset({200, 503})
TABLE = [
    Line(killed, "killed"),
    Line(paused, "paused", ready="store-unreachable: no answer within .* seconds"),
    Line(cut_off, "cut off"),
    Line(slow, "slow, 50 to 500 ms", cold=READ, ready=None, new=READ),
    Line(reset_again_and_again, "reset, five times a second", cold=PERHAPS, ready=".*", new=PERHAPS),
    Line(failing_over, "Sentinel failing over", cold=PERHAPS, ready=".*", new=PERHAPS),
    Line(primary_lost, "Cluster without one of its primaries", cold=PERHAPS, ready=".*", new=PERHAPS),
    Line(slot_moving, "Cluster moving a slot", cold=READ, ready=None, new=READ),
    Line(read_only_replica, "read-only replica", cold=READ, ready="store-unreachable: ReadOnlyError"),
    Line(replicas_lost, "too few replicas to write", cold=READ, ready="store-unreachable: ResponseError"),
    Line(memory_full, "memory full", cold=READ, ready="store-unreachable: OutOfMemoryError"),
    Line(wrong_password, "password rotated", ready="store-unreachable: .*(?i:auth|password).*"),
]


@dataclass
class People:
    """Who is there: some whom the gateway has just seen, some whom it has not seen since the callback.

    Args:
        story: where they are.
        browsers: each person's.
        cookies: as they were before the fault.
    """

    story: Story
    browsers: dict[str, HTTPBrowser] = field(default_factory=dict)
    cookies: dict[str, Any] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    async def come(self) -> None:
        for name in EMAILS:
            browser = self.browsers[name] = await self.story.another_browser()
            callback = await self.story.answered(browser, person=name)
            if name in WARM:
                assert (await browser.follow(callback)).status == 200
            else:
                assert (await browser.step(callback)).status == 303
            self.cookies[name] = dict(browser.cookies(self.story.gateway.url))

    def key(self, name: str) -> str:
        (cookie,) = read_cookies([f"gateway={self.cookies[name]['gateway']}"], name="gateway")
        return cookie.key

    async def ask(self, name: str) -> Page:
        """What a person gets; if it is a page of the application, it is made for them."""
        page = await self.browsers[name].fetch(f"{self.story.gateway.url}/api/me")
        assert "Set-Cookie" not in page.fields
        assert dict(self.browsers[name].cookies(self.story.gateway.url)) == self.cookies[name]
        if page.status == 200:
            assert dict(json.loads(page.text))["Remote-User"] == EMAILS[name]
        else:
            assert page.status == 503
            assert int(page.fields["Retry-After"]) > 0
            assert json.loads(page.text)["type"].endswith(f":{Fault.STORE_UNREACHABLE.value}")
        return page

    async def ask_together(self, names: tuple[str, ...], *, times: int) -> tuple[set[int], float]:
        """The same of many requests at once: what they got, and how long the last one took."""
        began = time.monotonic()
        pages = await asyncio.gather(*(self.ask(name) for name in names for _ in range(times)))
        return {page.status for page in pages}, time.monotonic() - began


WARM: Final = ("eleonore", "maelys")
COLD: Final = ("zoe", "loic")


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line.name)
async def test_a_store_that_fails_ends_nobodys_session(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None], line: Line
) -> None:
    async with AsyncExitStack() as stack:
        faulty = await stack.enter_async_context(aclosing(line.fault(request)))
        store = await anext(faulty)
        assert store is not None
        scene = await stack.enter_async_context(story(store=store.url, sessions=store.sessions))
        people = People(scene)
        await people.come()
        store.shows_key(people.key(COLD[0]))

        await anext(faulty)
        (warm, _), (cold, first) = await asyncio.gather(
            people.ask_together(WARM, times=10), people.ask_together(COLD[:1], times=TOGETHER)
        )
        (warm_again, _), (cold_again, later) = await asyncio.gather(
            people.ask_together(WARM, times=10), people.ask_together(COLD[:1], times=TOGETHER)
        )
        status, faults = await scene.gateway.ready()
        new = await scene.sign_in(await scene.another_browser(), person="noemie")

        assert (warm, warm_again) == ({200}, {200})
        assert cold | cold_again <= line.cold
        assert first < TOLD_WITHIN
        assert later < (TOLD_AT_ONCE if line.cold == {503} else TOLD_WITHIN)
        assert new.status in line.new
        said = faults.get("sessions.store")
        if line.ready is None:
            assert (status, said) == (200, None)
        else:
            assert re.fullmatch(line.ready, said or "")

        await anext(faulty)
        began = time.monotonic()
        async with asyncio.timeout(BACK_WITHIN):
            for name in EMAILS:
                while (await people.ask(name)).status != 200:
                    await asyncio.sleep(0.02)
            while (await scene.gateway.ready())[0] != 200:
                await asyncio.sleep(0.02)
        back = time.monotonic() - began
        record_property(
            "store fault",
            f"{line.name}: at work {_shown(warm | warm_again)}, others {_shown(cold | cold_again)}"
            f" after {first:.2f} s, then {later:.2f} s; ready: {said or 'yes'}; back after {back:.2f} s",
        )
        with suppress(StopAsyncIteration):
            await anext(faulty)


def _shown(statuses: set[int]) -> str:
    return " or ".join(map(str, sorted(statuses)))
