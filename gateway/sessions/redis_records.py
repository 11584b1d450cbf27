"""Adapter: records in Redis, or in anything that speaks its protocol.

Nothing here can read a record: it comes and goes sealed. How Redis is reached, be it one server, behind
Sentinels or a Cluster, is the affair of `sessions.redis_client`, what becomes of a command that of
`sessions.redis_link`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from functools import partial
from itertools import islice
from typing import Any, Final, Self, cast

from redis.asyncio import RedisCluster

from gateway.errors import StoreError
from gateway.sessions.keys import RECORDS, summary_key
from gateway.sessions.redis_channel import Subscription
from gateway.sessions.redis_client import Client, Credentials, open_client
from gateway.sessions.redis_link import FAILURES, PING_KEY, RedisLink
from gateway.sessions.redis_url import read_redis_url
from gateway.sessions.summary import Listed

_PING_LIFETIME: Final = 60  # seconds
_PAGE_LENGTH: Final = 500  # keys
_ENDINGS: Final = "gateway:endings"  # a channel; its messages are keys of records
_REPLACE: Final = """
if redis.call("GETRANGE", KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2], "EX", ARGV[3])
return 1
"""


class RedisRecords:
    """A RecordStore and a SessionIndex in Redis. Each method of a RecordStore is one round trip.

    A summary stands beside its record, with the same end. An index is a sorted set of the keys of records by
    their ends; what has ended leaves it at the next write, what was deleted at the next look.

    Args:
        link: the way to Redis, which `close` closes.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._redis: Client = link.client

    @classmethod
    def open(
        cls,
        url: str,
        *,
        credentials: Credentials | None = None,
        limit: float = 2.0,
        connections: int = 32,
        told: Callable[[StoreError | None], object] = lambda _: None,
    ) -> Self:
        """Prepare a store; nothing is connected before the first command.

        Args:
            url: as `read_redis_url` reads it.
            credentials: what to show to Redis.
            limit: seconds for one command.
            connections: the most connections, for each process.
            told: of the error when Redis is found away, and None when it is back.

        Raises:
            ValueError: the URL cannot be read.
        """
        address = read_redis_url(url)
        given = credentials or Credentials()
        client = open_client(address, given, limit=limit, connections=connections)
        return cls(RedisLink(client, limit=limit, connections=connections, told=told))

    async def get(self, key: str) -> bytes | None:
        """Return the record; None when there is none or its lifetime has passed."""
        record = await self._link.ask(lambda: self._redis.get(key), key)
        return cast("bytes | None", record)  # text is for clients that were told to decode

    async def put(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> None:
        """Write a record, whatever was there, and what is listed of it; both end together."""
        await self._set(key, record, lifetime, listed, only_over=False)

    async def replace(
        self,
        key: str,
        record: bytes,
        *,
        lifetime: int,
        listed: Listed | None = None,
        over: bytes | None = None,
    ) -> bool:
        """Write a record over one that is still there and begins with `over`; False when none is.

        An index may then have a key too many, until it is looked at or its end has passed.
        """
        return await self._set(key, record, lifetime, listed, only_over=True, begins=over)

    async def delete(self, key: str) -> None:
        """Delete a record, if there is one, and what is listed of it, and tell every gateway."""
        if isinstance(self._redis, RedisCluster):
            # The node that tells is another one than the node that deletes: it must not be the first.
            await self._link.ask(lambda: self._redis.delete(key, summary_key(key)), key)
            await self._link.ask(lambda: self._redis.publish(_ENDINGS, key))
            return
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.delete(key, summary_key(key))
        pipeline.publish(_ENDINGS, key)
        await self._link.ask(pipeline.execute, key)

    async def claim(self, key: str, *, lifetime: int, record: bytes = b"") -> bool:
        """Take a key: True for one caller, False for every other until the lifetime has passed.

        If Redis took the key and its answer was lost, nobody is told True.
        """
        return bool(await self._link.ask(lambda: self._redis.set(key, record, ex=lifetime, nx=True), key))

    async def endings(self) -> AsyncGenerator[str | None]:
        """Hear of each record that is deleted from now on, by whichever process; see RecordStore."""
        heard = await self._link.ask(lambda: Subscription.subscribe(self._redis, _ENDINGS))
        try:
            yield None
            while True:
                yield await heard.next()
        except FAILURES as error:
            raise self._link.unreachable(error) from error
        finally:
            await heard.close()

    async def ping(self) -> None:
        """Make sure that the store answers, and takes writes and messages; one that is full does not."""
        await self._link.ask(lambda: self._redis.set(PING_KEY, b"", ex=_PING_LIFETIME), PING_KEY)
        await self._link.ask(lambda: self._redis.publish(_ENDINGS, ""))

    async def find(self, indexes: Collection[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Go through the key and the sealed summary of each session that one of these names leads to."""
        told: set[str] = set()
        for index in indexes:
            async for keys in self._members(index):
                fresh = [key for key in keys if key not in told]
                told.update(fresh)
                there = await self._summaries(fresh)
                if gone := [key for key in fresh if key not in there]:
                    await self._link.ask(partial(self._redis.zrem, index, *gone), index)
                for key, summary in there.items():
                    yield key, summary

    async def every(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Go through the key of each session, with its sealed summary if it has one, in no order."""
        async for keys in self._pages():
            there = await self._summaries(keys)
            for key in keys:
                yield key, there.get(key)

    async def close(self) -> None:
        """Close every connection."""
        await self._link.close()

    async def _set(
        self,
        key: str,
        record: bytes,
        lifetime: int,
        listed: Listed | None,
        *,
        only_over: bool,
        begins: bytes | None = None,
    ) -> bool:
        # No transaction: a Cluster has none over several nodes. Nobody is given the cookie of a new record
        # before all is written; over an old one, each part is written only if it is there.
        pipeline = self._redis.pipeline(transaction=False)
        if begins is None:
            pipeline.set(key, record, ex=lifetime, xx=only_over)
        else:
            pipeline.eval(_REPLACE, 1, key, begins, record, lifetime)
        if listed is not None:
            pipeline.set(summary_key(key), listed.summary, ex=lifetime, xx=only_over)
            for index in listed.indexes:
                pipeline.zadd(index, {key: listed.at + lifetime})
                pipeline.zremrangebyscore(index, "-inf", listed.at)
                pipeline.expire(index, max(listed.kept, lifetime))
        done, *_ = await self._link.ask(pipeline.execute, key)
        return bool(done)

    async def _summaries(self, keys: Collection[str]) -> dict[str, bytes]:
        """The sealed summaries of those sessions that have one, by their keys."""
        found: dict[str, bytes] = {}
        left = iter(keys)
        while page := list(islice(left, _PAGE_LENGTH)):
            pipeline = self._redis.pipeline(transaction=False)
            for key in page:
                pipeline.get(summary_key(key))
            answers = await self._link.ask(pipeline.execute)
            found |= {key: summary for key, summary in zip(page, answers, strict=True) if summary is not None}
        return found

    async def _members(self, index: str) -> AsyncIterator[list[str]]:
        """The keys of records that a name leads to, some at a time."""
        cursor = 0
        while True:
            scan = partial(self._redis.zscan, index, cursor, count=_PAGE_LENGTH)
            cursor, members = cast("tuple[int, list[tuple[bytes, float]]]", await self._link.ask(scan, index))
            yield [key.decode() for key in dict.fromkeys(key for key, _ in members)]
            if cursor == 0:
                break

    async def _pages(self) -> AsyncIterator[list[str]]:
        """The keys of all records, some at a time; each node of a Cluster is asked for its own."""
        if isinstance(self._redis, RedisCluster):
            await self._link.ask(self._redis.initialize)
            nodes: list[dict[str, Any]] = [{"target_nodes": node} for node in self._redis.get_primaries()]
        else:
            nodes = [{}]
        for node in nodes:
            cursor: Any = 0
            while True:
                scan = partial(self._redis.scan, cursor, match=RECORDS, count=_PAGE_LENGTH, **node)
                cursor, keys = cast("tuple[Any, list[bytes]]", await self._link.ask(scan))
                yield [key.decode() for key in dict.fromkeys(keys)]
                # A Cluster's client tells the cursors of all the nodes that were asked.
                cursor = next(iter(cursor.values())) if isinstance(cursor, dict) else cursor
                if cursor == 0:
                    break
