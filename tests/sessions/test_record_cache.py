from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

import pytest

from gateway.errors import Fault, StoreError
from gateway.secret import Secret
from gateway.sessions.keys import session_id
from gateway.sessions.record_cache import DEAF_AGE, HEARING_AGE, RecordCache
from gateway.sessions.session import ANONYMOUS, Session, SignedIn
from gateway.sessions.summary import Listed

KEY, OTHER = "gateway:session:{a}", "gateway:session:{b}"
STALE = 300
LISTED = Listed(summary=b"", indexes=(), at=0, kept=0)


def signed_in(sub: str = "a-sub", *, last_seen: int = 0) -> SignedIn:
    return SignedIn(
        id="an-id",
        host="app.example",
        provider="proconnect",
        claims={"sub": sub},
        id_token=Secret("aaaa.bbbb.cccc"),
        signed_in_at=0,
        last_seen=last_seen,
    )


def opened(record: bytes) -> Session:
    """Records of these tests are a person's `sub`; an empty one does not open."""
    return signed_in(record.decode()) if record else ANONYMOUS


@dataclass
class Store:
    """A record store whose answers come when a test lets them, and whose endings are the test's own."""

    records: dict[str, bytes] = field(default_factory=lambda: {KEY: b"a-sub", OTHER: b"another-sub"})
    asked: list[str] = field(default_factory=list)
    away: bool = False
    go: asyncio.Event = field(default_factory=asyncio.Event)
    messages: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.go.set()

    async def _answer(self) -> None:
        await self.go.wait()
        if self.away:
            raise StoreError(Fault.STORE_UNREACHABLE)

    async def get(self, key: str) -> bytes | None:
        self.asked.append(key)
        record = self.records.get(key)
        await self._answer()
        return record

    async def put(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> None:
        raise NotImplementedError

    async def replace(
        self,
        key: str,
        record: bytes,
        *,
        lifetime: int,
        listed: Listed | None = None,
        over: bytes | None = None,
    ) -> bool:
        assert over is None
        assert record
        assert lifetime > 0
        assert listed is LISTED
        await self._answer()
        return key in self.records

    async def delete(self, key: str) -> None:
        await self._answer()
        self.records.pop(key, None)

    async def claim(self, key: str, *, lifetime: int, record: bytes = b"") -> bool:
        raise NotImplementedError

    async def endings(self) -> AsyncGenerator[str | None]:
        while True:
            message = await self.messages.get()
            if message == "broken":
                raise StoreError(Fault.STORE_UNREACHABLE)
            yield message

    async def ping(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


@dataclass
class Scene:
    """A cache with everything around it."""

    store: Store = field(default_factory=Store)
    now: float = 1_000.0
    ended: list[str] = field(default_factory=list)
    reported: list[StoreError] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def cache(self, *, most: int = 100, most_octets: int = 1 << 20) -> RecordCache:
        return RecordCache(
            self.store,
            clock=lambda: self.now,
            stale_lifetime=STALE,
            ended=self._end,
            report=self._report,
            most=most,
            most_octets=most_octets,
        )

    def _end(self, session: str) -> None:
        self.ended.append(session)
        self.changed.set()

    def _report(self, error: StoreError) -> None:
        self.reported.append(error)
        self.changed.set()

    async def say(self, message: str) -> None:
        """Send a message, and return once the cache has acted on it."""
        self.changed.clear()
        self.store.messages.put_nowait(message)
        await self.changed.wait()


async def hears(scene: Scene, cache: RecordCache) -> None:
    """Let the cache hear, and return once it does."""
    scene.store.messages.put_nowait(None)
    async with asyncio.timeout(2):
        while not cache.hearing:
            await asyncio.sleep(0.01)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def cache(scene: Scene) -> AsyncIterator[RecordCache]:
    """A cache that hears."""
    cache = scene.cache()
    listening = asyncio.create_task(cache.listen())
    await hears(scene, cache)
    yield cache
    listening.cancel()
    await cache.close()


async def sub(cache: RecordCache, key: str = KEY) -> str | None:
    """Who a cookie leads to, as the storage would ask."""
    kept = cache.warm(key) or await cache.read(key, opened)
    return kept.session.sub if kept else None


async def test_a_warm_session_costs_no_round_trip_and_a_cold_one_a_single_one(
    scene: Scene, cache: RecordCache
) -> None:
    assert [await sub(cache) for _ in range(50)] == ["a-sub"] * 50
    assert await sub(cache, OTHER) == "another-sub"
    assert scene.store.asked == [KEY, OTHER]
    assert (cache.hits, cache.misses, len(cache)) == (49, 2, 2)


@pytest.mark.parametrize("hearing, age", [(True, HEARING_AGE), (False, DEAF_AGE)])
async def test_a_session_is_believed_for_its_age(
    scene: Scene, cache: RecordCache, *, hearing: bool, age: float
) -> None:
    if not hearing:
        await scene.say("broken")
    assert await sub(cache) == "a-sub"
    del scene.store.records[KEY]
    scene.now += age - 0.1
    assert await sub(cache) == "a-sub"
    scene.now += 0.1
    assert await sub(cache) is None


async def test_those_who_ask_together_ask_once(scene: Scene, cache: RecordCache) -> None:
    scene.store.go.clear()
    asked = [asyncio.create_task(sub(cache)) for _ in range(20)]
    other = asyncio.create_task(sub(cache, OTHER))
    await asyncio.sleep(0)
    scene.store.go.set()

    assert await asyncio.gather(*asked) == ["a-sub"] * 20
    assert await other == "another-sub"
    assert sorted(scene.store.asked) == [KEY, OTHER]


async def test_keys_that_begin_alike_are_two(scene: Scene, cache: RecordCache) -> None:
    scene.store.records |= {KEY + "x": b"x-sub", KEY + "xx": b"xx-sub"}
    assert await asyncio.gather(*(sub(cache, KEY + more) for more in ("", "x", "xx"))) == [
        "a-sub",
        "x-sub",
        "xx-sub",
    ]


@pytest.mark.parametrize("leaves", [0, 1, 2])
async def test_whoever_leaves_cancels_nobody_else(scene: Scene, cache: RecordCache, leaves: int) -> None:
    scene.store.go.clear()
    asked = [asyncio.create_task(sub(cache)) for _ in range(3)]
    await asyncio.sleep(0)
    asked[leaves].cancel()
    await asyncio.sleep(0)
    scene.store.go.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(answers.pop(leaves), asyncio.CancelledError)
    assert answers == ["a-sub", "a-sub"]
    assert scene.store.asked == [KEY]


async def test_a_session_that_ends_elsewhere_is_forgotten(scene: Scene, cache: RecordCache) -> None:
    await sub(cache)
    del scene.store.records[KEY]
    await scene.say(KEY)

    assert await sub(cache) is None
    assert scene.ended[0] == session_id(KEY)


async def test_a_session_that_ends_while_it_is_read_is_nobodys(scene: Scene, cache: RecordCache) -> None:
    """The store read the record before it was deleted, and its answer comes after the message."""
    scene.store.go.clear()
    asked = asyncio.create_task(sub(cache))
    await asyncio.sleep(0)
    await scene.say(KEY)
    scene.store.go.set()

    assert await asked is None
    assert len(cache) == 0


async def test_what_was_read_while_messages_may_have_been_lost_is_believed_for_a_moment_only(
    scene: Scene, cache: RecordCache
) -> None:
    scene.store.go.clear()
    asked = asyncio.create_task(sub(cache))
    await asyncio.sleep(0)
    await scene.say("broken")
    await hears(scene, cache)
    scene.store.go.set()
    assert await asked == "a-sub"
    del scene.store.records[KEY]
    scene.now += DEAF_AGE

    assert await sub(cache) is None


async def test_when_messages_break_off_every_session_is_asked_about_again(
    scene: Scene, cache: RecordCache
) -> None:
    assert [await sub(cache), await sub(cache, OTHER)] == ["a-sub", "another-sub"]
    del scene.store.records[KEY]
    era = cache.era
    await scene.say("broken")

    assert [await sub(cache), await sub(cache, OTHER)] == [None, "another-sub"]
    assert cache.era > era
    assert (len(scene.reported), cache.hearing) == (1, False)
    await hears(scene, cache)


async def test_unknown_cookies_and_records_that_do_not_open_take_no_room(
    scene: Scene, cache: RecordCache
) -> None:
    scene.store.records["gateway:session:{broken}"] = b""
    keys = [*(f"gateway:session:{{{n}}}" for n in range(1_000)), "gateway:session:{broken}"]

    assert [await sub(cache, key) for key in keys] == [None] * 1_001
    assert (len(cache), cache.octets) == (0, 0)


@pytest.mark.parametrize("bounds", [{"most": 10}, {"most_octets": 10 * (2_048 + 4 * 5)}])
async def test_the_cache_is_bounded_and_keeps_those_who_were_here_last(
    scene: Scene, bounds: dict[str, int]
) -> None:
    keys = [f"gateway:session:{{{n}}}" for n in range(30)]
    scene.store.records = dict.fromkeys(keys, b"a-sub")
    cache = scene.cache(**bounds)
    for key in keys:
        await sub(cache, key)
    scene.now += DEAF_AGE
    for key in (keys[20], *keys[:9]):
        await sub(cache, key)
    asked = len(scene.store.asked)
    await sub(cache, keys[20])

    assert len(scene.store.asked) == asked
    assert (len(cache), cache.evictions) == (10, 29)


async def test_sessions_that_nobody_comes_back_to_leave_the_memory(scene: Scene, cache: RecordCache) -> None:
    await sub(cache)
    scene.now += STALE + 1
    await sub(cache, OTHER)

    assert len(cache) == 1


async def test_a_store_that_is_away_ends_nothing_before_the_stale_lifetime(
    scene: Scene, cache: RecordCache
) -> None:
    await sub(cache)
    scene.store.away = True
    scene.now += STALE - 1
    assert await sub(cache) == "a-sub"
    with pytest.raises(StoreError):
        await sub(cache, OTHER)
    scene.now += 1
    with pytest.raises(StoreError):
        await sub(cache)
    scene.store.away = False

    assert [await sub(cache), await sub(cache, OTHER)] == ["a-sub", "another-sub"]
    assert cache.stale == 1


async def test_a_session_that_ended_does_not_go_on_because_the_store_is_away(
    scene: Scene, cache: RecordCache
) -> None:
    await sub(cache)
    await scene.say(KEY)
    scene.store.away = True
    with pytest.raises(StoreError):
        await sub(cache)


async def test_a_deleted_session_is_forgotten_at_once(scene: Scene, cache: RecordCache) -> None:
    await sub(cache)
    await cache.delete(KEY)

    assert await sub(cache) is None
    assert scene.ended[0] == session_id(KEY)


async def test_a_session_that_may_be_deleted_is_asked_about_again(scene: Scene, cache: RecordCache) -> None:
    await sub(cache)
    scene.store.away = True
    with pytest.raises(StoreError):
        await cache.delete(KEY)
    assert scene.ended == []
    scene.store.away = False
    del scene.store.records[KEY]

    assert await sub(cache) is None


async def test_an_idle_write_is_seen_by_those_who_come_next_and_a_late_one_brings_nothing_back(
    scene: Scene, cache: RecordCache
) -> None:
    kept = await cache.read(KEY, opened)
    assert kept is not None
    seen = signed_in(last_seen=7)
    assert await cache.replace(KEY, kept, seen, b"a-sub", lifetime=60, listed=LISTED)
    again = cache.warm(KEY)
    assert again is not None
    assert again.session.last_seen == 7

    del scene.store.records[KEY]
    assert not await cache.replace(KEY, kept, seen, b"a-sub", lifetime=60, listed=LISTED)
    assert cache.warm(KEY) is None
    assert scene.ended == [session_id(KEY)]


async def test_what_follows_from_the_claims_is_made_once_and_again_when_they_change(
    scene: Scene, cache: RecordCache
) -> None:
    made: list[str] = []

    async def derived() -> str:
        kept = cache.warm(KEY) or await cache.read(KEY, opened)
        assert kept is not None
        return kept.derived("sub", lambda who: made.append(who.sub) or who.sub)  # type: ignore[func-returns-value]

    assert [await derived(), await derived()] == ["a-sub"] * 2
    scene.now += HEARING_AGE
    assert await derived() == "a-sub"
    scene.now += HEARING_AGE
    scene.store.records[KEY] = b"renamed"
    assert await derived() == "renamed"
    assert made == ["a-sub", "renamed"]
