"""What docs/scaling.md says of records and round trips, seen at a real Redis."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from gateway.adapters import now
from tests.support.gateway import Wanted, running_gateway
from tests.support.redis_server import RedisServer
from tests.support.story import CLIENT, PROTECTED, Story, story

pytestmark = pytest.mark.real

PAGE = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text("utf-8")
TRIPS = {
    name.strip(): int(count) for name, count in re.findall(r"^\| ([^|]+) \| (\d+) \|$", PAGE, re.MULTILINE)
}
TENTH_OF_IDLE = 360  # seconds


@dataclass
class Clock:
    """The gateway's Unix seconds."""

    passed: int = 0

    def __call__(self) -> int:
        return now() + self.passed


@dataclass
class Trips:
    """Round trips to Redis, once they are counted."""

    count: int = -1


@dataclass(frozen=True)
class Scene:
    """A person at a gateway, and its Redis."""

    story: Story
    redis: Redis
    clock: Clock

    @contextmanager
    def counted(self) -> Iterator[Trips]:
        """Count what comes in the block: each time that Redis reads something, but for pings and this."""
        trips = Trips()
        before = self._reads()
        yield trips
        trips.count = self._reads() - before - 1

    def _reads(self) -> int:
        stats: dict[str, Any] = self.redis.info("everything")
        return int(stats["total_reads_processed"]) - int(stats.get("cmdstat_ping", {"calls": 0})["calls"])

    async def page(self) -> None:
        """A page of the application."""
        answer = await self.story.browser.navigate(self.story.gateway.url + PROTECTED)
        assert answer.status == 200


@pytest.fixture
async def here(redis_server: RedisServer) -> AsyncIterator[Scene]:
    clock = Clock()
    with Redis(port=redis_server.port) as redis:
        async with story(store=redis_server.url, clock=clock) as told:
            # One connection for commands is open before anything is counted, and another one that listens.
            await told.gateway.until_ready()
            yield Scene(told, redis, clock)


async def test_who_has_no_session_asks_redis_nothing(here: Scene) -> None:
    with here.counted() as trips:
        assert not await here.story.signed_in()
        await here.story.begin()
    assert trips.count == TRIPS["a request without a session, and the begin of a sign-in"]


async def test_a_sign_in_and_a_sign_out(here: Scene) -> None:
    answered = await here.story.answered()
    with here.counted() as trips:
        page = await here.story.browser.step(answered)
        assert page.status == 303
    assert trips.count == TRIPS["a sign-in"]
    await here.page()
    with here.counted() as trips:
        await here.story.press_sign_out()
    assert trips.count == TRIPS["a sign-out"]
    assert not await here.story.signed_in()


async def test_a_cold_request_reads_and_a_warm_one_asks_nothing(here: Scene) -> None:
    await here.story.sign_in()
    await here.page()
    with here.counted() as trips:
        for _ in range(100):
            await here.page()
    assert trips.count == TRIPS["a request for a warm session"]


async def test_the_first_request_at_another_gateway_reads(here: Scene, redis_server: RedisServer) -> None:
    await here.story.sign_in()
    wanted = Wanted(
        issuer=here.story.provider.issuer,
        client=CLIENT,
        upstream="http://127.0.0.1:1",
        store=redis_server.url,
    )
    async with running_gateway(wanted) as other:
        await other.until_ready()
        with here.counted() as trips:
            answer = await here.story.browser.navigate(f"{other.url}/_gateway/whoami")
            assert answer.status == 200
        assert trips.count == TRIPS["a request for a cold session"]


async def test_the_idle_time_is_read_and_written(here: Scene) -> None:
    await here.story.sign_in()
    await here.page()
    here.clock.passed += TENTH_OF_IDLE
    with here.counted() as trips:
        await here.page()
    assert trips.count == TRIPS["a request that writes the idle time"]


async def test_a_record_and_what_stands_beside_it_are_as_large_as_the_page_says(here: Scene) -> None:
    await here.story.sign_in()
    (record,) = [key for key in here.redis.scan_iter("gateway:session:*") if not key.endswith(b":summary")]
    for key, said in ((record, "the record"), (record + b":summary", "the summary")):
        (low, high) = re.findall(rf"^\| {said} \| (\d[\d ]*) to (\d[\d ]*) \|$", PAGE, re.MULTILINE)[0]
        assert int(low.replace(" ", "")) <= here.redis.strlen(key) <= int(high.replace(" ", ""))
