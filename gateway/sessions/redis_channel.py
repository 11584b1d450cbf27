"""Adapter: what is published on a channel of Redis, heard without a gap or not at all.

The redis package's own subscriptions connect again by themselves, and what was published meanwhile is missed
unnoticed. Here a connection that breaks ends the hearing.
"""

from __future__ import annotations

from typing import Any, Final, cast

from redis.asyncio import RedisCluster
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway.sessions.redis_client import Client

PULSE: Final = 1.0
"""Seconds of silence after which Redis is asked whether it is there, and in which it has to answer."""


class Subscription:
    """One connection that hears one channel. Made by `subscribe`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def subscribe(cls, client: Client, channel: str) -> Subscription:
        """Connect, and hear what is published on the channel from now on, at any node of a Cluster.

        Raises:
            RedisError: as the redis package has them; also OSError.
        """
        connection = await _new_connection(client)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("SUBSCRIBE", channel)
            await connection.read_response()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return cls(connection)

    async def next(self) -> str:
        """Wait for the next message.

        Raises:
            RedisError: messages may have been missed; also OSError.
        """
        asked = False
        while True:
            answer = await self._connection.read_response(timeout=PULSE)
            if answer is None and asked:
                raise RedisConnectionError(f"silent for {2 * PULSE} seconds")
            if answer is None:
                await self._connection.send_command("PING")
                asked = True
            elif answer[0] == b"message":
                return cast("bytes", answer[2]).decode()
            else:
                asked = False

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.disconnect(nowait=True)


async def _new_connection(client: Client) -> Connection:
    """A connection beside those that commands wait for."""
    if isinstance(client, RedisCluster):
        await client.initialize()
        node: Any = client.get_random_node()
        return cast("Connection", node.connection_class(**node.connection_kwargs))
    return cast("Connection", client.connection_pool.make_connection())  # type: ignore[no-untyped-call]
