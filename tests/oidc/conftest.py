"""A scripted provider and a clock that stands still, for the adapters' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.support.honest import NOW
from tests.support.scripted_provider import ScriptedProvider


@dataclass(slots=True)
class Clock:
    """Unix seconds that pass when a test says so."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as provider:
        yield provider
