"""Several real redis-servers that are one store: a master that Sentinels watch over, and a Cluster."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import ReadOnlyError, RedisError

from tests.support.processes import LOOPBACK, Program, find_program, free_port
from tests.support.redis_server import RedisServer

MASTER_NAME: Final = "gateway"
PASSWORD: Final = "password of the redis-servers"
SENTINEL_PASSWORD: Final = "password of the Sentinels"
READY_WITHIN: Final = 30.0
POLL_SECONDS: Final = 0.05
SLOTS: Final = 16_384


def until(is_so: Callable[[], bool], what: str) -> None:
    """Return once something is so; a server that does not answer yet is asked again.

    Raises:
        TimeoutError: it takes too long.
    """
    deadline = time.monotonic() + READY_WITHIN
    while True:
        with suppress(RedisError, OSError):
            if is_so():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(POLL_SECONDS)


def _ask(redis: Redis, *words: str | int) -> Any:
    return redis.execute_command(*words)  # type: ignore[no-untyped-call]


class SentinelGroup:
    """A master, a replica and three Sentinels, each with a password.

    Args:
        servers: the two redis-servers; which is the master, the Sentinels know.
        ports: those of the Sentinels.
    """

    def __init__(self, servers: tuple[RedisServer, RedisServer], ports: list[int]) -> None:
        self.servers = servers
        self.ports = ports

    @property
    def url(self) -> str:
        """The group's address, as `sessions.store` takes it."""
        return f"redis+sentinel://{','.join(f'{LOOPBACK}:{port}' for port in self.ports)}/{MASTER_NAME}/0"

    def master(self) -> RedisServer:
        """Whom the Sentinels call the master."""
        with Redis(port=self.ports[0], password=SENTINEL_PASSWORD) as sentinel:
            _, port = sentinel.sentinel_get_master_addr_by_name(MASTER_NAME)
        return next(server for server in self.servers if server.port == int(port))

    def whole(self) -> None:
        """Return once the master has its replica again, and every Sentinel knows of all others."""
        for server in self.servers:
            server.start()
            if server is not self.master():
                # The Sentinels would do it too, in their own time.
                with Redis(port=server.port, password=PASSWORD) as redis:
                    redis.replicaof(LOOPBACK, str(self.master().port))
        until(self._is_whole, "the Sentinels find no master with a replica")

    def flush(self) -> None:
        """Forget every record."""
        self.whole()
        with Redis(port=self.master().port, password=PASSWORD) as redis:
            redis.flushall()

    def promoted(self) -> None:
        """Return once a server that runs is the master."""
        until(lambda: bool(self._info(self.master(), "role") == "master"), "the Sentinels promote nobody")

    def _is_whole(self) -> bool:
        for port in self.ports:
            with Redis(port=port, password=SENTINEL_PASSWORD) as sentinel:
                state = sentinel.sentinel_master(MASTER_NAME)
            if state["num-slaves"] != 1 or state["num-other-sentinels"] != len(self.ports) - 1:
                return False
        replica = next(server for server in self.servers if server is not self.master())
        return bool(self._info(replica, "master_link_status") == "up")

    def _info(self, server: RedisServer, name: str) -> object:
        with Redis(port=server.port, password=PASSWORD, decode_responses=True) as redis:
            return redis.info("replication").get(name)


