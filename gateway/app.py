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
from gateway.sessions.directory import Directory
from gateway.sessions.seal import Purpose, Sealer
from gateway.sessions.session import Lifetimes
from gateway.sessions.storage import RecordStore, SessionStorage
from gateway.sessions.summary import Sighting, Summaries
from gateway.settings.model import Settings
from gateway.web.answers import Answers
from gateway.web.attempts import Attempts
from gateway.web.backchannel_logout import BackchannelLogout
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
    directory: Directory
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
            name: provider_of(given, name, on_health=partial(_tell_health, audit, name))
            for name, given in settings.all_providers.items()
        }
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        sites = sites_of(settings, providers)
        for site in sites.by_name.values():
            stack.push_async_callback(site.upstream.close)
        await asyncio.gather(*(provider.start() for provider in providers.values()))
        sealer = _sealer(settings)
        summaries = Summaries(sealer, kept=settings.sessions.idle_lifetime)
        storage = _storage(settings, records, sealer, summaries)
        stack.push_async_callback(storage.close)
        parts = _Parts(
            sites=sites,
            providers=providers,
            records=records,
            directory=Directory(index=records, records=records, summaries=summaries),
            sealer=sealer,
            audit=audit,
        )
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
        attempts=Attempts(
            answers=answers,
            paths=paths,
            box=parts.sealer.box(Purpose.SIGN_IN_ATTEMPT),
            clock=now,
            random=secrets.token_bytes,
            token=token,
        ),
        records=parts.records,
        audit=audit,
        clock=now,
    )
    sign_out = SignOut(sites=sites, answers=answers, paths=paths, audit=audit, token=token)
    backchannel_logout = BackchannelLogout(
        sites=sites, directory=parts.directory, records=parts.records, audit=audit, clock=now
    )
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
            # What answers here reads the body itself, so 100 (Continue) is sent to whoever waits for it.
            web.post(paths.backchannel_logout, backchannel_logout.handle),
            web.route("*", paths.backchannel_logout, OtherMethod("POST").handle),
            *_own("GET", paths.whoami, WhoAmI(sites=sites, answers=answers).handle),
            *_own("GET, HEAD", paths.assets + "{name}", Assets(ASSETS).handle),
        ]
    )
    everything_else = _Everything()
    everything_else.add_route("*", gate.handle, expect_handler=_body_can_wait)
    front.router.register_resource(everything_else)
    return front


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
    observe.add_routes([web.get("/alive", probes.alive), web.get("/ready", probes.ready)])
    return observe


def _storage(
    settings: Settings, records: RecordStore, sealer: Sealer, summaries: Summaries
) -> SessionStorage:
    lifetimes = Lifetimes(settings.sessions.idle_lifetime, settings.sessions.absolute_lifetime)
    return SessionStorage(
        records=records,
        sealer=sealer,
        lifetimes=lambda _: lifetimes,
        summaries=summaries,
        host_of=lambda request: request[ASKED].host,
        sighting_of=_sighting,
        clock=now,
        random=secrets.token_bytes,
        secure=settings.gateway.public_url.scheme == "https",
        report=lambda error: log.warning("session not renewed", fault=error.fault.value),
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
