"""Silent sign-in: a page open to everybody, where the provider is asked once, without a page, who is there.

The answer comes to `web.callback`. A browser is asked only once it has shown that it keeps the gateway's
cookies: one that does not would be asked at every page, and could show no answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from gateway.access.policy import Route
from gateway.errors import ProviderError
from gateway.sessions.return_to import ReturnTo, parse_return_to
from gateway.web.answers import Answers
from gateway.web.attempts import Attempts, Silence, Wanted
from gateway.web.paths import OwnPaths
from gateway.web.sign_in import route_of
from gateway.web.site import Sites, Visit

_NOT_ASKED: Final = "gateway-silent=no"
"""What ends the query of a page whose browser keeps no cookie of ours; the application does not get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentSignIn:
    """Asks, and shows the page to whoever cannot be asked.

    Args:
        sites: every application.
        answers: makes the answers.
        paths: the gateway's own paths.
        attempts: begins sign-ins.
    """

    sites: Sites
    answers: Answers
    paths: OwnPaths
    attempts: Attempts

    def offer(self, request: web.Request, visit: Visit) -> web.Response | None:
        """Have a browser ask who is there, by way of `start`; None to show it the page.

        One that has shown no cookie at all is not asked, for it may be the first page that it opens here.
        """
        asked, site = visit.asked, visit.site
        fields = request.headers
        opened = fields.get("Sec-Fetch-Dest", "document") == "document" and "Sec-Purpose" not in fields
        if asked.method != "GET" or not asked.navigation or not opened or not request.cookies:
            return None
        if self.attempts.silence(request, site) is not None or asked.target != _without_mark(asked.target):
            return None
        return_to = self._read(asked.target)
        if return_to.target != asked.target:
            # Nothing leads back to an address that is in doubt.
            return None
        response = self.answers.redirect(self.paths.silent_sign_in_to(return_to.target))
        self.attempts.set_silence(response, site, Silence.TO_ASK)
        return response

    async def start(self, request: web.Request) -> web.Response:
        """Send a browser that keeps our cookies to the authorization endpoint, and any other to the page."""
        site = self.sites.read(request).site
        return_to = self._read(request.query.get("return_to", "/"))
        silence = self.attempts.silence(request, site)
        if silence is None:
            return self.answers.redirect(_with_mark(return_to.target))
        route = route_of(site, return_to.target, "GET")
        response = self.answers.redirect(return_to.target)
        if silence is Silence.TO_ASK:
            if route.silent:
                response = await self._asking(request, return_to, route, otherwise=response)
            self.attempts.set_silence(response, site, Silence.ASKED)
        return response

    def as_asked(self, visit: Visit) -> Visit:
        """What the application is to get of a request for such a page."""
        target = _without_mark(visit.asked.target)
        return (
            visit
            if target == visit.asked.target
            else replace(visit, asked=replace(visit.asked, target=target))
        )

    async def _asking(
        self, request: web.Request, return_to: ReturnTo, route: Route, *, otherwise: web.Response
    ) -> web.Response:
        wanted = Wanted(return_to=return_to, hints=route.hints, silent=True)
        try:
            return await self.attempts.begin(request, self.sites.read(request).site, wanted)
        except ProviderError:
            # The page is open to everybody, also while the provider is away.
            return otherwise

    def _read(self, target: str) -> ReturnTo:
        return parse_return_to(target, own_prefix=self.paths.prefix)


def _with_mark(target: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}{_NOT_ASKED}"


def _without_mark(target: str) -> str:
    return target.removesuffix(f"?{_NOT_ASKED}").removesuffix(f"&{_NOT_ASKED}")
