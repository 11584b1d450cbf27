"""The composition root: adapters to handlers, handlers to the route table.

Nothing else puts parts together, and no handler sees the settings: each is given the values that it needs.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp_session import session_middleware

from gateway.adapters import now, open_records, provider_of, sites_of
from gateway.observe.audit import Audit, Event
from gateway.oidc.known import AWAY, ProviderHealth
from gateway.oidc.provider import Provider
from gateway.proxy.fields import OwnCookies
from gateway.secret import Secret
from gateway.sessions.seal import Purpose, Sealer
from gateway.sessions.session import Lifetimes
from gateway.sessions.storage import RecordStore, SessionStorage
from gateway.settings.model import Settings
from gateway.web.answers import Answers
from gateway.web.gate import Gate
from gateway.web.middlewares import Boundary, request_ids
from gateway.web.own import Assets, OtherMethod, WhoAmI
from gateway.web.pages import ASSETS, Pages
from gateway.web.paths import OwnPaths
from gateway.web.probes import Probes
from gateway.web.sign_in import SignIn
from gateway.web.sign_out import SignOut
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
        observe: the second address.
        providers: each provider by its name in the settings.
    """

    front: web.Application
    observe: web.Application
    providers: Mapping[str, Provider]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the handlers share."""

    sites: Sites
    providers: Mapping[str, Provider]
    records: RecordStore
    sealer: Sealer
    audit: Audit


@asynccontextmanager
async def open_gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Open every adapter, and close them in reverse when the block ends.

    A provider or a store that is away fails nothing here: the gateway starts, says so, recovers by itself.
    """
    async with AsyncExitStack() as stack:
        records = await open_records(settings)
        stack.push_async_callback(records.close)
        audit = Audit(structlog.get_logger("audit").bind().info)
        providers = {
            name: provider_of(settings, name, on_health=partial(_tell_health, audit, name))
            for name in settings.all_providers
        }
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        sites = sites_of(settings, providers)
        for site in sites.by_name.values():
            stack.push_async_callback(site.upstream.close)
        await asyncio.gather(*(provider.start() for provider in providers.values()))
        sealer = _sealer(settings)
        storage = _storage(settings, records, sealer)
        stack.push_async_callback(storage.close)
        parts = _Parts(sites=sites, providers=providers, records=records, sealer=sealer, audit=audit)
        yield Gateway(
            front=_front(settings, parts, storage),
            observe=_observe(Probes(records=records, providers=providers)),
            providers=providers,
        )


def _front(settings: Settings, parts: _Parts, storage: SessionStorage) -> web.Application:
    paths = OwnPaths(settings.gateway.path)
    sites, audit, token = parts.sites, parts.audit, secrets.token_urlsafe
    answers = Answers(
        pages=Pages(paths.assets),
        brandings={site.app.host: site.branding for site in sites.by_name.values()},
        public_url=str(settings.gateway.public_url),
    )
    sign_in = SignIn(
        sites=sites,
        answers=answers,
        paths=paths,
        box=parts.sealer.box(Purpose.SIGN_IN_ATTEMPT),
        records=parts.records,
        audit=audit,
        clock=now,
        random=secrets.token_bytes,
        token=token,
    )
    sign_out = SignOut(sites=sites, answers=answers, paths=paths, audit=audit, token=token)
    gate = Gate(
        sites=sites, sign_in=sign_in, answers=answers, paths=paths, own_cookies=OWN_COOKIES, audit=audit
    )
    boundary = Boundary(
        answers=answers, new_id=request_ids(secrets.token_hex(6)), clock=time.monotonic, log=log.bind()
    )
    front = web.Application(middlewares=[boundary.middleware(), session_middleware(storage)])
    front.add_routes(
        [  # the whole surface of the gateway
            *_own("GET", paths.sign_in, sign_in.start),
            *_own("GET", paths.callback, sign_in.finish),
            *_own("GET, POST", paths.sign_out, sign_out.start),
            *_own("GET", paths.signed_out, sign_out.finish),
            *_own("GET", paths.whoami, WhoAmI(sites=sites, answers=answers).handle),
            *_own("GET, HEAD", paths.assets + "{name}", Assets(ASSETS).handle),
            web.route("*", "/{path:.*}", gate.handle),
        ]
    )
    return front


def _own(methods: str, path: str, handler: Handler) -> list[web.RouteDef]:
    """One of the gateway's own paths; any other method on it is 405, and never the application's."""
    routes = [
        web.get(path, handler, allow_head=False) if method == "GET" else web.route(method, path, handler)
        for method in methods.split(", ")
    ]
    return [*routes, web.route("*", path, OtherMethod(methods).handle)]


def _observe(probes: Probes) -> web.Application:
    observe = web.Application()
    observe.add_routes([web.get("/alive", probes.alive), web.get("/ready", probes.ready)])
    return observe


def _storage(settings: Settings, records: RecordStore, sealer: Sealer) -> SessionStorage:
    lifetimes = Lifetimes(settings.sessions.idle_lifetime, settings.sessions.absolute_lifetime)
    return SessionStorage(
        records=records,
        sealer=sealer,
        lifetimes=lambda _: lifetimes,
        host_of=lambda request: request[ASKED].host,
        clock=now,
        random=secrets.token_bytes,
        secure=settings.gateway.public_url.scheme == "https",
        report=lambda error: log.warning("session not renewed", fault=error.fault.value),
    )


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
