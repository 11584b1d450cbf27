"""Adapter: how commands reach Redis: in their turn, within their time, and not at all while it is away.

What the commands are is the affair of `sessions.redis_records`, making the client that of
`sessions.redis_client`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from redis.asyncio import RedisCluster
from redis.exceptions import ClusterDownError, MaxConnectionsError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.errors import Fault, StoreError
from gateway.sessions.circuit import Circuit
from gateway.sessions.redis_client import Client

_T = TypeVar("_T")

FAILURES: Final = (RedisError, RedisClusterException, OSError)
"""What the redis package raises; one family of its errors is not of the other."""

PING_KEY: Final = "gateway:ping"
"""A key that is written to see whether Redis takes writes, and read to see whether it is back."""


class RedisLink:
    """The way to Redis.

    A command that is cancelled or out of time closes its connection: the answer that comes late is nobody's.
    Once Redis is found away, commands fail at once until it is back; in a Cluster, those for a node that is.

    Args:
        client: the client, which `close` closes.
        limit: seconds for one command and all it waits for: a free connection, connecting, the answer.
        connections: how many commands may be under way at once; the others wait for one of them.
        told: of the error when Redis is found away, and None when it is back.
    """

    def __init__(
        self,
        client: Client,
        *,
        limit: float,
        connections: int,
        told: Callable[[StoreError | None], object],
    ) -> None:
        self.client = client
        self._limit = limit
        # Not the pool's own bound, which refuses at once instead of waiting.
        self._slots = asyncio.Semaphore(connections)
        self._told = told
        self._circuits: dict[str, Circuit] = {}

    async def ask(self, command: Callable[[], Awaitable[_T]], key: str | None = None) -> _T:
        """Send a command.

        Args:
            command: sends it through the client.
            key: the one that decides which node of a Cluster answers; None if several do.

        Raises:
            StoreError: Redis did not answer, or refused.
        """
        circuit = self._circuit(key)
        circuit.check()
        try:
            async with asyncio.timeout(self._limit) as limit:
                with circuit.waiting(limit):
                    async with self._slots:
                        return await command()
        except FAILURES as error:
            failed = self.unreachable(error)
            if _is_away(error):
                # What failed is what to look at again: of a Cluster, that slot.
                probe = partial(self._probe, PING_KEY if key is None else key)
                circuit.open(failed, probe, silent=isinstance(error, TimeoutError))
            raise failed from error

    def unreachable(self, error: Exception) -> StoreError:
        """What became of the redis package's error."""
        return StoreError(Fault.STORE_UNREACHABLE, store="redis", cause=self._cause(error))

    async def close(self) -> None:
        """Close every connection."""
        for circuit in self._circuits.values():
            await circuit.close()
        await self.client.aclose()

    async def _probe(self, key: str) -> None:
        try:
            async with asyncio.timeout(self._limit), self._slots:
                await self.client.get(key)
        except FAILURES as error:
            if _is_away(error):
                raise self.unreachable(error) from error

    def _circuit(self, key: str | None) -> Circuit:
        node = ""
        if key is not None and isinstance(self.client, RedisCluster):
            try:
                node = getattr(self.client.get_node_from_key(key), "name", "")
            except RedisClusterException:
                node = ""  # the client has no map of the slots
        if node not in self._circuits:
            self._circuits[node] = Circuit(self._told)
        return self._circuits[node]

    def _cause(self, error: Exception) -> str:
        match error:
            case TimeoutError():  # asyncio's, for the whole command
                return f"no answer within {self._limit} seconds"
            case RedisConnectionError() if "pipeline" not in str(error):
                return str(error)
            case _:
                # What Redis says of a command may repeat its values.
                return type(error).__name__


def _is_away(error: Exception) -> bool:
    """Whether Redis did not answer at all; a refusal is an answer."""
    match error:
        case MaxConnectionsError():
            return False
        case RedisConnectionError() | RedisTimeoutError() | ClusterDownError() | RedisClusterException():
            return True
        case _:
            return isinstance(error, OSError)  # as TimeoutError is
