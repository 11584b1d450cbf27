from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from gateway.sessions.lease import LIFETIME, Lease
from gateway.sessions.store import RecordStore
from tests.support.stores import Backend

KEY = "gateway:refresh:a-session"
WAIT_SECONDS = 10.0


def lease(records: RecordStore, *, clock: Callable[[], float] = time.monotonic) -> Lease:
    return Lease(records, KEY, clock=clock, random=secrets.token_bytes)


async def test_one_of_many_holds_it_and_another_after_it(stores: list[RecordStore]) -> None:
    for _ in range(3):
        async with lease(stores[0]).taken() as mine:
            assert mine
            async with lease(stores[-1]).taken() as too:
                assert not too


async def test_who_waits_for_it_goes_on_when_it_is_over(stores: list[RecordStore]) -> None:
    async with lease(stores[0]).taken():
        waiting = asyncio.create_task(lease(stores[-1]).until_over())
        _, pending = await asyncio.wait({waiting}, timeout=0.2)
        assert pending
    async with asyncio.timeout(WAIT_SECONDS):
        await waiting


async def test_it_is_renewed_as_long_as_it_is_held(backend: Backend, stores: list[RecordStore]) -> None:
    held = lease(stores[0])
    async with held.taken():
        for _ in range(2):
            backend.pass_time(LIFETIME - 2)
            before = await stores[0].get(KEY)
            assert before
            await asyncio.sleep(2)
        assert held.held
        assert await stores[0].get(KEY) == before


@pytest.mark.parametrize("by", ["time", "another"])
async def test_who_lost_it_knows_and_takes_nothing_from_who_holds_it_now(
    backend: Backend, stores: list[RecordStore], by: str
) -> None:
    now = 0.0
    late = lease(stores[0], clock=lambda: now)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(late.taken())
        assert late.held
        backend.pass_time(LIFETIME)
        if by == "time":
            now += LIFETIME
            assert not late.held
        async with lease(stores[-1]).taken() as mine:
            assert mine
            async with asyncio.timeout(WAIT_SECONDS):
                while late.held:
                    await asyncio.sleep(0.05)
            held = await stores[-1].get(KEY)
            await stack.aclose()
            assert await stores[-1].get(KEY) == held
