from __future__ import annotations

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.real


def client(server: RedisServer) -> Redis:
    return Redis.from_url(server.url, socket_timeout=0.5, retry=Retry(NoBackoff(), 0))


async def test_it_answers_ping(redis_server: RedisServer) -> None:
    async with client(redis_server) as redis:
        assert await redis.ping()


async def test_it_answers_ping_on_its_unix_socket(redis_server: RedisServer) -> None:
    async with Redis(unix_socket_path=str(redis_server.unix_path)) as redis:
        assert await redis.ping()


@pytest.mark.parametrize("name", ["first", "second"])
async def test_each_test_finds_it_empty(redis_server: RedisServer, name: str) -> None:
    async with client(redis_server) as redis:
        assert await redis.dbsize() == 0
        await redis.set(name, "kept by the other test?")


async def test_paused_it_accepts_connections_and_answers_nothing(redis_server: RedisServer) -> None:
    async with client(redis_server) as redis:
        redis_server.pause()
        with pytest.raises(RedisTimeoutError):
            await redis.ping()
        redis_server.resume()
        assert await redis.ping()


async def test_stopped_it_refuses_and_started_again_it_has_the_same_address(
    redis_server: RedisServer,
) -> None:
    before = redis_server.url
    redis_server.stop()
    async with client(redis_server) as redis:
        with pytest.raises(RedisConnectionError):
            await redis.ping()
        redis_server.start()
        assert await redis.ping()
    assert redis_server.url == before


async def test_a_server_left_paused_by_one_test_answers_in_the_next(redis_process: RedisServer) -> None:
    redis_process.pause()
    redis_process.flush()
    async with client(redis_process) as redis:
        assert await redis.ping()


def test_settings_reach_the_server() -> None:
    with RedisServer("--maxmemory", "10mb") as server, SyncRedis.from_url(server.url) as own:
        assert own.config_get("maxmemory") == {"maxmemory": "10485760"}
