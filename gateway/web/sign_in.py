"""Start of a sign-in, and the callback where the provider sends the browser back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from aiohttp import web

from gateway.errors import Fault, GatewayError, RequestError
from gateway.observe.audit import Audit, Event, fault, person
from gateway.oidc.authorization import Query, state_of
from gateway.oidc.pending import (
    ATTEMPT_LIFETIME,
    Pending,
    attempt_cookie_name,
    attempts_to_drop,
    new_pending,
    open_pending,
    seal_pending,
)
from gateway.secret import Secret
from gateway.sessions.return_to import HOME, ReturnTo, parse_return_to
from gateway.sessions.seal import Box
from gateway.sessions.session import SignedIn
from gateway.sessions.storage import RecordStore, current_session, open_session
from gateway.web.answers import Answers
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths
from gateway.web.site import SignInStyle, Site, Sites, Visit

_SPENT = "gateway:state:"
_MOST_PARAMETERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The authorization code flow (OpenID Connect Core 1.0 section 3.1), from this side.

    Args:
        sites: every application.
        answers: makes the answers.
        paths: the gateway's own paths.
        box: seals sign-in attempts into their cookies.
        records: remembers which `state` was used.
        audit: told of each sign-in and each refused one.
        clock: Unix seconds.
        random: draws octets.
        token: draws a `state`, a nonce or a verifier.
    """

    sites: Sites
    answers: Answers
    paths: OwnPaths
    box: Box
    records: RecordStore
    audit: Audit
    clock: Callable[[], int]
    random: Callable[[int], bytes]
    token: Callable[[], str]

    async def require(self, request: web.Request, visit: Visit) -> web.Response:
        """Answer a request that needs somebody signed in; nothing of it goes upstream, no body is read."""
        asked, site = visit.asked, visit.site
        challenge = {"WWW-Authenticate": f'ProConnect realm="{site.origin}"'}
        status = web.HTTPUnauthorized.status_code
        if not asked.navigation:
            return self.answers.problem(
                request,
                status=status,
                kind="not-signed-in",
                members={"sign_in_url": site.origin + self.paths.sign_in},
                fields=challenge,
            )
        if site.sign_in is SignInStyle.REDIRECT:
            return await self._begin(request, site, self._return_to(asked.target))
        html = self.answers.pages.sign_in(
            self.answers.language(request), branding=site.branding, sign_in_url=self._start_url(asked.target)
        )
        return self.answers.page(html, status=status, fields=challenge)

    async def start(self, request: web.Request) -> web.Response:
        """Send the browser to the authorization endpoint."""
        site = self.sites.read(request).site
        return await self._begin(request, site, self._return_to(request.query.get("return_to", "/")))

    async def _begin(self, request: web.Request, site: Site, return_to: ReturnTo) -> web.Response:
        pending = new_pending(
            return_to=return_to,
            provider=site.provider.name,
            host=site.app.host,
            redirect_uri=site.redirect_uri(self.paths),
            now=self.clock(),
            token=self.token,
        )
        response = self.answers.redirect(await site.provider.authorization_url(pending))
        name = attempt_cookie_name(pending.state, secure=site.secure)
        value = seal_pending(pending, box=self.box, cookie_name=name, random=self.random)
        for old in attempts_to_drop(request.cookies, adding=name, size=len(value), box=self.box):
            delete_cookie(response, old, secure=site.secure)
        response.set_cookie(
            name,
            value,
            max_age=ATTEMPT_LIFETIME,
            path="/",
            secure=site.secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Check the authorization response, exchange its code, open a session, return to the page asked for.

        Each refusal is one audit event. No token request leaves before `state` and `iss` hold.
        """
        visit = self.sites.read(request)
        site = visit.site
        try:
            query = _query(request)
            state = state_of(query)
            name = attempt_cookie_name(state, secure=site.secure)
            pending = self._pending(request, site, name, state)
            if pending is None:
                return await self._without_attempt(request, state)
            if not await self.records.claim(_spent_key(state), lifetime=ATTEMPT_LIFETIME):
                raise RequestError(Fault.STATE_REPLAYED)
        except GatewayError as error:
            self._audit_refusal(request, visit, error)
            raise
        try:
            response = await self._open(request, visit, query, pending)
        except GatewayError as error:
            self._audit_refusal(request, visit, error)
            request[NOTES].decision = error.fault.value
            response = self.answers.error(request, error, retry=self._start_url(pending.return_to.target))
        # Used up, whatever came of it; and on no answer before: a store's pause costs no attempt.
        delete_cookie(response, name, secure=site.secure)
        return response

    def _pending(self, request: web.Request, site: Site, name: str, state: str) -> Pending | None:
        """The attempt of this browser with this `state`, begun at this host."""
        value = request.cookies.get(name)
        if value is None:
            return None
        pending = open_pending(
            value, box=self.box, cookie_name=name, now=self.clock(), own_prefix=self.paths.prefix
        )
        if pending is None or pending.host != site.app.host or pending.provider != site.provider.name:
            return None
        return pending if Secret(pending.state) == Secret(state) else None

    async def _without_attempt(self, request: web.Request, state: str) -> web.Response:
        """No attempt of this browser has this `state`: used up already, too old, or somebody else's."""
        if await self.records.get(_spent_key(state)) is None:
            raise RequestError(Fault.STATE_FOREIGN)
        if isinstance(await current_session(request), SignedIn):
            # The page was reloaded after a sign-in that succeeded: nothing is wrong for the person.
            return self.answers.redirect(HOME.target)
        raise RequestError(Fault.STATE_REPLAYED)

    async def _open(self, request: web.Request, visit: Visit, query: Query, pending: Pending) -> web.Response:
        site = visit.site
        code = site.provider.check_response(query, pending)
        identified = await site.provider.identify(code, pending)
        session = await open_session(
            request,
            host=site.app.host,
            provider=site.provider.name,
            claims=identified.claims,
            id_token=identified.id_token,
            now=self.clock(),
        )
        request[NOTES].session = session.id
        request[NOTES].decision = Event.SIGN_IN.value
        self.audit.record(
            Event.SIGN_IN,
            request_id=request[NOTES].request_id,
            app=site.app.name,
            provider=site.provider.name,
            client=visit.asked.client,
            **person(session),
        )
        return self.answers.redirect(pending.return_to.target)

    def _return_to(self, target: str) -> ReturnTo:
        return parse_return_to(target, own_prefix=self.paths.prefix)

    def _start_url(self, return_to: str) -> str:
        return f"{self.paths.sign_in}?return_to={quote(return_to, safe='/')}"

    def _audit_refusal(self, request: web.Request, visit: Visit, error: GatewayError) -> None:
        self.audit.record(
            Event.SIGN_IN_REFUSED,
            request_id=request[NOTES].request_id,
            app=visit.site.app.name,
            provider=visit.site.provider.name,
            client=visit.asked.client,
            **fault(error),
        )


def delete_cookie(response: web.StreamResponse, name: str, *, secure: bool) -> None:
    """Make the browser forget a cookie; a `__Host-` name is only deleted with `Secure` and `Path=/`."""
    response.del_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")


def _query(request: web.Request) -> Query:
    """The parameters of the authorization response, each as often as it came (RFC 6749 section 3.1)."""
    _, _, text = request.raw_path.partition("?")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise RequestError(Fault.RESPONSE_MALFORMED, why="query") from None


def _spent_key(state: str) -> str:
    return _SPENT + hashlib.sha256(state.encode()).hexdigest()
