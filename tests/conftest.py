"""The real parts, as fixtures. A program that is not installed is a failure, never a skipped test.

A test that uses one of them, other than `http_browser`, carries the mark `real`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser

from tests.support.browser import running_chromium
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import ENGINES, NodeTooOldError, OIDCEngine
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    """One redis-server for the whole run; ask for `redis_server` instead."""
    with RedisServer(unix_socket=True) as server:
        yield server


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    """A redis-server that runs and is empty; a test may stop or pause it."""
    redis_process.flush()
    return redis_process


@pytest.fixture(scope="session", params=ENGINES, ids="oidc-provider-{}".format)
def oidc_engine(request: pytest.FixtureRequest) -> Iterator[OIDCEngine]:
    """Each engine in turn; a test registers its own redirect URIs with `register`.

    For one engine only: `@pytest.mark.parametrize("oidc_engine", [7], indirect=True)`.
    """
    engine = OIDCEngine(request.param)
    try:
        engine.start()
    except NodeTooOldError as error:
        # Debian's own Node runs the version that ProConnect runs, and not the newest.
        pytest.skip(str(error))
    yield engine
    engine.stop()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium for this test alone, in the test's own event loop."""
    async with running_chromium() as browser:
        yield browser


@pytest.fixture
async def http_browser() -> AsyncIterator[HTTPBrowser]:
    """A browser without scripts and without cookies."""
    async with HTTPBrowser() as browser:
        yield browser
