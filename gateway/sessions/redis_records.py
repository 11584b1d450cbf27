"""Adapter: records in Redis, or in anything that speaks its protocol.

Nothing here can read a record: it comes and goes sealed. How Redis is reached, be it one server, behind
Sentinels or a Cluster, is the affair of `sessions.redis_client`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from functools import partial
from itertools import islice
from typing import Any, Final, Self, TypeVar, cast

from redis.asyncio import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from gateway.errors import Fault, StoreError
from gateway.sessions.keys import RECORDS, summary_key
from gateway.sessions.redis_client import Client, Credentials, open_client
from gateway.sessions.redis_url import read_redis_url
from gateway.sessions.summary import Listed

_T = TypeVar("_T")

_PING_KEY: Final = "gateway:ping"
_PING_LIFETIME: Final = 60  # seconds
_PAGE_LENGTH: Final = 500  # keys


class RedisRecords:
    """A RecordStore and a SessionIndex in Redis. Each method of a RecordStore is one round trip.

    A summary stands beside its record, with the same end. An index is a sorted set of the keys of records by
    their ends; what has ended leaves it at the next write, what was deleted at the next look.

    A command that is cancelled or out of time closes its connection: the answer that comes late is nobody's.

    Args:
        redis: the client, which `close` closes.
        limit: seconds for one command and all it waits for: a free connection, connecting, the answer.
        connections: how many commands may be under way at once; the others wait for one of them.
    """

    def __init__(self, redis: Client, *, limit: float, connections: int) -> None:
        self._redis = redis
        self._limit = limit
        # Not the pool's own bound, which refuses at once instead of waiting.
        self._slots = asyncio.Semaphore(connections)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        credentials: Credentials | None = None,
        limit: float = 2.0,
        connections: int = 32,
    ) -> Self:
        """Prepare a store; nothing is connected before the first command.

        Args:
            url: as `read_redis_url` reads it.
            credentials: what to show to Redis.
            limit: seconds for one command.
            connections: the most connections, for each process.

        Raises:
            ValueError: the URL cannot be read.
        """
        address = read_redis_url(url)
        given = credentials or Credentials()
        client = open_client(address, given, limit=limit, connections=connections)
        return cls(client, limit=limit, connections=connections)

    async def get(self, key: str) -> bytes | None:
        """Return the record; None when there is none or its lifetime has passed."""
        record = await self._ask(lambda: self._redis.get(key))
        return cast("bytes | None", record)  # text is for clients that were told to decode

    async def put(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> None:
        """Write a record, whatever was there, and what is listed of it; both end together."""
        await self._set(key, record, lifetime, listed, only_over=False)

    async def replace(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> bool:
        """Write a record over one that is still there; False, and nothing written, when none is.

        An index may then have a key too many, until it is looked at or its end has passed.
        """
        return await self._set(key, record, lifetime, listed, only_over=True)

    async def delete(self, key: str) -> None:
        """Delete a record, if there is one, and what is listed of it."""
        await self._ask(lambda: self._redis.delete(key, summary_key(key)))

    async def claim(self, key: str, *, lifetime: int) -> bool:
        """Take a key: True for one caller, False for every other until the lifetime has passed.

        If Redis took the key and its answer was lost, nobody is told True.
        """
        return bool(await self._ask(lambda: self._redis.set(key, b"", ex=lifetime, nx=True)))

    async def ping(self) -> None:
        """Make sure that the store answers and takes writes: one that is full or a replica does not."""
        await self._ask(lambda: self._redis.set(_PING_KEY, b"", ex=_PING_LIFETIME))

    async def find(self, indexes: Collection[str]) -> list[tuple[str, bytes]]:
        """Return the key and the sealed summary of each session that one of these names leads to."""
        looked_at = self._redis.pipeline(transaction=False)
        for index in indexes:
            looked_at.zrange(index, 0, -1)
        keys = {key.decode() for members in await self._ask(looked_at.execute) for key in members}
        there = await self._summaries(keys)
        if gone := keys - there.keys():
            cleaned = self._redis.pipeline(transaction=False)
            for index in indexes:
                cleaned.zrem(index, *gone)
            await self._ask(cleaned.execute)
        return list(there.items())

    async def every(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Go through the key of each session, with its sealed summary if it has one, in no order."""
        async for keys in self._pages():
            there = await self._summaries(keys)
            for key in keys:
                yield key, there.get(key)

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def _set(
        self, key: str, record: bytes, lifetime: int, listed: Listed | None, *, only_over: bool
    ) -> bool:
        if listed is None:
            return bool(await self._ask(lambda: self._redis.set(key, record, ex=lifetime, xx=only_over)))
        # No transaction: a Cluster has none over several nodes. Nobody is given the cookie of a new record
        # before all is written; over an old one, each part is written only if it is there.
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(key, record, ex=lifetime, xx=only_over)
        pipeline.set(summary_key(key), listed.summary, ex=lifetime, xx=only_over)
        for index in listed.indexes:
            pipeline.zadd(index, {key: listed.at + lifetime})
            pipeline.zremrangebyscore(index, "-inf", listed.at)
            pipeline.expire(index, max(listed.kept, lifetime))
        done, *_ = await self._ask(pipeline.execute)
        return bool(done)

    async def _summaries(self, keys: Collection[str]) -> dict[str, bytes]:
        """The sealed summaries of those sessions that have one, by their keys."""
        found: dict[str, bytes] = {}
        left = iter(keys)
        while page := list(islice(left, _PAGE_LENGTH)):
            pipeline = self._redis.pipeline(transaction=False)
            for key in page:
                pipeline.get(summary_key(key))
            answers = await self._ask(pipeline.execute)
            found |= {key: summary for key, summary in zip(page, answers, strict=True) if summary is not None}
        return found

    async def _pages(self) -> AsyncIterator[list[str]]:
        """The keys of all records, some at a time; each node of a Cluster is asked for its own."""
        if isinstance(self._redis, RedisCluster):
            await self._ask(self._redis.initialize)
            nodes: list[dict[str, Any]] = [{"target_nodes": node} for node in self._redis.get_primaries()]
        else:
            nodes = [{}]
        for node in nodes:
            cursor: Any = 0
            while True:
                scan = partial(self._redis.scan, cursor, match=RECORDS, count=_PAGE_LENGTH, **node)
                cursor, keys = cast("tuple[Any, list[bytes]]", await self._ask(scan))
                yield [key.decode() for key in dict.fromkeys(keys)]
                # A Cluster's client tells the cursors of all the nodes that were asked.
                cursor = next(iter(cursor.values())) if isinstance(cursor, dict) else cursor
                if cursor == 0:
                    break

    async def _ask(self, command: Callable[[], Awaitable[_T]]) -> _T:
        try:
            async with asyncio.timeout(self._limit), self._slots:
                return await command()
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            raise StoreError(Fault.STORE_UNREACHABLE, store="redis", cause=self._cause(error)) from error

    def _cause(self, error: Exception) -> str:
        match error:
            case TimeoutError():
                return f"no answer within {self._limit} seconds"
            case RedisConnectionError() if "pipeline" not in str(error):
                return str(error)
            case _:
                # What Redis says of a command may repeat its values.
                return type(error).__name__
