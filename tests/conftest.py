"""The real parts, as fixtures. A program that is not installed is a failure, never a skipped test.

A test that uses one of them, other than `http_browser`, carries the mark `real`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser
from structlog.testing import capture_logs

from gateway.demo.run import USUAL_PORTS, Demo, running_demo
from tests.support import hostile_report
from tests.support.browser import running_chromium
from tests.support.hostile_report import pytest_collection_modifyitems
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import ENGINES, NodeTooOldError, OIDCEngine
from tests.support.person import Person, sitting_at
from tests.support.redis_groups import ClusterGroup, SentinelGroup, cluster_group, sentinel_group
from tests.support.redis_server import RedisServer
from tests.support.stage import Stage, stage

__all__ = ["pytest_collection_modifyitems", "pytest_terminal_summary"]

# How fast a case is made and judged says how busy the machine is, and nothing about the case.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


STORE_FAULT = "store fault"
"""The property under which a test tells what a fault of the store looked like."""


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


@pytest.fixture(scope="session")
def sentinel_processes() -> Iterator[SentinelGroup]:
    """Two redis-servers and three Sentinels for the whole run; ask for `sentinels` instead."""
    with sentinel_group() as group:
        yield group


@pytest.fixture
def sentinels(sentinel_processes: SentinelGroup) -> SentinelGroup:
    """A master with a replica, watched over by three Sentinels, and empty; a test may fail it over."""
    sentinel_processes.flush()
    return sentinel_processes


@pytest.fixture(scope="session")
def cluster_processes() -> Iterator[ClusterGroup]:
    """Six redis-servers for the whole run; ask for `redis_cluster` instead."""
    with cluster_group() as group:
        yield group


@pytest.fixture
def redis_cluster(cluster_processes: ClusterGroup) -> ClusterGroup:
    """A Cluster that is whole and empty; a test may stop its nodes and move its slots."""
    cluster_processes.flush()
    return cluster_processes


@pytest.fixture(scope="session", params=ENGINES, ids="oidc-provider-{}".format)
def oidc_engine(request: pytest.FixtureRequest) -> Iterator[OIDCEngine]:
    """Each engine in turn; a test registers its own redirect URIs with `register`.

    For one engine only: `@pytest.mark.parametrize("oidc_engine", [7], indirect=True)`.
    """
    yield from _running(OIDCEngine(request.param))


@pytest.fixture(scope="session", params=ENGINES, ids="strict-oidc-provider-{}".format)
def strict_engine(request: pytest.FixtureRequest) -> Iterator[OIDCEngine]:
    """Each engine as a provider that is not ProConnect; its issuer ends with a slash."""
    yield from _running(OIDCEngine(request.param, strict=True, path="/realms/agents/"))


def _running(engine: OIDCEngine) -> Iterator[OIDCEngine]:
    try:
        engine.start()
    except NodeTooOldError as error:
        # Debian's own Node runs the version that ProConnect runs, and not the newest.
        pytest.skip(str(error))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def on_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage of the hostile cases, set once; play a case with `scene`."""
    from tests.cases.issuers import ISSUERS  # noqa: PLC0415 - makes keys, which take their time

    with stage(ISSUERS, tmp_path_factory.mktemp("stage")) as playing:
        yield playing


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium for this test alone, in the test's own event loop."""
    async with running_chromium() as browser:
        yield browser


@pytest.fixture
async def person(chromium: Browser) -> AsyncIterator[Person]:
    """Somebody in front of that Chromium, who hears its complaints."""
    async with sitting_at(chromium) as somebody:
        yield somebody


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """The demo at free ports, to which nothing unexpected happens."""
    with capture_logs() as lines:
        async with running_demo(dict.fromkeys(USUAL_PORTS, 0)) as running:
            yield running
    assert not [line for line in lines if line["event"] == "unexpected"]


@pytest.fixture
async def http_browser() -> AsyncIterator[HTTPBrowser]:
    """A browser without scripts and without cookies."""
    async with HTTPBrowser() as browser:
        yield browser


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tables of faults looked like: a line a fault."""
    hostile_report.pytest_terminal_summary(terminalreporter)
    lines = [
        str(said)
        for report in terminalreporter.getreports("passed")
        for name, said in report.user_properties
        if name == STORE_FAULT
    ]
    if lines:
        terminalreporter.section("faults of the session store")
        for line in lines:
            terminalreporter.line(line)
