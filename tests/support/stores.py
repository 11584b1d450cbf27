"""Each kind of session store, as gateways open it, and how time passes there."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

from redis import Redis

from gateway.sessions.redis_records import RedisRecords
from gateway.sessions.sqlite_records import SqliteRecords
from gateway.sessions.store import SessionStore
from tests.support.redis_server import RedisServer


class Backend(Protocol):
    """A kind of store: how gateways open it, and how time passes there."""

    async def open(self) -> list[SessionStore]:
        """An empty store, as each of its gateways holds it."""

    def pass_time(self, seconds: int) -> None:
        """Lets each record be that much older."""


@dataclass
class Memory:
    """SQLite in memory: one gateway, and the clock is given."""

    now: int = 1_000_000

    async def open(self) -> list[SessionStore]:
        return [await SqliteRecords.open(None, clock=lambda: self.now)]

    def pass_time(self, seconds: int) -> None:
        self.now += seconds


@dataclass
class File:
    """A SQLite file: two gateways, and the clock is given."""

    folder: Path
    now: int = 1_000_000
    _names: count[int] = field(default_factory=count)

    async def open(self) -> list[SessionStore]:
        path = self.folder / f"{next(self._names)}.db"
        return [await SqliteRecords.open(path, clock=lambda: self.now) for _ in range(2)]

    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    def dump(self) -> bytes:
        """Every octet that is on the disk."""
        return b"".join(path.read_bytes() for path in self.folder.iterdir())


@dataclass
class RealRedis:
    """A redis-server: two gateways, and the clock is the server's, so the records' ends are moved instead."""

    server: RedisServer

    async def open(self) -> list[SessionStore]:
        self.server.flush()
        return [RedisRecords.open(self.server.url) for _ in range(2)]

    def pass_time(self, seconds: int) -> None:
        with Redis(port=self.server.port) as redis:
            for key in redis.scan_iter():
                left = redis.pttl(key)
                assert left > 0, "a record without an end"
                redis.pexpire(key, left - seconds * 1_000)

    def dump(self) -> bytes:
        """The dump that Redis writes of itself."""
        with Redis(port=self.server.port, decode_responses=True) as client:
            client.config_set("rdbcompression", "no")
            client.save()
            found = client.config_get("dir", "dbfilename")
        return Path(found["dir"], found["dbfilename"]).read_bytes()
