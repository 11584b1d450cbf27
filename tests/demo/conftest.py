"""A demo provider with one client, for every test here that wants one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.demo.provider_keys import KeyPair
from tests.support.demo_provider import AtProvider, at_provider, registration


@pytest.fixture(scope="session")
def key_pair() -> KeyPair:
    """Made once: RSA keys take their time."""
    return KeyPair.generate()


@pytest.fixture
async def at(request: pytest.FixtureRequest, key_pair: KeyPair) -> AsyncIterator[AtProvider]:
    """A client registered with the defaults, or with the changes that the test is parametrized with."""
    changes: dict[str, Any] = getattr(request, "param", {})
    async with at_provider(key_pair, registration(**changes)) as ready:
        yield ready
