"""Sign-out: the gateway's session first, then the provider's (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.errors import Fault, ForbiddenError, GatewayError
from gateway.observe.audit import Audit, Event, fault, person
from gateway.secret import Secret
from gateway.sessions.storage import end_session
from gateway.web.answers import Answers
from gateway.web.attempts import delete_cookie
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths
from gateway.web.site import Site, Sites, Visit

_COOKIE: Final = "gateway-sign-out"
_RETURN_LIFETIME: Final = 600  # seconds; what a person may need on the provider's pages


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOut:
    """Ends the session of whoever asks for it themselves, and sends the browser to end the provider's.

    Args:
        sites: every application.
        answers: makes the answers.
        paths: the gateway's own paths.
        audit: told of each sign-out and each refused one.
        token: draws the `state` of the end-session request.
    """

    sites: Sites
    answers: Answers
    paths: OwnPaths
    audit: Audit
    token: Callable[[], str]

    async def start(self, request: web.Request) -> web.Response:
        """Sign out on the person's own click; a request from elsewhere gets a page that asks, or 403.

        Raises:
            ForbiddenError: a POST from another site, or a sign-out link loaded as an image or a script.
        """
        visit = self.sites.read(request)
        site = visit.site
        try:
            asks = _asks_first(request, site)
        except GatewayError as error:
            self.audit.record(
                Event.SIGN_OUT_REFUSED,
                request_id=request[NOTES].request_id,
                app=site.app.name,
                client=visit.asked.client,
                **fault(error),
            )
            raise
        if asks:
            html = self.answers.pages.sign_out(
                self.answers.language(request),
                branding=site.branding,
                sign_out_path=self.paths.sign_out,
                return_url="/",
            )
            return self.answers.page(html)
        return await self._end(request, visit)

    async def _end(self, request: web.Request, visit: Visit) -> web.Response:
        site = visit.site
        session = await end_session(request)
        if session is None:
            return self.answers.redirect(self.paths.signed_out)
        self.audit.record(
            Event.SIGN_OUT,
            request_id=request[NOTES].request_id,
            app=site.app.name,
            provider=site.provider.name,
            client=visit.asked.client,
            **person(session),
        )
        request[NOTES].decision = Event.SIGN_OUT.value
        request[NOTES].session = session.id
        state = self.token()
        url = site.provider.end_session_url(
            id_token=session.id_token,
            post_logout_redirect_uri=site.post_logout_redirect_uri(self.paths),
            state=state,
        )
        if url is None:
            return self.answers.redirect(self.paths.signed_out)
        if request.method == "POST":
            # Browsers hold a form's redirects to its page's form-action, and nobody can list where the
            # provider's sign-out leads: so the form ends here, on a page that goes on by itself.
            language = self.answers.language(request)
            response = self.answers.page(self.answers.pages.onward(language, branding=site.branding, url=url))
        else:
            response = self.answers.redirect(url)
        response.set_cookie(
            _cookie_name(site),
            state,
            max_age=_RETURN_LIFETIME,
            path="/",
            secure=site.secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """The page where the provider sends the browser back to; it works with any `state`."""
        site = self.sites.read(request).site
        sent = request.cookies.get(_cookie_name(site))
        returned = request.query.getall("state", [])
        html = self.answers.pages.signed_out(
            self.answers.language(request),
            branding=site.branding,
            provider_too=sent is not None and len(returned) == 1 and Secret(returned[0]) == Secret(sent),
            home_url="/",
        )
        response = self.answers.page(html)
        if sent is not None:
            delete_cookie(response, _cookie_name(site), secure=site.secure)
        return response


def _asks_first(request: web.Request, site: Site) -> bool:
    """Tell whether the person must confirm; Fetch Metadata and Origin show who made the browser ask.

    Raises:
        ForbiddenError: nobody clicked anything, or another site did it for them.
    """
    from_site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if request.method == "POST":
        if from_site not in {None, "same-origin"} or origin not in {None, site.origin}:
            raise ForbiddenError(Fault.CROSS_SITE, origin=origin, sec_fetch_site=from_site)
        return False
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        raise ForbiddenError(Fault.CROSS_SITE, sec_fetch_mode=request.headers.get("Sec-Fetch-Mode"))
    # A link of the application's own, followed by a person, is as good as our button.
    return not (from_site == "same-origin" and request.headers.get("Sec-Fetch-User") == "?1")


def _cookie_name(site: Site) -> str:
    return f"__Host-{_COOKIE}" if site.secure else _COOKIE
