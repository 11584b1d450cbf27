"""The composition root: adapters to handlers, handlers to the route table.

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
from aiohttp_session import session_middleware

from gateway.adapters import lifetimes_of, longest_idle, now, open_records, provider_of, sites_of
from gateway.branding import branding_of, pages_of
from gateway.counting import audited, leaving, sampled
from gateway.errors import GatewayError, StoreError
from gateway.observe.audit import Audit, Event
from gateway.observe.exposition import Exposition
from gateway.observe.metrics import Metric, Tally
from gateway.oidc.known import AWAY, ProviderHealth
from gateway.oidc.provider import Provider
from gateway.proxy.fields import OwnCookies
from gateway.proxy.server import Bounds
from gateway.proxy.streams import Streams
from gateway.proxy.tunnel import GRACE
from gateway.refreshing import refreshing_of
from gateway.secret import Secret
from gateway.sessions.directory import Directory
from gateway.sessions.record_cache import RecordCache
from gateway.sessions.seal import Purpose, Sealer
from gateway.sessions.storage import SessionStorage
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Sighting, Summaries
from gateway.sessions.unopened import Unopened
from gateway.sessions.watch import Watch
from gateway.settings.model import Settings
from gateway.web.answers import Answers
from gateway.web.attempts import Attempts
from gateway.web.backchannel_logout import BackchannelLogout
from gateway.web.branding import Branding
from gateway.web.callback import Callback
from gateway.web.form_pages import FormPages
from gateway.web.form_places import FormPlaces
from gateway.web.forward_auth import ForwardAuth
from gateway.web.front import Front
from gateway.web.gate import Gate
from gateway.web.kept_forms import KeptForms
from gateway.web.last_people import LastPeople
from gateway.web.middlewares import Boundary, request_ids
from gateway.web.notes import NOTES
from gateway.web.own import Assets, ClientKeysDocument, OtherMethod, WhoAmI
from gateway.web.paths import OwnPaths
from gateway.web.probes import Probes
from gateway.web.responses import Responses
from gateway.web.sign_in import SignIn
from gateway.web.sign_out import SignOut
from gateway.web.silent_sign_in import SilentSignIn
from gateway.web.site import ASKED, Sites

OWN_COOKIES = OwnCookies(
    names=frozenset({b"gateway", b"__Host-gateway"}), prefixes=(b"gateway-", b"__Host-gateway-")
)
"""The names of the session's cookie, and of those for sign-in attempts and sign-outs."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the handlers share."""

    sites: Sites
    providers: Mapping[str, Provider]
    records: RecordStore
    directory: Directory
    sealer: Sealer
    audit: Audit
    tally: Tally
    clock: Callable[[], int]


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
        records = await open_records(settings, told=_tell_store, clock=clock)
        stack.push_async_callback(records.close)
        tally = Tally()
        audit = Audit(partial(audited, tally, structlog.get_logger("audit").bind().info))
        providers = {
            name: provider_of(given, name, on_health=partial(_tell_health, audit, name), clock=clock)
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
            report=lambda error: log.warning("endings unheard", **_said(error)),
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
            report=partial(_not_renewed, tally),
            unopened=Unopened(records, partial(_tell_unopened, audit)),
            refreshing=partial(
                refreshing_of,
                records=records,
                providers=providers,
                sites=sites,
                audit=audit,
                report=lambda error: log.warning("session not refreshed", **_said(error)),
                clock=clock,
            ),
        )
        stack.push_async_callback(storage.close)
        parts = _Parts(
            sites=sites,
            providers=providers,
            records=records,
            directory=directory,
            sealer=sealer,
            audit=audit,
            tally=tally,
            clock=clock,
        )
        front, entrance = _front(settings, parts, storage)
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


