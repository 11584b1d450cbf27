from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.stores import Backend, File, Memory, RealRedis


@pytest.fixture(params=["memory", "file", pytest.param("redis", marks=pytest.mark.real)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    match request.param:
        case "memory":
            return Memory()
        case "file":
            return File(tmp_path)
        case _:
            return RealRedis(request.getfixturevalue("redis_server"))


@pytest.fixture
async def stores(backend: Backend) -> Any:
    opened = await backend.open()
    yield opened
    for store in opened:
        await store.close()
