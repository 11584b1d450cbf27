from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import Any

import pytest
from redis import Redis

from bench.servers.crowd import IDLE_LIFETIME, Crowd
from bench.servers.redis_counts import commands, forget_commands, memory, process
from gateway.sessions.cookie import read_cookies
from gateway.sessions.redis_records import RedisRecords
from gateway.sessions.session import SignedIn
from gateway.sessions.summary import By, Listed
from tests.support.in_store import ALICE, NEW, at
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.real

CROWD = Crowd(model=ALICE, secret=NEW)
PEOPLE = range(0, 900, 3)


def contents(redis: Redis) -> dict[bytes, tuple[int, Any]]:
    """Each key with the seconds it has left, and what is there."""
    return {
        key: (
            redis.ttl(key),
            redis.zrange(key, 0, -1, withscores=True) if b":index:" in key else redis.get(key),
        )
        for key in redis.scan_iter()
    }


async def test_a_session_is_written_as_a_gateway_writes_it(redis_server: RedisServer) -> None:
    gateway = at(RedisRecords.open(redis_server.url))
    written = [
        each
        for each in CROWD.commands(7, gateway.sealer, gateway.summaries, now=1_000)
        if each[0] != "EXPIRE"
    ]
    (_, key, record, *_), (_, _, summary, *_), *_ = written
    indexes = tuple(str(each[1]) for each in written[2:])
    with Redis(port=redis_server.port) as redis:
        for command in CROWD.commands(7, gateway.sealer, gateway.summaries, now=1_000):
            redis.execute_command(*command)
        ours = contents(redis)
        redis.flushall()
        assert isinstance(record, bytes)
        assert isinstance(summary, bytes)
        listed = Listed(summary=summary, indexes=indexes, at=1_600, kept=IDLE_LIFETIME)
        await gateway.store.put(str(key), record, lifetime=IDLE_LIFETIME, listed=listed)
        theirs = contents(redis)
    await gateway.store.close()
    assert ours.keys() == theirs.keys()
    for name, (left, value) in theirs.items():
        assert ours[name][0] == pytest.approx(left, abs=2)
        assert len(ours[name][1]) == len(value)
        if b":index:" in name:
            assert ours[name][1] == value


async def test_a_gateway_knows_each_of_them_and_finds_them_by_address(redis_server: RedisServer) -> None:
    await asyncio.to_thread(CROWD.write, redis_server.port, PEOPLE)
    gateway = at(RedisRecords.open(redis_server.url))
    every = await gateway.every()
    for number in (0, 3, 897):
        (cookie,) = read_cookies([CROWD.cookie(number)], name="gateway")
        record = await gateway.store.get(cookie.key)
        assert record is not None
        session = cookie.open(record, sealer=gateway.sealer)
        assert isinstance(session, SignedIn)
        assert await gateway.found(By.EMAIL, str(session.claims["email"])) == {cookie.key}
        assert cookie.key in every
    assert len(every) == len(PEOPLE)
    assert len(await gateway.found(By.SIRET, f"{0:014}")) == 34
    await gateway.store.close()


async def test_what_redis_counts_is_what_others_asked(redis_server: RedisServer) -> None:
    store = RedisRecords.open(redis_server.url)
    await store.ping()
    forget_commands(redis_server.port)
    for _ in range(3):
        await store.get("gateway:session:{nobody}")
    assert commands(redis_server.port) == Counter(get=3)
    async with aclosing(store.endings()) as endings:
        assert await anext(endings) is None
    assert commands(redis_server.port)["subscribe"] == 1
    assert memory(redis_server.port) > 100_000
    assert process(redis_server.port) > 1
    await store.close()