def _front(
    settings: Settings, parts: _Parts, storage: SessionStorage
) -> tuple[web.Application, Callable[[Handler], Handler]]:
    paths = OwnPaths(settings.gateway.path)
    sites, audit, token, kept = parts.sites, parts.audit, secrets.token_urlsafe, settings.forms
    pages = pages_of(settings, assets_path=paths.assets)
    answers = Answers(
        pages=pages,
        branding_at=partial(_branding_at, sites),
        no_host=branding_of(settings, None),
        public_url=str(settings.gateway.public_url),
    )
    attempts = Attempts(
        answers=answers,
        paths=paths,
        box=parts.sealer.box(Purpose.SIGN_IN_ATTEMPT),
        clock=parts.clock,
        random=secrets.token_bytes,
        token=token,
    )
    last_people = LastPeople(
        box=parts.sealer.box(Purpose.LAST_PERSON), clock=parts.clock, random=secrets.token_bytes
    )
    forms = KeptForms(
        paths=paths,
        records=parts.records,
        sealer=parts.sealer,
        places=FormPlaces(
            records=parts.records, most=kept.most, lifetime=kept.lifetime, random=secrets.token_bytes
        ),
        last_people=last_people,
        largest=kept.largest,
        lifetime=kept.lifetime,
        audit=audit,
        random=secrets.token_bytes,
        token=token,
    )
    form_pages = FormPages(sites=sites, answers=answers, paths=paths, forms=forms)
    sign_in = SignIn(sites=sites, answers=answers, paths=paths, attempts=attempts, forms=forms)
    silent_sign_in = SilentSignIn(sites=sites, answers=answers, paths=paths, attempts=attempts)
    callback = Callback(
        sites=sites,
        answers=answers,
        paths=paths,
        attempts=attempts,
        responses=Responses(
            answers=answers,
            paths=paths,
            box=parts.sealer.box(Purpose.POSTED_RESPONSE),
            clock=parts.clock,
            random=secrets.token_bytes,
        ),
        last_people=last_people,
        records=parts.records,
        audit=audit,
        clock=parts.clock,
    )
    sign_out = SignOut(sites=sites, answers=answers, paths=paths, audit=audit, token=token)
    backchannel_logout = BackchannelLogout(
        sites=sites, directory=parts.directory, records=parts.records, audit=audit, clock=parts.clock
    )
    gate = Gate(
        sites=sites,
        sign_in=sign_in,
        silent_sign_in=silent_sign_in,
        sign_out=sign_out,
        forms=forms,
        form_pages=form_pages,
        answers=answers,
        paths=paths,
        own_cookies=OWN_COOKIES,
        audit=audit,
    )
    forward_auth = ForwardAuth(sites=sites, gate=gate, sign_in=sign_in, own_cookies=OWN_COOKIES)
    boundary = Boundary(
        answers=answers,
        new_id=request_ids(secrets.token_hex(6)),
        clock=time.monotonic,
        log=log.bind(),
        count=parts.tally.request,
    )
    front = web.Application(middlewares=[boundary.middleware(), session_middleware(storage)])
    front.add_routes(
        [  # the whole surface of the gateway
            *_own("GET", paths.sign_in, sign_in.start),
            *_own("GET", paths.silent_sign_in, silent_sign_in.start),
            # Where a body is read, 100 (Continue) is sent to whoever waits for it.
            web.post(paths.callback, callback.take_form),
            *_own("GET", paths.callback, callback.handle),
            *_own("GET, POST", paths.form, form_pages.handle),
            *_own("GET, POST", paths.sign_out, sign_out.start),
            *_own("GET", paths.signed_out, sign_out.finish),
            web.post(paths.backchannel_logout, backchannel_logout.handle),
            web.route("*", paths.backchannel_logout, OtherMethod("POST").handle),
            web.route("*", paths.forward_auth, forward_auth.handle, expect_handler=_body_can_wait),
            *_own("GET", paths.client_keys, ClientKeysDocument(sites=sites).handle),
            *_own("GET", paths.whoami, WhoAmI(sites=sites, answers=answers).handle),
            *_own("GET, HEAD", paths.assets + "{name}", Assets(pages.assets).handle),
        ]
    )
    everything_else = _Everything()
    everything_else.add_route("*", gate.handle, expect_handler=_body_can_wait)
    front.router.register_resource(everything_else)

    def entrance(own: Handler) -> Handler:
        return Front(
            paths=paths, boundary=boundary, gate=gate, forward_auth=forward_auth, storage=storage, own=own
        ).handle

    return front, entrance


def _branding_at(sites: Sites, host: str) -> Branding | None:
    site = sites.by_host.get(host)
    return None if site is None else site.branding


def _own(methods: str, path: str, handler: Handler) -> list[web.RouteDef]:
    """One of the gateway's own paths; any other method on it is 405, and never the application's."""
    routes = [
        web.get(path, handler, allow_head=False, expect_handler=_body_can_wait)
        if method == "GET"
        else web.route(method, path, handler, expect_handler=_body_can_wait)
        for method in methods.split(", ")
    ]
    return [*routes, web.route("*", path, OtherMethod(methods).handle, expect_handler=_body_can_wait)]


class _Everything(web.PlainResource):
    """Whatever is asked for, also `OPTIONS *`, which is no path (RFC 9112 section 3.2.4)."""

    def __init__(self) -> None:
        super().__init__("/")

    def _match(self, path: str) -> dict[str, str]:  # noqa: ARG002 - aiohttp's
        return {}


async def _body_can_wait(_: web.Request) -> None:
    """Send no 100 (Continue), which aiohttp would before anything is decided (RFC 9110 section 10.1.1).

    Whether a body is wanted says the application, once the request is let through to it.
    """


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


def _not_renewed(tally: Tally, error: StoreError) -> None:
    tally.count(Metric.STORE_ERRORS)
    log.warning("session not renewed", **_said(error))


def _tell_unopened(audit: Audit, request: web.Request, session: str) -> None:
    notes = request[NOTES]
    audit.record(
        Event.RECORD_REFUSED,
        request_id=notes.request_id,
        app=notes.app,
        client=notes.client,
        session=session,
    )


def _sighting(request: web.Request) -> Sighting:
    return Sighting(address=request[ASKED].client, user_agent=request.headers.get("User-Agent"))


def _sealer(settings: Settings) -> Sealer:
    """The settings' secrets; with sessions in memory one is drawn, for nothing outlives the process."""
    return Sealer(settings.gateway.secret or (Secret(secrets.token_urlsafe(48)),))


def _tell_health(audit: Audit, name: str, health: ProviderHealth) -> None:
    if health.fault is None:
        log.info("provider ready", provider=name)
    elif health.fault in AWAY:
        log.warning("provider away", provider=name, fault=health.fault.value, facts=dict(health.facts))
    else:
        audit.record(Event.METADATA_REFUSED, provider=name, fault=health.fault, facts=dict(health.facts))


def _tell_store(error: StoreError | None) -> None:
    if error is None:
        log.info("store ready")
    else:
        log.warning("store away", **_said(error))


def _said(error: GatewayError) -> dict[str, Any]:
    return {"fault": error.fault.value, "facts": error.facts}
