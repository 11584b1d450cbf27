"""Start of a sign-in: what a request gets that needs somebody, and the way to the authorization endpoint.

What comes back from there is `web.callback`'s affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aiohttp import web

from gateway.access.hints import NO_HINTS, Hints, hints_of_link, login_hint
from gateway.access.policy import Decision, Route, SignInRequired, StepUpRequired, decide
from gateway.access.readings import read_path
from gateway.errors import Fault, ForbiddenError, RequestError, TooLargeError
from gateway.sessions.current import current_session
from gateway.sessions.kept_form import FORM_ID
from gateway.sessions.return_to import ReturnTo, parse_return_to
from gateway.sessions.session import ANONYMOUS
from gateway.web.answers import Answers
from gateway.web.attempts import Attempts, Wanted
from gateway.web.form_requests import Submitted, page_of
from gateway.web.kept_forms import KeptForms, NotThere
from gateway.web.paths import OwnPaths
from gateway.web.site import SignInStyle, Site, Sites, Visit

_DETAIL: Final = (
    "The application did not get this request, and nothing of it is kept. Have the person sign in at "
    "sign_in_url, in a window of its own, and send it again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The authorization code flow (OpenID Connect Core 1.0 section 3.1), its beginning.

    Args:
        sites: every application.
        answers: makes the answers.
        paths: the gateway's own paths.
        attempts: begins sign-ins.
        forms: keeps what was sent without a session.
    """

    sites: Sites
    answers: Answers
    paths: OwnPaths
    attempts: Attempts
    forms: KeptForms

    async def require(
        self,
        request: web.Request,
        visit: Visit,
        route: Route,
        decision: SignInRequired | StepUpRequired,
        submitted: Submitted | None = None,
    ) -> web.Response:
        """Answer a request that needs somebody signed in, or signed in better; nothing of it goes upstream.

        No body is read, but that of a form which is to be kept (RFC 9470 section 3 for who steps up).

        Args:
            request: the request.
            visit: the same, read.
            route: the route that decided.
            decision: what is missing.
            submitted: the wish to send a kept form again, which has to wait for this; None for all else.
        """
        asked, site = visit.asked, visit.site
        if asked.form:
            return await self._set_aside(request, visit, decision, submitted)
        if not asked.navigation:
            return self._challenge(request, site, decision)
        if site.sign_in is SignInStyle.REDIRECT or isinstance(decision, StepUpRequired):
            if isinstance(decision, SignInRequired) and self.attempts.just_arrived(request, site):
                error = ForbiddenError(Fault.SIGN_IN_LOOP)
                return self.answers.error(request, error, retry=self.paths.sign_in_to(asked.target))
            return await self.attempts.begin(
                request, site, _wanted(self._read(asked.target), route, decision)
            )
        return self._page(request, site, self.paths.sign_in_to(asked.target))

    def point_out(
        self, request: web.Request, visit: Visit, decision: SignInRequired | StepUpRequired
    ) -> web.Response:
        """Say where to sign in, through a front server that may pass on neither page nor cookie."""
        asked, site = visit.asked, visit.site
        if not asked.for_a_person:
            return self._challenge(request, site, decision)
        # The front server has the form's body, and may lose it.
        page = page_of(request, site, own_prefix=self.paths.prefix).target if asked.form else asked.target
        url = self.paths.sign_in_to(page)
        fields = {"Location": site.origin + url}
        if not asked.form and (site.sign_in is SignInStyle.REDIRECT or isinstance(decision, StepUpRequired)):
            # Where the page is passed on, it goes on by itself.
            fields["Refresh"] = f"0;url={url}"
        return self._page(request, site, url, form="lost" if asked.form else None, fields=fields)

    async def start(self, request: web.Request) -> web.Response:
        """Send the browser to the authorization endpoint, to ask for what the page that it goes to needs.

        Nothing but hints that the app allows is taken from the link: a link cannot ask for less.
        """
        site = self.sites.read(request).site
        return_to = self._read(request.query.get("return_to", "/"))
        form = request.query.get("form", "")
        kept = await self.forms.find(request, site, form)
        route = (
            route_of(site, return_to.target, "GET")
            if isinstance(kept, NotThere)
            else route_of(site, kept.target, "POST")
        )
        session = await current_session(request) if route.require.claims else ANONYMOUS
        hints = hints_of_link(request.query.items(), allowed=site.app.link_hints)
        decision = decide(site.app, route, session)
        # Also one that is not there any more: whoever comes back is told so.
        form = form if FORM_ID.fullmatch(form) else ""
        wanted = _wanted(return_to, route, decision, further_hints=hints, form=form)
        return await self.attempts.begin(request, site, wanted)

    async def _set_aside(
        self,
        request: web.Request,
        visit: Visit,
        decision: SignInRequired | StepUpRequired,
        submitted: Submitted | None,
    ) -> web.Response:
        """Keep a form if it can be kept, and ask to sign in; never a redirect, which would lose it unsaid."""
        site, forms = visit.site, self.forms
        page = page_of(request, site, own_prefix=self.paths.prefix)
        cookie, form = None, submitted.form if submitted is not None else ""
        session = decision.session if isinstance(decision, StepUpRequired) else ANONYMOUS
        if submitted is None:
            try:
                cookie = await forms.keep(request, visit, session)
            except TooLargeError as error:
                return self.answers.error(request, error, retry=self.paths.sign_in_to(page.target))
            form = cookie.id if cookie is not None else ""
        url = self.paths.sign_in_to(page.target, form=form)
        response = self._page(request, site, url, form="kept" if form else "lost")
        if cookie is not None:
            forms.hand_over(response, site, cookie)
        return response

    def _page(
        self,
        request: web.Request,
        site: Site,
        url: str,
        *,
        form: str | None = None,
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> web.Response:
        """The page with the button, which leads to `url`."""
        html = self.answers.pages.sign_in(
            self.answers.language(request), branding=site.branding, sign_in_url=url, form=form
        )
        fields = {"WWW-Authenticate": site.challenge, **fields}
        return self.answers.page(html, status=web.HTTPUnauthorized.status_code, fields=fields)

    def _challenge(
        self, request: web.Request, site: Site, decision: SignInRequired | StepUpRequired
    ) -> web.Response:
        """401 for a program: where a person signs in, and with which levels of assurance, if that matters.

        Nothing of it is kept, whatever it sends: a page's script still has what it sent, and alone knows what
        to do with the answer. Sent on by a click, that answer would reach a person, and not the script.
        """
        scheme, members = site.challenge, {}
        if isinstance(decision, StepUpRequired):
            acr_values = " ".join(decision.acr)
            scheme += f', error="insufficient_user_authentication", acr_values="{acr_values}"'
            members["acr_values"] = list(decision.acr)
        return self.answers.problem(
            request,
            status=web.HTTPUnauthorized.status_code,
            kind=decision.reason.value,
            members={"detail": _DETAIL, "sign_in_url": site.origin + self.paths.sign_in, **members},
            fields={"WWW-Authenticate": scheme},
        )

    def _read(self, target: str) -> ReturnTo:
        return parse_return_to(target, own_prefix=self.paths.prefix)


def _wanted(
    return_to: ReturnTo,
    route: Route,
    decision: Decision,
    *,
    further_hints: Hints = NO_HINTS,
    form: str = "",
) -> Wanted:
    """What a sign-in for a route is to lead to; a person who only steps up is spared the e-mail page."""
    acr, known = route.levels, NO_HINTS
    if isinstance(decision, StepUpRequired):
        acr, known = decision.acr, login_hint(decision.session.claims.get("email"))
    hints = {**route.hints, **known, **further_hints}
    return Wanted(return_to=return_to, acr=acr, hints=hints, form=form)


def route_of(site: Site, target: str, method: str) -> Route:
    """The route of the request that a sign-in leads to."""
    try:
        return site.app.route_for(read_path(target.partition("?")[0]), method)
    except RequestError:
        # The page will be refused for its path, whoever comes back to it.
        return site.app.fallback
