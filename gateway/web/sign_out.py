"""Sign-out: the gateway's session first, then the provider's (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.errors import Fault, ForbiddenError, GatewayError, StoreError
from gateway.observe.audit import Audit, Event, fault, person
from gateway.secret import Secret
from gateway.sessions.current import end_session, give_cookie
from gateway.sessions.return_to import HOME, ReturnTo, parse_return_to
from gateway.sessions.session import SignedIn
from gateway.web.answers import Answers
from gateway.web.attempts import arrived_cookie_name, delete_cookie, set_cookie
from gateway.web.notes import NOTES
from gateway.web.paths import HERE_ALONE, OwnPaths
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

        With `only=here`, the provider's session goes on.

        Raises:
            ForbiddenError: a POST from another site, or a sign-out link loaded as an image or a script.
        """
        visit = self.sites.read(request)
        site = visit.site
        try:
            asks = _asks_first(request, site)
        except GatewayError as error:
            self._refuse(request, visit, error)
            raise
        if asks:
            html = self.answers.pages.sign_out(
                self.answers.language(request),
                branding=site.branding,
                sign_out_path=self.paths.sign_out,
                here_path=self.paths.sign_out_here,
                return_url="/",
            )
            return self.answers.page(html)
        if request.query.get("only") == HERE_ALONE:
            await self._end_here(request, visit)
            return _without_arrival(request, site, self.answers.redirect(self.paths.signed_out))
        switch = request.query.get("switch")
        back = None if switch is None else parse_return_to(switch, own_prefix=self.paths.prefix)
        return await self._end(request, visit, back)

    async def with_application(
        self, request: web.Request, visit: Visit, cookies: Iterable[bytes]
    ) -> web.Response:
        """Sign out a person who has left the application: what its answer was is seen by nobody.

        Args:
            request: what the application was asked.
            visit: the same, read.
            cookies: what it has the browser keep or forget, as values of `Set-Cookie`.

        Raises:
            StoreError: the store did not answer; the session goes on.
        """
        response = await self._end(request, visit, None)
        await give_cookie(request, response)
        for value in cookies:
            response.headers.add("Set-Cookie", value.decode("utf-8", "surrogateescape"))
        return response

    async def quietly(self, request: web.Request, visit: Visit) -> None:
        """End the session here alone, for a script, which gets the application's answer.

        Raises:
            StoreError: the store did not answer; the session goes on.
        """
        await self._end_here(request, visit)

    async def told_by_answer(self, request: web.Request, visit: Visit) -> None:
        """The same when the answer, which has gone out already, was the first to say so."""
        try:
            await self._end_here(request, visit)
        except StoreError as error:
            self._refuse(request, visit, error)

    def wished(self, request: web.Request, visit: Visit) -> bool:
        """Tell whether a request signs out of the application on its person's wish; a forged one is audited.

        The application gets the request in any case: what it makes of it is its own affair.
        """
        if not visit.site.signs_out_at(visit.asked):
            return False
        headers = request.headers
        from_site, mode = headers.get("Sec-Fetch-Site"), headers.get("Sec-Fetch-Mode")
        origin = headers.get("Origin")
        wished = (
            from_site in {None, "same-origin", "none"}
            and origin in {None, visit.site.origin}
            and mode != "no-cors"
            # A browser that fetches links in advance leaves nowhere.
            and "Sec-Purpose" not in headers
        )
        if not wished:
            self._refuse(
                request, visit, ForbiddenError(Fault.CROSS_SITE, origin=origin, sec_fetch_site=from_site)
            )
        return wished

    def _refuse(self, request: web.Request, visit: Visit, error: GatewayError) -> None:
        self.audit.record(
            Event.SIGN_OUT_REFUSED,
            request_id=request[NOTES].request_id,
            app=visit.site.app.name,
            client=visit.asked.client,
            **fault(error),
        )

    async def _end_here(self, request: web.Request, visit: Visit) -> SignedIn | None:
        """End the gateway's session, and tell whose it was."""
        session = await end_session(request)
        if session is not None:
            self.audit.record(
                Event.SIGN_OUT,
                request_id=request[NOTES].request_id,
                app=visit.site.app.name,
                provider=visit.site.provider.name,
                client=visit.asked.client,
                **person(session),
            )
            request[NOTES].decision = Event.SIGN_OUT.value
            request[NOTES].session = session.id
        return session

    async def _end(self, request: web.Request, visit: Visit, back: ReturnTo | None) -> web.Response:
        """End both sessions; with `back`, to come back there with another account."""
        session = await self._end_here(request, visit)
        return _without_arrival(request, visit.site, self._onward(request, visit.site, session, back))

    def _onward(
        self, request: web.Request, site: Site, session: SignedIn | None, back: ReturnTo | None
    ) -> web.Response:
        """To the provider, where it has a session to end as well."""
        if session is None:
            return self.answers.redirect(self.paths.signed_out if back is None else back.target)
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
        value = state if back is None else f"{state}.{_packed(back)}"
        set_cookie(response, _cookie_name(site), value, site=site, lifetime=_RETURN_LIFETIME)
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Where the provider sends the browser back, with any `state`: a page, or on to another sign-in."""
        site = self.sites.read(request).site
        sent = request.cookies.get(_cookie_name(site))
        state, _, packed = (sent or "").partition(".")
        back = _unpacked(packed, self.paths.prefix) if packed else None
        returned = request.query.getall("state", [])
        provider_too = sent is not None and len(returned) == 1 and Secret(returned[0]) == Secret(state)
        if back is not None and provider_too:
            response = self.answers.redirect(self.paths.sign_in_to(back.target))
        else:
            html = self.answers.pages.signed_out(
                self.answers.language(request),
                branding=site.branding,
                provider_too=provider_too,
                home_url="/" if back is None else back.target,
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


def _without_arrival(request: web.Request, site: Site, response: web.Response) -> web.Response:
    """Have the browser forget that it has just signed in: who does so again does not go round in circles."""
    if arrived_cookie_name(site) in request.cookies:
        delete_cookie(response, arrived_cookie_name(site), secure=site.secure)
    return response


def _packed(back: ReturnTo) -> str:
    return urlsafe_b64encode(back.target.encode()).decode().rstrip("=")


def _unpacked(packed: str, own_prefix: str) -> ReturnTo:
    """What the browser kept, read as if it had come from anywhere."""
    try:
        return parse_return_to(urlsafe_b64decode(packed + "==").decode(), own_prefix=own_prefix)
    except ValueError:
        return HOME


def _cookie_name(site: Site) -> str:
    return f"__Host-{_COOKIE}" if site.secure else _COOKIE