@contextmanager
def sentinel_group() -> Iterator[SentinelGroup]:
    """Run a group until the block ends."""
    guarded = ("--requirepass", PASSWORD, "--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0")
    with ExitStack() as stack:
        master = stack.enter_context(RedisServer(*guarded))
        replica = stack.enter_context(RedisServer(*guarded, "--replicaof", f"{LOOPBACK} {master.port}"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sentinels-")))
        ports = [free_port() for _ in range(3)]
        for port in ports:
            stack.enter_context(_sentinel(folder / f"{port}.conf", port, master))
        group = SentinelGroup((master, replica), ports)
        group.whole()
        yield group


def _sentinel(settings: Path, port: int, master: RedisServer) -> Program:
    settings.write_text(
        f"""
        bind {LOOPBACK}
        port {port}
        requirepass "{SENTINEL_PASSWORD}"
        sentinel sentinel-pass "{SENTINEL_PASSWORD}"
        sentinel monitor {MASTER_NAME} {LOOPBACK} {master.port} 2
        sentinel auth-pass {MASTER_NAME} "{PASSWORD}"
        sentinel down-after-milliseconds {MASTER_NAME} 500
        sentinel failover-timeout {MASTER_NAME} 3000
        """
    )
    server = find_program("redis-server", package="redis-server")
    program = Program([server, str(settings), "--sentinel"], cwd=settings.parent)
    program.wait_for_port(port)
    return program


class ClusterGroup:
    """Three primaries and a replica of each.

    Args:
        servers: the six redis-servers; the first three began as primaries.
    """

    def __init__(self, servers: list[RedisServer]) -> None:
        self.servers = servers

    @property
    def url(self) -> str:
        """The Cluster's address, as `sessions.store` takes it: some of its nodes."""
        return f"redis+cluster://{','.join(f'{LOOPBACK}:{server.port}' for server in self.servers[:3])}"

    def owner(self, key: str) -> RedisServer:
        """The primary that has a key's slot."""
        with self._any() as redis:
            slot = _ask(redis, "CLUSTER", "KEYSLOT", key)
            owners = _ask(redis, "CLUSTER", "SLOTS")
        port = next(primary[1] for first, last, primary, *_ in owners if first <= slot <= last)
        return next(server for server in self.servers if server.port == port)

    def whole(self) -> None:
        """Return once every node runs, and all agree that each slot is served and has a replica."""
        for server in self.servers:
            server.start()
        until(lambda: all(map(self._sees_all, self.servers)), "the Cluster does not come together")

    def serves_without(self, lost: RedisServer) -> None:
        """Return once all nodes but one agree that every slot is served, and by none but them."""
        left = [server for server in self.servers if server is not lost]
        until(
            lambda: all(
                self._serves_all(server) and lost.port not in self._primaries(server) for server in left
            ),
            "no replica takes over",
        )

    def move_slot(self, key: str) -> Iterator[None]:
        """Move a key's slot, with what is in it, to another primary; stop where the slot is in two places."""
        source = self.owner(key)
        target = next(server for server in map(self.owner, ("a", "b", "c", "d")) if server is not source)
        with Redis(port=source.port) as from_, Redis(port=target.port) as to:
            slot = _ask(from_, "CLUSTER", "KEYSLOT", key)
            ids = [_ask(each, "CLUSTER", "MYID") for each in (from_, to)]
            _ask(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
            _ask(from_, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
            yield
            while keys := _ask(from_, "CLUSTER", "GETKEYSINSLOT", slot, 100):
                _ask(from_, "MIGRATE", LOOPBACK, target.port, "", 0, 5_000, "KEYS", *keys)
            yield
            for each in (to, from_):
                _ask(each, "CLUSTER", "SETSLOT", slot, "NODE", ids[1])

    def flush(self) -> None:
        """Forget every record."""
        self.whole()
        for server in self.servers:
            with Redis(port=server.port) as redis, suppress(ReadOnlyError):
                redis.flushall()

    def _sees_all(self, server: RedisServer) -> bool:
        with Redis(port=server.port, decode_responses=True) as redis:
            owners = _ask(redis, "CLUSTER", "SLOTS")
        # Each entry is a range, its primary and that one's replicas.
        return self._serves_all(server) and all(len(nodes) == 2 for _, _, *nodes in owners)

    def _primaries(self, server: RedisServer) -> set[int]:
        with Redis(port=server.port) as redis:
            return {primary[1] for _, _, primary, *_ in _ask(redis, "CLUSTER", "SLOTS")}

    def _serves_all(self, server: RedisServer) -> bool:
        with Redis(port=server.port, decode_responses=True) as redis:
            return "cluster_state:ok" in _ask(redis, "CLUSTER", "INFO")

    def _any(self) -> Redis:
        return Redis(port=next(server.port for server in self.servers if server.running))


@contextmanager
def cluster_group() -> Iterator[ClusterGroup]:
    """Run a Cluster until the block ends."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                RedisServer(
                    *("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
                    *("--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"),
                )
            )
            for _ in range(6)
        ]
        group = ClusterGroup(servers)
        _bring_together(servers)
        group.whole()
        yield group


def _bring_together(servers: list[RedisServer]) -> None:
    primaries = len(servers) // 2
    share = SLOTS // primaries + 1
    nodes = [Redis(port=server.port, decode_responses=True) for server in servers]
    ids = [_ask(node, "CLUSTER", "MYID") for node in nodes]
    for number, node in enumerate(nodes[:primaries]):
        last = min((number + 1) * share, SLOTS) - 1
        _ask(node, "CLUSTER", "ADDSLOTSRANGE", number * share, last)
        _ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for node in nodes[1:]:
        bus = str(nodes[0].config_get("cluster-port")["cluster-port"])
        _ask(node, "CLUSTER", "MEET", LOOPBACK, servers[0].port, bus)
    for node, of in zip(nodes[primaries:], ids, strict=False):
        known = partial(_knows, node, of)
        until(known, "the nodes do not meet")
        _ask(node, "CLUSTER", "REPLICATE", of)
    for node in nodes:
        node.close()


def _knows(node: Redis, identifier: str) -> bool:
    return identifier in _ask(node, "CLUSTER", "NODES")
