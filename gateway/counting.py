"""What is counted where: audit events, and the parts that are looked at when somebody asks for numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gateway.observe.exposition import LEAVE_EVERY, Exposition
from gateway.observe.metrics import Metric, Tally
from gateway.oidc.provider import Provider
from gateway.proxy.streams import Streams
from gateway.sessions.record_cache import RecordCache
from gateway.web.site import Sites


def audited(tally: Tally, write: Callable[..., Any], event: str, **said: Any) -> None:  # noqa: ANN401 - a line's fields
    """Count an audit event, and write it."""
    tally.audited(event, said)
    write(event, **said)


def sampled(
    sites: Sites, providers: Mapping[str, Provider], cache: RecordCache, streams: Streams
) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
    """What is looked at rather than counted, with the values of its labels."""
    yield Metric.WORKERS, (), 1
    yield Metric.OPEN_STREAMS, (), len(streams)
    for site in sites.by_host.all:
        for upstream in site.upstreams:
            yield Metric.OPEN_TUNNELS, (site.app.name,), upstream.tunnels
            yield Metric.UPSTREAM_CONNECTIONS, (site.app.name,), upstream.connections
    for name, provider in providers.items():
        yield Metric.PROVIDER_READY, (name,), provider.health().ready
    yield Metric.CACHE_HITS, (), cache.hits
    yield Metric.CACHE_MISSES, (), cache.misses
    yield Metric.CACHE_STALE, (), cache.stale
    yield Metric.CACHE_EVICTIONS, (), cache.evictions


async def leaving(exposition: Exposition) -> None:
    """Leave a copy of the numbers for the other workers, again and again."""
    while True:
        exposition.leave()
        await asyncio.sleep(LEAVE_EVERY)
