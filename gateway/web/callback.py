"""The callback, where the provider sends the browser back: its authorization response, and what follows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from aiohttp import web

from gateway.access.hints import Hint
from gateway.errors import Fault, ForbiddenError, GatewayError, RequestError, StoreError
from gateway.observe.audit import Audit, Event, fault, person
from gateway.oidc.authorization import RETRIES, Query, state_of
from gateway.oidc.pending import ATTEMPT_LIFETIME, ATTEMPT_REMEMBERED, Pending
from gateway.sessions.current import current_session, open_session
from gateway.sessions.session import Claims, SignedIn
from gateway.sessions.store import RecordStore
from gateway.web.answers import Answers
from gateway.web.attempts import Attempts, Silence, Wanted
from gateway.web.last_people import LastPeople
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths
from gateway.web.refusals import level_page
from gateway.web.responses import Responses
from gateway.web.site import Site, Sites, Visit

_SPENT = "gateway:state:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """The authorization code flow (OpenID Connect Core 1.0 section 3.1), its end.

    Args:
        sites: every application.
        answers: makes the answers.
        paths: the gateway's own paths.
        attempts: finds sign-ins again.
        responses: reads authorization responses.
        last_people: has the browser know who was signed in at it.
        records: remembers which `state` was used.
        audit: told of each sign-in and each refused one.
        clock: Unix seconds.
    """

    sites: Sites
    answers: Answers
    paths: OwnPaths
    attempts: Attempts
    responses: Responses
    last_people: LastPeople
    records: RecordStore
    audit: Audit
    clock: Callable[[], int]

    async def handle(self, request: web.Request) -> web.Response:
        """Check the authorization response, exchange its code, open a session, return to the page asked for.

        Each refusal is one audit event. No token request leaves before `state` and `iss` hold.
        """
        visit = self.sites.read(request)
        site = visit.site
        try:
            query = self.responses.read(request, site)
            state = state_of(query)
            pending = self.attempts.find(request, site, state)
            if pending is None or not await self.records.claim(_spent_key(state), lifetime=ATTEMPT_LIFETIME):
                return await self._too_late(request, visit, state)
        except GatewayError as error:
            self._audit_refusal(request, visit, error)
            raise
        try:
            return await self._open(request, visit, query, pending)
        except GatewayError as error:
            return await self._refused(request, visit, pending, error)

    async def take_form(self, request: web.Request) -> web.Response:
        """Take an authorization response that was posted, for `handle` to be asked with it."""
        visit = self.sites.read(request)
        try:
            return await self.responses.take_form(request, visit.site)
        except GatewayError as error:
            self._audit_refusal(request, visit, error)
            raise

    async def _too_late(self, request: web.Request, visit: Visit, state: str) -> web.Response:
        """Answer what no session comes of any more: used up already, too old, or somebody else's.

        Whoever is signed in goes on to the page that this sign-in led to. An attempt of this browser's own
        that was never used is begun once more.

        Raises:
            RequestError: state-foreign; state-replayed, from a browser that it does not belong to.
        """
        site = visit.site
        own = self.attempts.find(request, site, state, lifetime=ATTEMPT_REMEMBERED)
        used = await self.records.get(_spent_key(state))
        if own is None and used is None:
            raise RequestError(Fault.STATE_FOREIGN)
        session = await current_session(request)
        if isinstance(session, SignedIn):
            page = (
                own.return_to.target if own else self.attempts.open_end(state, used or b"", session=session)
            )
            return self.answers.redirect(page)
        error = RequestError(Fault.STATE_LATE if used is None else Fault.STATE_REPLAYED)
        if own is None:
            raise error
        self._audit_refusal(request, visit, error)
        if used is not None:
            # Perhaps its first answer has opened a session meanwhile; if not, the page asks to sign in.
            return self.answers.redirect(own.return_to.target)
        if not own.turn:
            return await self._begin_anew(request, site, own)
        return self.answers.error(request, error, retry=self._retry(own))

    async def _open(self, request: web.Request, visit: Visit, query: Query, pending: Pending) -> web.Response:
        site = visit.site
        code = site.provider.check_response(query, pending)
        identified = await site.provider.identify(code, pending)
        acr = identified.claims.get("acr")
        if pending.acr and acr not in pending.acr:
            # What was asked for as essential, a provider may still pass over: the ID token tells.
            error = ForbiddenError(Fault.ACR_TOO_LOW, asked=pending.acr, got=acr or "none")
            return await self._refused(request, visit, pending, error, claims=identified.claims)
        session = await open_session(
            request,
            host=site.app.host,
            provider=site.provider.name,
            claims=identified.claims,
            id_token=identified.id_token,
            sid=identified.sid,
            grant=identified.grant,
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
        page = pending.return_to.target
        response = self.answers.redirect(
            self.paths.form_of(pending.form, page=page) if pending.form else page
        )
        with suppress(StoreError):
            # Worth a page more precise than the home page; not worth a sign-in.
            end = self.attempts.seal_end(pending.state, session=session, target=page)
            await self.records.put(_spent_key(pending.state), end, lifetime=ATTEMPT_LIFETIME)
        self.last_people.remember(response, site, session)
        self.attempts.arrived(response, site)
        # Whoever signs out after this is not to be signed in again without a word.
        self.attempts.set_silence(response, site, Silence.ASKED)
        self.attempts.forget(response, site, pending.state)
        return response

    async def _refused(
        self,
        request: web.Request,
        visit: Visit,
        pending: Pending,
        error: GatewayError,
        *,
        claims: Claims | None = None,
    ) -> web.Response:
        """Answer an attempt that failed. It changes nothing: a session that was there goes on."""
        request[NOTES].decision = error.fault.value
        if pending.silent:
            return self._as_nobody(request, visit, pending, error)
        self._audit_refusal(request, visit, error)
        hints = {name: value for name, value in pending.hints.items() if name != Hint.IDP}
        if error.fault is Fault.IDP_HINT_UNKNOWN and hints != pending.hints:
            # Once: the new attempt has no such hint.
            return await self._begin_anew(request, visit.site, replace(pending, hints=hints))
        if error.fault in RETRIES and not pending.turn:
            return await self._begin_anew(request, visit.site, pending)
        if error.fault is Fault.ACR_TOO_LOW and visit.asked.navigation:
            response = level_page(
                self.answers,
                request,
                visit.site,
                switch_path=self.paths.switch_account(pending.return_to.target),
                asked=pending.acr,
                came=claims,
                session=await current_session(request),
                retry=self._retry(pending),
            )
        else:
            response = self.answers.error(request, error, retry=self._retry(pending))
        self.attempts.refused(request, response, visit.site, pending.state)
        return response

    def _as_nobody(
        self, request: web.Request, visit: Visit, pending: Pending, error: GatewayError
    ) -> web.Response:
        """Show the page, which is open to everybody; that nobody is signed in there is no refusal."""
        if error.fault is not Fault.PROVIDER_NOBODY:
            self._audit_refusal(request, visit, error)
        response = self.answers.redirect(pending.return_to.target)
        self.attempts.forget(response, visit.site, pending.state)
        return response

    async def _begin_anew(self, request: web.Request, site: Site, pending: Pending) -> web.Response:
        """The same sign-in once more, which nobody asked for: a second time, it ends on a page."""
        wanted = Wanted(
            return_to=pending.return_to,
            acr=pending.acr,
            hints=pending.hints,
            form=pending.form,
            turn=pending.turn + 1,
        )
        response = await self.attempts.begin(request, site, wanted)
        self.attempts.forget(response, site, pending.state)
        return response

    def _retry(self, pending: Pending) -> str:
        return self.paths.sign_in_to(pending.return_to.target, form=pending.form)

    def _audit_refusal(self, request: web.Request, visit: Visit, error: GatewayError) -> None:
        self.audit.record(
            Event.SIGN_IN_REFUSED,
            request_id=request[NOTES].request_id,
            app=visit.site.app.name,
            provider=visit.site.provider.name,
            client=visit.asked.client,
            **fault(error),
        )


def _spent_key(state: str) -> str:
    return _SPENT + hashlib.sha256(state.encode()).hexdigest()
