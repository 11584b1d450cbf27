"""Adapter: records in Redis, or in anything that speaks its protocol.

Nothing here can read a record: it comes and goes sealed. `open` knows one Redis, over TCP, TLS or a Unix
socket; any other client of the redis package that has the same commands fits the constructor.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Self, TypeVar, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from gateway.errors import Fault, StoreError
from gateway.secret import Secret

_T = TypeVar("_T")

_PING_KEY: Final = "gateway:ping"
_PING_LIFETIME: Final = 60  # seconds
_URL_PARTS: Final = frozenset({"connection_class", "host", "port", "path", "db", "username", "password"})


class RedisRecords:
    """A RecordStore in Redis. Each method is one command, which Redis does whole or not at all.

    A command that is cancelled or out of time closes its connection: the answer that comes late is nobody's.

    Args:
        redis: the client, which `close` closes.
        limit: seconds for one command and all it waits for: a free connection, connecting, the answer.
        connections: how many commands may be under way at once; the others wait for one of them.
    """

    def __init__(self, redis: Redis, *, limit: float, connections: int) -> None:
        self._redis = redis
        self._limit = limit
        # Not the pool's own bound, which refuses at once instead of waiting.
        self._slots = asyncio.Semaphore(connections)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        password: Secret | None = None,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        limit: float = 2.0,
        connections: int = 32,
    ) -> Self:
        """Prepare a store; nothing is connected before the first command.

        Args:
            url: `redis://[user@]host[:port][/db]`, `rediss://` for TLS, or `unix:///path?db=0`.
            password: instead of one in the URL.
            ca_file: the authorities to trust beside the system's, for TLS.
            cert_file: the gateway's own certificate, where Redis asks for one.
            key_file: its key.
            limit: seconds for one command.
            connections: the most connections, for each process.

        Raises:
            ValueError: the URL is of another scheme, or says what it cannot.
        """
        options = _options(url)
        if password is not None:
            options["password"] = password.reveal()
        if options.get("connection_class") is SSLConnection:
            options |= {
                "ssl_ca_certs": _text(ca_file),
                "ssl_certfile": _text(cert_file),
                "ssl_keyfile": _text(key_file),
            }
        pool = ConnectionPool(
            max_connections=connections,
            # RESP2: nothing comes unasked, so that whatever waits on an idle connection is a reason to
            # close it.
            protocol=2,
            # `_ask` has the one limit; this one is for the goodbye to a connection that broke.
            socket_connect_timeout=limit,
            socket_timeout=None,
            # A connection that Redis closed while it was idle is only noticed when it is used.
            retry=Retry(NoBackoff(), 1),
            **options,
        )
        return cls(Redis.from_pool(pool), limit=limit, connections=connections)

    async def get(self, key: str) -> bytes | None:
        """Return the record; None when there is none or its lifetime has passed."""
        record = await self._ask(lambda: self._redis.get(key))
        return cast("bytes | None", record)  # text is for clients that were told to decode

    async def put(self, key: str, record: bytes, *, lifetime: int) -> None:
        """Write a record, whatever was there."""
        await self._ask(lambda: self._redis.set(key, record, ex=lifetime))

    async def replace(self, key: str, record: bytes, *, lifetime: int) -> bool:
        """Write a record over one that is still there; False, and nothing written, when none is."""
        return bool(await self._ask(lambda: self._redis.set(key, record, ex=lifetime, xx=True)))

    async def delete(self, key: str) -> None:
        """Delete a record, if there is one."""
        await self._ask(lambda: self._redis.delete(key))

    async def claim(self, key: str, *, lifetime: int) -> bool:
        """Take a key: True for one caller, False for every other until the lifetime has passed.

        If Redis took the key and its answer was lost, nobody is told True.
        """
        return bool(await self._ask(lambda: self._redis.set(key, b"", ex=lifetime, nx=True)))

    async def ping(self) -> None:
        """Make sure that the store answers and takes writes: one that is full or a replica does not."""
        await self._ask(lambda: self._redis.set(_PING_KEY, b"", ex=_PING_LIFETIME))

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

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
            case RedisConnectionError():
                return str(error)
            case _:
                # What Redis says of a command may repeat its values.
                return type(error).__name__


def _options(url: str) -> dict[str, Any]:
    """What a URL says of a connection. A fault repeats nothing of it: a password may stand anywhere."""
    try:
        options: dict[str, Any] = dict(parse_url(url))
        scheme, _, path, *_ = urlsplit(url)
    except ValueError:
        raise ValueError("not a redis://, rediss:// or unix:// URL") from None
    if scheme == "unix" and not path:
        raise ValueError("the path of a unix:// URL is the socket's")
    if scheme != "unix" and not re.fullmatch(r"/?[0-9]*", path):
        raise ValueError("the path of a Redis URL is the number of a database")
    if options.keys() - _URL_PARTS:
        raise ValueError("a Redis URL has no options beside db")
    return options


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
