"""Start of a sign-in, and the callback where the provider sends the browser back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from aiohttp import web

from gateway.access.hints import NO_HINTS, Hint, Hints, hints_of_link, login_hint
from gateway.access.policy import Decision, Route, SignInRequired, StepUpRequired, decide
from gateway.access.readings import read_path
from gateway.access.requirements import Reason
from gateway.errors import Fault, ForbiddenError, GatewayError, RequestError
from gateway.observe.audit import Audit, Event, fault, person
from gateway.oidc.authorization import Query, state_of
from gateway.oidc.pending import ATTEMPT_LIFETIME, Pending
from gateway.sessions.return_to import HOME, ReturnTo, parse_return_to
from gateway.sessions.session import ANONYMOUS, Claims, SignedIn
from gateway.sessions.storage import RecordStore, current_session, open_session
from gateway.web.answers import Answers
from gateway.web.attempts import Attempts, Wanted
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths
from gateway.web.refusals import level_page
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
        attempts: begins sign-ins and finds them again.
        records: remembers which `state` was used.
        audit: told of each sign-in and each refused one.
        clock: Unix seconds.
    """

    sites: Sites
    answers: Answers
    paths: OwnPaths
    attempts: Attempts
    records: RecordStore
    audit: Audit
    clock: Callable[[], int]

    async def require(
        self, request: web.Request, visit: Visit, route: Route, decision: SignInRequired
    ) -> web.Response:
        """Answer a request that needs somebody signed in; nothing of it goes upstream, no body is read."""
        asked, site = visit.asked, visit.site
        if not asked.navigation:
            return self._challenge(request, site, Reason.NOT_SIGNED_IN)
        return_to = self._return_to(asked.target)
        if site.sign_in is SignInStyle.REDIRECT:
            return await self.attempts.begin(request, site, _wanted(return_to, route, decision))
        html = self.answers.pages.sign_in(
            self.answers.language(request), branding=site.branding, sign_in_url=self._start_url(asked.target)
        )
        fields = {"WWW-Authenticate": site.challenge}
        return self.answers.page(html, status=web.HTTPUnauthorized.status_code, fields=fields)

    async def step_up(
        self, request: web.Request, visit: Visit, route: Route, decision: StepUpRequired
    ) -> web.Response:
        """Answer a request of somebody whose level of assurance is too low (RFC 9470 section 3)."""
        asked, site = visit.asked, visit.site
        if not asked.navigation:
            return self._challenge(request, site, decision.reason, acr=decision.acr)
        return_to = self._return_to(asked.target)
        return await self.attempts.begin(request, site, _wanted(return_to, route, decision))

    async def start(self, request: web.Request) -> web.Response:
        """Send the browser to the authorization endpoint, to ask for what the page that it goes to needs.

        Nothing but hints that the app allows is taken from the link: a link cannot ask for less.
        """
        site = self.sites.read(request).site
        return_to = self._return_to(request.query.get("return_to", "/"))
        route = _route_of(site, return_to)
        session = await current_session(request) if route.require.claims else ANONYMOUS
        hints = hints_of_link(request.query.items(), allowed=site.app.link_hints)
        wanted = _wanted(return_to, route, decide(site.app, route, session), further_hints=hints)
        return await self.attempts.begin(request, site, wanted)

    async def finish(self, request: web.Request) -> web.Response:
        """Check the authorization response, exchange its code, open a session, return to the page asked for.

        Each refusal is one audit event. No token request leaves before `state` and `iss` hold.
        """
        visit = self.sites.read(request)
        site = visit.site
        try:
            query = _query(request)
            state = state_of(query)
            pending = self.attempts.find(request, site, state)
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
            response = await self._refuse(request, visit, pending, error)
        # Used up, whatever came of it; and on no answer before: a store's pause costs no attempt.
        self.attempts.forget(response, site, state)
        return response

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
        acr = identified.claims.get("acr")
        if pending.acr and acr not in pending.acr:
            # What was asked for as essential, a provider may still pass over: the ID token tells.
            error = ForbiddenError(Fault.ACR_TOO_LOW, asked=pending.acr, got=acr or "none")
            return await self._refuse(request, visit, pending, error, claims=identified.claims)
        session = await open_session(
            request,
            host=site.app.host,
            provider=site.provider.name,
            claims=identified.claims,
            id_token=identified.id_token,
            sid=identified.sid,
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

    async def _refuse(
        self,
        request: web.Request,
        visit: Visit,
        pending: Pending,
        error: GatewayError,
        *,
        claims: Claims | None = None,
    ) -> web.Response:
        """Answer an attempt that failed. It changes nothing: a session that was there goes on."""
        self._audit_refusal(request, visit, error)
        request[NOTES].decision = error.fault.value
        retry = self._start_url(pending.return_to.target)
        hints = {name: value for name, value in pending.hints.items() if name != Hint.IDP}
        if error.fault is Fault.IDP_HINT_UNKNOWN and hints != pending.hints:
            # Once: the new attempt has no such hint.
            wanted = Wanted(return_to=pending.return_to, acr=pending.acr, hints=hints)
            return await self.attempts.begin(request, visit.site, wanted)
        if error.fault is Fault.ACR_TOO_LOW and visit.asked.navigation:
            return level_page(
                self.answers,
                request,
                visit.site,
                paths=self.paths,
                asked=pending.acr,
                came=claims,
                session=await current_session(request),
                retry=retry,
            )
        return self.answers.error(request, error, retry=retry)

    def _challenge(
        self, request: web.Request, site: Site, reason: Reason, *, acr: tuple[str, ...] = ()
    ) -> web.Response:
        """401 for a program: where a person signs in, and with which levels of assurance, if that matters."""
        scheme, members = site.challenge, {}
        if acr:
            scheme += f', error="insufficient_user_authentication", acr_values="{" ".join(acr)}"'
            members["acr_values"] = list(acr)
        return self.answers.problem(
            request,
            status=web.HTTPUnauthorized.status_code,
            kind=reason.value,
            members={"sign_in_url": site.origin + self.paths.sign_in, **members},
            fields={"WWW-Authenticate": scheme},
        )

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


def _wanted(
    return_to: ReturnTo, route: Route, decision: Decision, *, further_hints: Hints = NO_HINTS
) -> Wanted:
    """What a sign-in for a route is to lead to; a person who only steps up is spared the e-mail page."""
    acr, known = route.require.levels, NO_HINTS
    if isinstance(decision, StepUpRequired):
        acr, known = decision.acr, login_hint(decision.session.claims.get("email"))
    return Wanted(return_to=return_to, acr=acr, hints={**route.hints, **known, **further_hints})


def _route_of(site: Site, return_to: ReturnTo) -> Route:
    """The route of the page that a sign-in leads to."""
    try:
        return site.app.route_for(read_path(return_to.target.partition("?")[0]), "GET")
    except RequestError:
        # The page will be refused for its path, whoever comes back to it.
        return site.app.fallback


def _query(request: web.Request) -> Query:
    """The parameters of the authorization response, each as often as it came (RFC 6749 section 3.1)."""
    _, _, text = request.raw_path.partition("?")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise RequestError(Fault.RESPONSE_MALFORMED, why="query") from None


def _spent_key(state: str) -> str:
    return _SPENT + hashlib.sha256(state.encode()).hexdigest()
