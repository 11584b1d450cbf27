"""Every path that is not the gateway's own: decide, then act on the Decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from aiohttp import web

from gateway.access.policy import Allow, Decision, Deny, Route, SignInRequired, StepUpRequired, decide
from gateway.access.requirements import Reason
from gateway.errors import Fault, ForbiddenError, NotFoundError, UpstreamError
from gateway.observe.audit import Audit, Event, person
from gateway.proxy.fields import Forwarded, OwnCookies, request_fields
from gateway.proxy.framing import HTTP_1_1, Framing
from gateway.proxy.relay import AnswerWithheldError, Parting
from gateway.proxy.target import without_prefix
from gateway.sessions.current import current_session, derived
from gateway.sessions.kept_form import KeptForm
from gateway.sessions.session import ANONYMOUS, Session, SignedIn
from gateway.web.answers import Answers
from gateway.web.form_pages import FormPages
from gateway.web.form_requests import Submitted, laid_over, read_submitted
from gateway.web.kept_forms import KeptForms, NotThere
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths
from gateway.web.refusals import refusal_page
from gateway.web.sign_in import SignIn
from gateway.web.sign_out import SignOut
from gateway.web.silent_sign_in import SilentSignIn
from gateway.web.site import Site, Sites, Visit

_IDENTITY: Final = "identity fields"


@dataclass(frozen=True, slots=True)
class Judged:
    """What was decided about a request, by which rule, about whom."""

    route: Route
    session: Session
    decision: Decision

    @property
    def may_be_asked(self) -> bool:
        """Whether the provider may know who this is, and may be asked without a word."""
        return self.route.silent and not isinstance(self.session, SignedIn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets a request through to its application, or not."""

    sites: Sites
    sign_in: SignIn
    silent_sign_in: SilentSignIn
    sign_out: SignOut
    forms: KeptForms
    form_pages: FormPages
    answers: Answers
    paths: OwnPaths
    own_cookies: OwnCookies
    audit: Audit

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Decide about one request and act on the decision."""
        visit = self.sites.read(request)
        judged = await self.judge(request, visit)
        submitted = await read_submitted(request, visit) if visit.asked.form else None
        match decision := judged.decision:
            case Allow():
                if judged.may_be_asked:
                    asking = self.silent_sign_in.offer(request, visit)
                    if asking is not None:
                        return asking
                    visit = self.silent_sign_in.as_asked(visit)
                if submitted is None:
                    return await self._forward(request, visit, decision.session)
                return await self._forward_read(request, visit, decision.session, submitted)
            case SignInRequired() if visit.asked.for_a_person and self.sign_out.wished(request, visit):
                # Nobody signs in to sign out.
                return self.answers.redirect(self.paths.signed_out)
            case SignInRequired() | StepUpRequired():
                return await self.sign_in.require(request, visit, judged.route, decision, submitted)
            case Deny():
                return self.refuse(request, visit, judged)
            case other:
                assert_never(other)

    async def judge(self, request: web.Request, visit: Visit) -> Judged:
        """Decide, whoever carries the bytes.

        Raises:
            NotFoundError: the path is the gateway's own.
            RequestError: two readings of the path fall under different rules.
            StoreError: the store did not answer; nothing is known about the person.
        """
        asked, app = visit.asked, visit.site.app
        if asked.path.any_starts_with(self.paths.prefix):
            raise NotFoundError(Fault.NOT_FOUND)
        route = app.route_for(asked.path, asked.method)
        session = await current_session(request) if route.wants_session else ANONYMOUS
        decision = decide(app, route, session)
        judged = Judged(route, session, decision)
        request[NOTES].decision = decision.reason.value
        if isinstance(decision, Allow) and decision.shadowed is not None:
            self._tell(Event.SHADOW_REFUSED, request, visit, judged, decision.shadowed)
        return judged

    async def _forward_read(
        self, request: web.Request, visit: Visit, session: Session, submitted: Submitted
    ) -> web.StreamResponse:
        """Forward a form whose body was read: the kept one that it means, or itself."""
        if not submitted.form:
            return await self._forward(request, visit, session, body=submitted.body)
        form = await self.forms.take(request, visit, submitted)
        if isinstance(form, NotThere):
            return self.form_pages.not_there(request, visit, form)
        try:
            answer = await self._forward(request, visit, session, form=form, body=form.body)
        except UpstreamError as error:
            await self.forms.failed(request, visit, submitted, error)
            retry = self.paths.form_of(submitted.form, page=form.page.target)
            return self.answers.error(request, error, retry=retry)
        await self.forms.sent(request, visit, submitted, form)
        return answer

    async def _forward(
        self,
        request: web.Request,
        visit: Visit,
        session: Session,
        *,
        form: KeptForm | None = None,
        body: bytes | None = None,
    ) -> web.StreamResponse:
        asked, site = visit.asked, visit.site
        to = site.destinations.find(asked.path)
        if to.upstream is None:
            raise NotFoundError(Fault.NOT_FOUND)
        if visit.framing.upgrade:
            check_origin(request, site)
        identity = await identity_of(request, site, session)
        fields = request_fields(
            request.raw_headers if form is None else laid_over(request.raw_headers, form),
            forwarded=Forwarded(
                asked.client, asked.scheme, asked.authority, to.telling, request.version != HTTP_1_1
            ),
            identity=[*identity, *to.added] if to.added else identity,
            reserved=site.reserved,
            own_cookies=self.own_cookies,
            request_id=request[NOTES].request_id,
            host=to.host or asked.authority.encode(),
        )
        leaving = self.sign_out.wished(request, visit) if site.sign_out_paths else False
        parting = Parting.IF_TOLD if asked.for_a_person else Parting.RELAYED
        if leaving and asked.for_a_person:
            parting = Parting.WITHHELD
        elif leaving:
            await self.sign_out.quietly(request, visit)
        try:
            answer = await to.upstream.forward(
                request,
                framing=visit.framing if body is None else Framing(length=len(body)),
                target=without_prefix(asked.target, to.prefix) if to.prefix else asked.target,
                fields=fields,
                own_cookies=self.own_cookies,
                private=isinstance(session, SignedIn),
                session=session.id if isinstance(session, SignedIn) else None,
                body=body,
                parting=parting,
            )
        except AnswerWithheldError as withheld:
            return await self.sign_out.with_application(request, visit, withheld.cookies)
        except UpstreamError:
            if parting is not Parting.WITHHELD:
                raise
            # Whatever becomes of the application's own session, ours ends.
            return await self.sign_out.with_application(request, visit, ())
        if answer.signs_out and not leaving:
            await self.sign_out.told_by_answer(request, visit)
        if answer.error is not None:
            request[NOTES].decision = answer.error.fault.value
        return answer

    def refuse(self, request: web.Request, visit: Visit, judged: Judged) -> web.Response:
        """403: which condition does not hold, in one audit event, and on a page or as a problem."""
        asked, site = visit.asked, visit.site
        route, session, reason = judged.route, judged.session, judged.decision.reason
        self._tell(Event.ACCESS_REFUSED, request, visit, judged, reason)
        if not asked.for_a_person:
            status = web.HTTPForbidden.status_code
            return self.answers.problem(request, status=status, kind=reason.value)
        return refusal_page(
            self.answers,
            request,
            site,
            switch_path=self.paths.switch_account(asked.target),
            route=route,
            reason=reason,
            session=session,
        )

    def _tell(self, event: Event, request: web.Request, visit: Visit, judged: Judged, reason: Reason) -> None:
        who: dict[str, object] = {}
        if isinstance(judged.session, SignedIn):
            organisation = judged.session.claims.get("organization_label")
            who = {**person(judged.session), "organisation": organisation}
        self.audit.record(
            event,
            request_id=request[NOTES].request_id,
            app=visit.site.app.name,
            client=visit.asked.client,
            reason=reason,
            route=judged.route.place,
            method=visit.asked.method,
            path=visit.asked.path.decoded,
            **who,
        )


async def identity_of(request: web.Request, site: Site, session: Session) -> list[tuple[bytes, bytes]]:
    """The fields that tell an application who asks; none for nobody."""
    if not isinstance(session, SignedIn):
        return []
    request[NOTES].session = session.id
    return await derived(request, _IDENTITY, lambda who: site.identity.fields(who.claims))


def check_origin(request: web.Request, site: Site) -> None:
    """Check who asks for a WebSocket: the same-origin policy leaves it out, so that a cookie proves nothing.

    Raises:
        ForbiddenError: a page of another site (RFC 6455 section 10.2), unless the settings name it.
    """
    origin = request.headers.get("Origin", site.origin)
    if origin != site.origin and origin not in site.websocket_origins:
        raise ForbiddenError(Fault.CROSS_SITE, origin=origin)
