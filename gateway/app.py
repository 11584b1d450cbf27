"""The composition root: adapters, what they share, and what `routes` makes of them.

Nothing else puts parts together, and no handler sees the settings: each is given the values that it needs.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.adapters import lifetimes_of, longest_idle, now, open_records, provider_of, sites_of
from gateway.counting import audited, leaving, sampled
from gateway.observe.audit import Audit
from gateway.observe.exposition import Exposition
from gateway.observe.metrics import Tally
from gateway.oidc.provider import Provider
from gateway.proxy.server import Bounds
from gateway.proxy.streams import Streams
from gateway.proxy.tunnel import GRACE
from gateway.refreshing import refreshing_of
from gateway.routes import Parts, front_of
from gateway.secret import Secret
from gateway.sessions.directory import Directory
from gateway.sessions.record_cache import RecordCache
from gateway.sessions.seal import Sealer
from gateway.sessions.storage import SessionStorage
from gateway.sessions.summary import Sighting, Summaries
from gateway.sessions.unopened import Unopened
from gateway.sessions.watch import Watch
from gateway.settings.model import Settings
from gateway.telling import not_renewed, provider_health, said, store_health, unopened_record
from gateway.web.probes import Probes
from gateway.web.site import ASKED

log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything opened and put together, ready to be served.

    Args:
        front: what browsers reach.
        entrance: what each of their requests is given to, made of how `front` answers.
        observe: the second address.
        providers: each provider by its name in the settings.
        bounds: what a browser may send, and how slowly.
        streams: what is open for long.
        danger_python_parser: whether to start although aiohttp's parser in C is missing.
    """

    front: web.Application
    entrance: Callable[[Handler], Handler]
    observe: web.Application
    providers: Mapping[str, Provider]
    bounds: Bounds
    streams: Streams
    danger_python_parser: bool


@asynccontextmanager
async def open_gateway(
    settings: Settings, *, metrics_directory: Path | None = None, clock: Callable[[], int] = now
) -> AsyncIterator[Gateway]:
    """Open every adapter, and close them in reverse when the block ends.

    Args:
        settings: everything that is set.
        metrics_directory: where the workers leave their numbers for each other; None for one worker alone.
        clock: Unix seconds.

    A provider or a store that is away fails nothing here: the gateway starts, says so, recovers by itself.
    """
    async with AsyncExitStack() as stack:
        records = await open_records(settings, told=store_health, clock=clock)
        stack.push_async_callback(records.close)
        tally = Tally()
        audit = Audit(partial(audited, tally, structlog.get_logger("audit").bind().info))
        providers = {
            name: provider_of(given, name, on_health=partial(provider_health, audit, name), clock=clock)
            for name, given in settings.all_providers.items()
        }
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        streams = Streams()
        sites = sites_of(settings, providers, streams)
        for site in sites.by_host.all:
            for upstream in site.upstreams:
                stack.push_async_callback(upstream.close)
        await asyncio.gather(*(provider.start() for provider in providers.values()))
        sealer = _sealer(settings)
        summaries = Summaries(sealer, kept=longest_idle(settings))
        cache = RecordCache(
            records,
            clock=time.monotonic,
            stale_lifetime=settings.sessions.stale_lifetime,
            ended=streams.cut,
            report=lambda error: log.warning("endings unheard", **said(error)),
        )
        stack.push_async_callback(cache.close)
        await stack.enter_async_context(_running(cache.listen()))
        exposition = Exposition(
            tally=tally,
            sampled=partial(sampled, sites, providers, cache, streams),
            directory=metrics_directory,
            pid=os.getpid(),
        )
        stack.callback(exposition.leave)
        if metrics_directory is not None:
            await stack.enter_async_context(_running(leaving(exposition)))
        directory = Directory(index=records, records=cache, summaries=summaries)
        lifetimes = lifetimes_of(settings)
        watch = Watch(
            directory=directory,
            cache=cache,
            open_for=streams.sessions,
            end=streams.cut,
            lifetimes=lifetimes,
            clock=clock,
            stale_lifetime=settings.sessions.stale_lifetime,
        )
        await stack.enter_async_context(_running(watch.run()))
        storage = SessionStorage(
            records=records,
            cache=cache,
            sealer=sealer,
            lifetimes=lifetimes,
            summaries=summaries,
            host_of=lambda request: request[ASKED].host,
            sighting_of=_sighting,
            clock=clock,
            random=secrets.token_bytes,
            secure=settings.gateway.public_url.scheme == "https",
            report=partial(not_renewed, tally),
            unopened=Unopened(records, partial(unopened_record, audit)),
            refreshing=partial(
                refreshing_of,
                records=records,
                providers=providers,
                sites=sites,
                audit=audit,
                report=lambda error: log.warning("session not refreshed", **said(error)),
                clock=clock,
            ),
        )
        stack.push_async_callback(storage.close)
        parts = Parts(
            sites=sites,
            providers=providers,
            records=records,
            directory=directory,
            sealer=sealer,
            audit=audit,
            tally=tally,
            clock=clock,
        )
        front, entrance = front_of(settings, parts, storage)
        # Before all else is closed: requests have had their time when the block ends.
        stack.push_async_callback(_cut_all, streams)
        yield Gateway(
            front=front,
            entrance=entrance,
            observe=_observe(Probes(records=records, providers=providers, exposition=exposition)),
            providers=providers,
            bounds=Bounds(
                idle=settings.gateway.keep_alive_timeout,
                line=settings.gateway.max_field_size,
                fields=settings.gateway.max_fields,
            ),
            streams=streams,
            danger_python_parser=settings.gateway.danger_python_parser,
        )


def _observe(probes: Probes) -> web.Application:
    observe = web.Application()
    observe.add_routes(
        [
            web.get("/alive", probes.alive),
            web.get("/ready", probes.ready),
            web.get("/metrics", probes.metrics),
        ]
    )
    return observe


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on beside the block, and ends with it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _cut_all(streams: Streams) -> None:
    """Cut what is still open, and give browsers the moment in which they are told."""
    if streams.cut_all():
        await asyncio.sleep(GRACE)


def _sighting(request: web.Request) -> Sighting:
    return Sighting(address=request[ASKED].client, user_agent=request.headers.get("User-Agent"))


def _sealer(settings: Settings) -> Sealer:
    """The settings' secrets; with sessions in memory one is drawn, for nothing outlives the process."""
    return Sealer(settings.gateway.secret or (Secret(secrets.token_urlsafe(48)),))
