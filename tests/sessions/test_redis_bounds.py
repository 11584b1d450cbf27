"""How long Redis may take and how many connections there are, as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis

from gateway.adapters import open_records
from gateway.errors import StoreError
from gateway.sessions.store import SessionStore
from gateway.settings.load import load
from tests.support.gateway import Wanted
from tests.support.oidc_engine import CLIENTS
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.real


@asynccontextmanager
async def opened(server: RedisServer, folder: Path, bound: str) -> AsyncIterator[SessionStore]:
    """A store as settings with one bound open it."""
    wanted = Wanted(
        issuer="http://localhost:1/api/v2",
        client=CLIENTS["RS256"],
        upstream="http://127.0.0.1:1",
        store=server.url,
        sessions=bound,
    )
    path = folder / "gateway.toml"
    path.write_text(wanted.toml(url="http://localhost:8080", front="127.0.0.1:0", observe="127.0.0.1:0"))
    store = await open_records(load(path, {}))
    yield store
    await store.close()


async def test_a_command_may_take_as_long_as_the_settings_say(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with opened(redis_server, tmp_path, 'store_timeout = "1s"') as store:
        await store.ping()
        redis_server.pause()
        try:
            with pytest.raises(StoreError) as failed:
                await store.get("gateway:session:{of nobody}")
        finally:
            redis_server.resume()
    assert failed.value.facts["cause"] == "no answer within 1 seconds"


@pytest.mark.parametrize("most", [1, 3])
async def test_there_are_as_many_connections_as_the_settings_say(
    redis_server: RedisServer, tmp_path: Path, most: int
) -> None:
    async with opened(redis_server, tmp_path, f"store_connections = {most}") as store:
        with Redis(port=redis_server.port) as redis:
            before = redis.info("stats")["total_connections_received"]
            await asyncio.gather(*(store.get(f"gateway:session:{{of {n}}}") for n in range(100)))
            assert redis.info("stats")["total_connections_received"] - before == most
