"""Every path that is not the gateway's own: decide, then act on the Decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from aiohttp import web

from gateway.access.identity import RESERVED_NAMES, RESERVED_PREFIXES
from gateway.access.policy import Allow, Deny, Route, SignInRequired, StepUpRequired, decide
from gateway.access.requirements import Reason
from gateway.errors import Fault, ForbiddenError, NotFoundError
from gateway.observe.audit import Audit, Event, person
from gateway.proxy.fields import Forwarded, OwnCookies, Reserved, request_fields
from gateway.sessions.session import ANONYMOUS, Session, SignedIn
from gateway.sessions.storage import current_session
from gateway.web.answers import Answers
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths
from gateway.web.refusals import refusal_page
from gateway.web.sign_in import SignIn
from gateway.web.site import Sites, Visit

_RESERVED = Reserved(names=RESERVED_NAMES, prefixes=RESERVED_PREFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets a request through to its application, or not."""

    sites: Sites
    sign_in: SignIn
    answers: Answers
    paths: OwnPaths
    own_cookies: OwnCookies
    audit: Audit

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Decide about one request and act on the decision."""
        visit = self.sites.read(request)
        asked, site = visit.asked, visit.site
        if asked.path.any_starts_with(self.paths.prefix):
            raise NotFoundError(Fault.NOT_FOUND)
        route = site.app.route_for(asked.path, asked.method)
        session = await current_session(request) if route.wants_session else ANONYMOUS
        decision = decide(site.app, route, session)
        notes = request[NOTES]
        notes.decision = decision.reason.value
        match decision:
            case Allow():
                return await self._forward(request, visit, decision.session)
            case SignInRequired():
                return await self.sign_in.require(request, visit, route, decision)
            case StepUpRequired():
                return await self.sign_in.step_up(request, visit, route, decision)
            case Deny():
                return self._refuse(request, visit, route, session, decision.reason)
            case other:
                assert_never(other)

    async def _forward(self, request: web.Request, visit: Visit, session: Session) -> web.StreamResponse:
        asked, site = visit.asked, visit.site
        if visit.framing.upgrade and request.headers.get("Origin", site.origin) != site.origin:
            # A WebSocket is not bound by the same-origin policy: the cookie alone proves nothing.
            raise ForbiddenError(Fault.CROSS_SITE, origin=request.headers.get("Origin"))
        identity: list[tuple[bytes, bytes]] = []
        if isinstance(session, SignedIn):
            request[NOTES].session = session.id
            identity = site.identity.fields(session.claims)
        fields = request_fields(
            request.raw_headers,
            forwarded=Forwarded(client=asked.client, proto=asked.scheme, host=asked.authority),
            identity=identity,
            reserved=_RESERVED,
            own_cookies=self.own_cookies,
            request_id=request[NOTES].request_id,
            host=site.upstream_host or asked.authority.encode(),
        )
        answer = await site.upstream.forward(
            request,
            framing=visit.framing,
            target=asked.target,
            fields=fields,
            own_cookies=self.own_cookies,
            private=isinstance(session, SignedIn),
        )
        if answer.error is not None:
            request[NOTES].decision = answer.error.fault.value
        return answer

    def _refuse(
        self,
        request: web.Request,
        visit: Visit,
        route: Route,
        session: Session,
        reason: Reason,
    ) -> web.Response:
        asked, site = visit.asked, visit.site
        who = session if isinstance(session, SignedIn) else None
        self.audit.record(
            Event.ACCESS_REFUSED,
            request_id=request[NOTES].request_id,
            app=site.app.name,
            client=asked.client,
            reason=reason,
            route=route.place,
            method=asked.method,
            path=asked.path.decoded,
            **(person(who) if who else {}),
        )
        if not asked.navigation:
            status = web.HTTPForbidden.status_code
            return self.answers.problem(request, status=status, kind=reason.value)
        return refusal_page(
            self.answers, request, site, paths=self.paths, route=route, reason=reason, session=session
        )
