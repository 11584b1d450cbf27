"""Sign-in attempts in the browser's cookies: begun, and found again when the browser comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from gateway.access.hints import Hints
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
from gateway.sessions.return_to import ReturnTo
from gateway.sessions.seal import Box
from gateway.web.answers import Answers
from gateway.web.paths import OwnPaths
from gateway.web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a sign-in is to lead to.

    Args:
        return_to: the page first asked for.
        acr: levels of assurance of which one must come back; empty where any will do.
        hints: what to suggest to the provider.
    """

    return_to: ReturnTo
    acr: tuple[str, ...] = ()
    hints: Hints = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Begins attempts and finds them again.

    Args:
        answers: makes the answers.
        paths: the gateway's own paths.
        box: seals attempts into their cookies.
        clock: Unix seconds.
        random: draws octets.
        token: draws a `state`, a nonce or a verifier.
    """

    answers: Answers
    paths: OwnPaths
    box: Box
    clock: Callable[[], int]
    random: Callable[[int], bytes]
    token: Callable[[], str]

    async def begin(self, request: web.Request, site: Site, wanted: Wanted) -> web.Response:
        """Send the browser to the authorization endpoint, with the attempt in a cookie.

        Raises:
            ProviderError: the provider cannot be used now.
        """
        pending = new_pending(
            return_to=wanted.return_to,
            provider=site.provider.name,
            host=site.app.host,
            redirect_uri=site.redirect_uri(self.paths),
            now=self.clock(),
            token=self.token,
            acr=wanted.acr,
            hints=wanted.hints,
        )
        url = await site.provider.authorization_url(pending, assurance=site.app.assurance)
        response = self.answers.redirect(url)
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

    def find(self, request: web.Request, site: Site, state: str) -> Pending | None:
        """The attempt of this browser with this `state`, begun at this host; None when there is none."""
        name = attempt_cookie_name(state, secure=site.secure)
        value = request.cookies.get(name)
        if value is None:
            return None
        pending = open_pending(
            value, box=self.box, cookie_name=name, now=self.clock(), own_prefix=self.paths.prefix
        )
        if pending is None or pending.host != site.app.host or pending.provider != site.provider.name:
            return None
        return pending if Secret(pending.state) == Secret(state) else None

    def forget(self, response: web.StreamResponse, site: Site, state: str) -> None:
        """Take an attempt's cookie away: it is used up."""
        delete_cookie(response, attempt_cookie_name(state, secure=site.secure), secure=site.secure)


def delete_cookie(response: web.StreamResponse, name: str, *, secure: bool) -> None:
    """Make the browser forget a cookie; a `__Host-` name is only deleted with `Secure` and `Path=/`."""
    response.del_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
