"""The page that asks whether a kept form is to be sent again, and what it says when there is none."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.errors import Fault, ForbiddenError
from gateway.secret import Secret
from gateway.sessions.current import current_session
from gateway.sessions.return_to import parse_return_to
from gateway.sessions.session import SignedIn
from gateway.web.answers import Answers
from gateway.web.form_requests import Submitted, is_from_here, read_submitted
from gateway.web.kept_forms import KeptForms, NotThere
from gateway.web.notes import NOTES
from gateway.web.pages import FormSent
from gateway.web.paths import OwnPaths
from gateway.web.site import Sites, Visit

_GONE = 410  # RFC 9110 section 15.5.11


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPages:
    """What a person decides about a form of theirs.

    Args:
        sites: every application.
        answers: makes the answers.
        paths: the gateway's own paths.
        forms: the forms.
    """

    sites: Sites
    answers: Answers
    paths: OwnPaths
    forms: KeptForms

    async def handle(self, request: web.Request) -> web.Response:
        """GET asks, POST drops; the form itself is sent to where it was going."""
        return await (self.forget(request) if request.method == "POST" else self.ask(request))

    async def ask(self, request: web.Request) -> web.Response:
        """Ask whoever sent a form whether to send it now; the button sends it to where it was going."""
        visit = self.sites.read(request)
        site, form = visit.site, request.query.get("form", "")
        page = parse_return_to(request.query.get("return_to", "/"), own_prefix=self.paths.prefix)
        session = await current_session(request)
        if not isinstance(session, SignedIn):
            return self.answers.redirect(self.paths.sign_in_to(page.target, form=form))
        found = await self.forms.find_own(request, visit, form)
        if isinstance(found, NotThere):
            return self.not_there(request, visit, NotThere(found.why, page))
        html = self.answers.pages.form(
            self.answers.language(request),
            branding=site.branding,
            text="ask",
            page_url=page.target,
            sent=FormSent(
                target=found.target,
                path=found.target.partition("?")[0],
                octets=len(found.body),
                value=f"{form}.{found.token}",
                forget_path=self.paths.form,
            ),
        )
        return self.answers.page(html)

    async def forget(self, request: web.Request) -> web.Response:
        """Drop a form on the person's own click, and go back to the page that it came from.

        Raises:
            ForbiddenError: another site asked for it.
        """
        visit = self.sites.read(request)
        if not is_from_here(request, visit.site):
            raise ForbiddenError(Fault.CROSS_SITE, origin=request.headers.get("Origin"))
        submitted = await read_submitted(request, visit) or Submitted(b"")
        found = await self.forms.find_own(request, visit, submitted.form)
        if isinstance(found, NotThere):
            return self.not_there(request, visit, found)
        if Secret(found.token) != submitted.token:
            return self.not_there(request, visit, NotThere("gone", found.page))
        await self.forms.drop(request, visit, submitted.form, found, why="unwanted")
        response = self.answers.redirect(found.page.target)
        self.forms.take_back(response, visit.site, submitted.form)
        return response

    def not_there(self, request: web.Request, visit: Visit, found: NotThere) -> web.Response:
        """Say that a form was sent already, is too old, or was somebody else's; the way back to its page."""
        request[NOTES].decision = f"form-{found.why}"
        html = self.answers.pages.form(
            self.answers.language(request),
            branding=visit.site.branding,
            text=found.why,
            page_url=found.page.target,
        )
        return self.answers.page(html, status=_GONE)
