"""Adapter: a client of the redis package for each form of Redis, set up so that it waits for no dead server.

What is kept there is the affair of `sessions.redis_records`, the time of a whole command that of
`sessions.redis_link`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, assert_never

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import (
    Connection,
    ConnectionPool,
    RedisSSLContext,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelManagedSSLConnection
from redis.backoff import NoBackoff

from gateway.secret import Secret
from gateway.sessions.redis_url import OneRedis, RedisAddress, RedisNodes, RedisSentinel, RedisSocket

Client: TypeAlias = Redis | RedisCluster

_CLUSTER_ATTEMPTS: Final = 2  # after the first; each with the nodes' newest map of the slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who the gateway is to Redis, and whom it trusts.

    Args:
        password: of the URL's user, or of the default one.
        sentinel_password: of the Sentinels, if they ask for one.
        ca_file: the authorities to trust beside the system's, for TLS.
        cert_file: the gateway's own certificate, where Redis asks for one.
        key_file: its key.
    """

    password: Secret | None = None
    sentinel_password: Secret | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def login(self, user: str | None) -> dict[str, Any]:
        """The redis package's options for a user."""
        return {"username": user, "password": _revealed(self.password)}

    def tls(self) -> dict[str, Any]:
        """The redis package's options for TLS."""
        return {
            "ssl_ca_certs": _text(self.ca_file),
            "ssl_certfile": _text(self.cert_file),
            "ssl_keyfile": _text(self.key_file),
        }

    def context(self) -> RedisSSLContext:
        """The same for many connections."""
        return RedisSSLContext(
            keyfile=_text(self.key_file),
            certfile=_text(self.cert_file),
            cert_reqs="required",
            ca_certs=_text(self.ca_file),
            check_hostname=True,
        )


def open_client(address: RedisAddress, credentials: Credentials, *, limit: float, connections: int) -> Client:
    """Prepare a client; nothing is connected before the first command.

    Args:
        address: where Redis is.
        credentials: what to show there.
        limit: seconds that a command may take as a whole; what is waited for on its way gets a part of it.
        connections: the most connections, to each node.
    """
    match address:
        case OneRedis():
            one: dict[str, Any] = {"host": address.address.host, "port": address.address.port}
            if address.tls:
                one["context"] = credentials.context()
            kind = _TLSConnection if address.tls else Connection
            return _pooled(kind, one | credentials.login(address.user), address.db, limit, connections)
        case RedisSocket():
            options = {"path": address.path, **credentials.login(None)}
            return _pooled(UnixDomainSocketConnection, options, address.db, limit, connections)
        case RedisSentinel():
            return _master(address, credentials, limit, connections)
        case RedisNodes():
            return _cluster(address, credentials, limit, connections)
        case other:
            assert_never(other)


def _pooled(kind: type[Any], options: dict[str, Any], db: int, limit: float, connections: int) -> Redis:
    shared = _shared(limit) | {"socket_connect_timeout": limit}
    pool = ConnectionPool(connection_class=kind, max_connections=connections, db=db, **shared, **options)
    return Redis.from_pool(pool)


def _master(address: RedisSentinel, credentials: Credentials, limit: float, connections: int) -> Redis:
    """A client whose every new connection goes to whom the Sentinels call the master then."""
    tls = {"ssl": True, **credentials.tls()} if address.tls else {}
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        [(sentinel.host, sentinel.port) for sentinel in address.sentinels],
        # A Sentinel that is away is passed over, in time to ask another one.
        sentinel_kwargs={
            "protocol": 2,
            "password": _revealed(credentials.sentinel_password),
            "socket_connect_timeout": limit / 4,
            "socket_timeout": limit / 4,
            "retry": Retry(NoBackoff(), 0),
            **tls,
        },
    )
    shared: dict[str, Any] = (
        {"connection_class": _MasterTLSConnection, "context": credentials.context()} if tls else {}
    )
    client: Redis = sentinels.master_for(
        address.name,
        redis_class=_MasterOfSentinels,
        max_connections=connections,
        db=address.db,
        **_shared(limit),
        **credentials.login(address.user),
        **shared,
    )
    return client


class _TLSConnection(SSLConnection):
    """Has its TLS context in common with others.

    A context of its own would read all the system's authorities anew, and let everybody wait meanwhile.
    """

    def __init__(self, *, context: RedisSSLContext, **options: Any) -> None:  # noqa: ANN401 - the package's
        super().__init__(**options)
        self.ssl_context = context


class _MasterTLSConnection(_TLSConnection, SentinelManagedSSLConnection):
    """The same, to whom the Sentinels call the master."""


class _MasterOfSentinels(Redis):
    """Closes the connections to the Sentinels too."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 - the interface's
        await super().aclose(close_connection_pool)
        await self.connection_pool.sentinel_manager.aclose()  # type: ignore[attr-defined]


def _cluster(address: RedisNodes, credentials: Credentials, limit: float, connections: int) -> RedisCluster:
    shared = _shared(limit) | {"retry": Retry(NoBackoff(), _CLUSTER_ATTEMPTS)}
    # A node that accepts and says nothing must be given up in time to ask the others who has its slots now.
    shared |= {"socket_connect_timeout": limit / 4, "socket_timeout": limit / 2}
    return RedisCluster(
        startup_nodes=[ClusterNode(node.host, node.port) for node in address.nodes],
        # The client refuses at once what is over its bound; the commands under way have one of their own.
        max_connections=2 * connections,
        **shared,
        **credentials.login(address.user),
        **({"ssl": True, **credentials.tls()} if address.tls else {}),
    )


def _shared(limit: float) -> dict[str, Any]:
    return {
        # RESP2: nothing comes unasked, so that whatever waits on an idle connection is a reason to close it.
        "protocol": 2,
        "socket_connect_timeout": limit / 4,
        "socket_timeout": None,
        # Telling Redis the package's name would cost a new connection a round trip.
        "driver_info": None,
        # A connection that Redis closed while it was idle is only noticed when it is used.
        "retry": Retry(NoBackoff(), 1),
    }


def _revealed(secret: Secret | None) -> str | None:
    return secret.reveal() if secret else None


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
