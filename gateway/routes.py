"""The route table: which handler is at which of the gateway's own paths, and the gate for all else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp_session import session_middleware

from gateway.branding import branding_of, pages_of
from gateway.observe.audit import Audit
from gateway.observe.metrics import Tally
from gateway.oidc.provider import Provider
from gateway.proxy.fields import OwnCookies
from gateway.sessions.directory import Directory
from gateway.sessions.seal import Purpose, Sealer
from gateway.sessions.storage import SessionStorage
from gateway.sessions.store import RecordStore
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
from gateway.web.own import Assets, ClientKeysDocument, OtherMethod, WhoAmI
from gateway.web.paths import OwnPaths
from gateway.web.responses import Responses
from gateway.web.sign_in import SignIn
from gateway.web.sign_out import SignOut
from gateway.web.silent_sign_in import SilentSignIn
from gateway.web.site import Sites

OWN_COOKIES = OwnCookies(
    names=frozenset({b"gateway", b"__Host-gateway"}), prefixes=(b"gateway-", b"__Host-gateway-")
)
"""The names of the session's cookie, and of those for sign-in attempts and sign-outs."""

log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the handlers share."""

    sites: Sites
    providers: Mapping[str, Provider]
    records: RecordStore
    directory: Directory
    sealer: Sealer
    audit: Audit
    tally: Tally
    clock: Callable[[], int]


def front_of(
    settings: Settings, parts: Parts, storage: SessionStorage
) -> tuple[web.Application, Callable[[Handler], Handler]]:
    """Put the handlers together.

    Args:
        settings: everything that is set.
        parts: what the handlers share.
        storage: the sessions.

    Returns:
        What browsers reach, and what each of their requests is given to, made of how that answers.
    """
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
