"""What every record store must do, asked of each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Listed
from tests.support.stores import Backend

T = TypeVar("T")

# Whole minutes, so that the moments that a test really takes decide nothing.
MINUTE = 60
LIFETIMES = st.integers(1, 5).map(lambda minutes: minutes * MINUTE)
KEYS = st.sampled_from(["gateway:session:a", "gateway:session:b", "gateway:state:a"])
LISTED = Listed(summary=b"a summary", indexes=("gateway:index:a",), at=1_000_000, kept=600)
RECORDS = st.binary(max_size=64)
VERSIONED = st.binary(min_size=4, max_size=64)


class Life(RuleBasedStateMachine):
    """Records come and go through any of the gateways, and a plain mapping says what must be there."""

    backend: ClassVar[Backend]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stores = self.run(self.backend.open())
        self.expected: dict[str, tuple[bytes, int]] = {}
        self.now = 0

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asked)

    def there(self, key: str) -> bool:
        return key in self.expected and self.now < self.expected[key][1]

    @initialize(which=st.integers(0, 1))
    def nothing_is_there(self, which: int) -> None:
        assert self.run(self.stores[which % len(self.stores)].get("gateway:session:a")) is None

    @rule(which=st.integers(0, 1), key=KEYS, record=RECORDS, lifetime=LIFETIMES)
    def put(self, which: int, key: str, record: bytes, lifetime: int) -> None:
        self.run(self.stores[which % len(self.stores)].put(key, record, lifetime=lifetime))
        self.expected[key] = (record, self.now + lifetime)

    @rule(which=st.integers(0, 1), key=KEYS, record=RECORDS, lifetime=LIFETIMES)
    def replace(self, which: int, key: str, record: bytes, lifetime: int) -> None:
        done = self.run(self.stores[which % len(self.stores)].replace(key, record, lifetime=lifetime))

        assert done is self.there(key)
        if done:
            self.expected[key] = (record, self.now + lifetime)

    @rule(which=st.integers(0, 1), key=KEYS, record=VERSIONED, lifetime=LIFETIMES, changed=st.booleans())
    def replace_what_was_read(
        self, which: int, key: str, record: bytes, lifetime: int, *, changed: bool
    ) -> None:
        """Written over nothing but the version that somebody has read, which is the beginning of a record."""
        version = self.expected[key][0][:4] if key in self.expected else b"abcd"
        if len(version) < 4:
            return
        version = b"else" if changed else version
        store = self.stores[which % len(self.stores)]
        done = self.run(store.replace(key, record, lifetime=lifetime, over=version))

        assert done is (self.there(key) and self.expected[key][0].startswith(version))
        if done:
            self.expected[key] = (record, self.now + lifetime)

    @rule(which=st.integers(0, 1), key=KEYS)
    def delete(self, which: int, key: str) -> None:
        self.run(self.stores[which % len(self.stores)].delete(key))
        self.expected.pop(key, None)

    @rule(which=st.integers(0, 1), key=KEYS, lifetime=LIFETIMES, record=RECORDS)
    def claim(self, which: int, key: str, lifetime: int, record: bytes) -> None:
        store = self.stores[which % len(self.stores)]
        claimed = self.run(store.claim(key, lifetime=lifetime, record=record))

        assert claimed is not self.there(key)
        if claimed:
            self.expected[key] = (record, self.now + lifetime)

    @rule(which=st.integers(0, 1), key=KEYS)
    def get(self, which: int, key: str) -> None:
        record = self.run(self.stores[which % len(self.stores)].get(key))

        assert record == (self.expected[key][0] if self.there(key) else None)

    @precondition(lambda self: self.expected)
    @rule(minutes=st.integers(1, 6))
    def time_passes(self, minutes: int) -> None:
        self.backend.pass_time(minutes * MINUTE)
        self.now += minutes * MINUTE
        for key in self.expected:
            self.get(0, key)

    @rule(which=st.integers(0, 1))
    def ping(self, which: int) -> None:
        self.run(self.stores[which % len(self.stores)].ping())

    def teardown(self) -> None:
        for store in self.stores:
            self.run(store.close())
        self.runner.close()


def test_a_store_holds_what_was_written_until_its_end_and_nothing_else(backend: Backend) -> None:
    class LifeHere(Life):
        pass

    LifeHere.backend = backend
    run_state_machine_as_test(
        LifeHere, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
    )


async def test_a_record_is_gone_at_the_moment_of_its_end(backend: Backend, stores: list[RecordStore]) -> None:
    for key in ("gateway:session:a", "gateway:session:b", "gateway:state:a"):
        await stores[0].put(key, b"record", lifetime=MINUTE)
    backend.pass_time(MINUTE)

    assert await stores[0].get("gateway:session:a") is None
    assert await stores[0].replace("gateway:session:b", b"late", lifetime=MINUTE) is False
    assert await stores[0].claim("gateway:state:a", lifetime=MINUTE) is True


async def test_one_of_many_callers_gets_a_key(stores: list[RecordStore]) -> None:
    claims = [stores[n % len(stores)].claim("gateway:state:a", lifetime=600) for n in range(50)]

    assert sorted(await asyncio.gather(*claims)) == [False] * 49 + [True]


@pytest.mark.parametrize("first", [0, 1])
async def test_a_deleted_record_is_not_brought_back_by_writes_that_race_it(
    stores: list[RecordStore], first: int
) -> None:
    for n in range(20):
        key = f"gateway:session:{n}"
        await stores[0].put(key, b"old", lifetime=600)
        writes: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda key=key: stores[-1].replace(key, b"new", lifetime=600),  # type: ignore[misc]
            lambda key=key: stores[0].delete(key),  # type: ignore[misc]
        ]
        await asyncio.gather(*(writes[(first + turn) % 2]() for turn in range(6)))

        assert await stores[0].get(key) is None
        assert await stores[-1].replace(key, b"late", lifetime=600) is False
        assert await stores[0].get(key) is None


async def test_of_fifty_who_write_over_the_same_version_one_does(stores: list[RecordStore]) -> None:
    await stores[0].put("gateway:session:a", b"v001 of it", lifetime=600)
    writes = [
        stores[n % len(stores)].replace("gateway:session:a", f"v1{n:02}".encode(), lifetime=600, over=b"v001")
        for n in range(50)
    ]
    done = await asyncio.gather(*writes)

    assert sorted(done) == [False] * 49 + [True]
    assert await stores[-1].get("gateway:session:a") == f"v1{done.index(True):02}".encode()


async def test_records_of_any_octets_and_of_many_sizes_come_back_whole(stores: list[RecordStore]) -> None:
    for size in (0, 1, 255, 4_096, 70_000, 1_000_000):
        record = bytes(n % 256 for n in range(size))
        await stores[0].put("gateway:session:a", record, lifetime=600)

        assert await stores[-1].get("gateway:session:a") == record


async def test_a_thousand_callers_at_once_each_get_their_own_record(stores: list[RecordStore]) -> None:
    async def one(n: int) -> bool:
        store, record = stores[n % len(stores)], f"record {n}".encode()
        await store.put(f"gateway:session:{n}", record, lifetime=600)
        return await store.get(f"gateway:session:{n}") == record

    assert all(await asyncio.gather(*map(one, range(1_000))))


async def test_cancelled_calls_leave_the_store_usable(stores: list[RecordStore]) -> None:
    for n in range(30):
        tasks = [
            asyncio.create_task(stores[0].put("gateway:session:a", b"x", lifetime=600)) for _ in range(3)
        ]
        for _ in range(n % 7):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await stores[0].put("gateway:session:a", b"last", lifetime=600)

    assert await stores[-1].get("gateway:session:a") == b"last"


@pytest.mark.parametrize("backend", ["file", pytest.param("redis", marks=pytest.mark.real)], indirect=True)
async def test_every_gateway_hears_of_each_session_that_is_deleted_and_of_nothing_before(
    stores: list[RecordStore],
) -> None:
    keys = [f"gateway:session:{{{n}}}" for n in range(10)]
    for key in (*keys, "gateway:session:{before}"):
        await stores[0].put(key, b"record", lifetime=600, listed=LISTED)
    await stores[0].delete("gateway:session:{before}")
    async with AsyncExitStack() as stack:
        hearing = [await stack.enter_async_context(aclosing(store.endings())) for store in stores]
        assert [await anext(endings) for endings in hearing] == [None, None]
        for n, key in enumerate(keys):
            await stores[n % 2].delete(key)
        async with asyncio.timeout(1):
            for endings in hearing:
                assert {await anext(endings) for _ in keys} == {*keys}
