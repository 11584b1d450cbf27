"""Sign-in attempts in the browser's cookies: begun, and found again when the browser comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from gateway.access.hints import Hints
from gateway.oidc.pending import (
    ATTEMPT_LIFETIME,
    ATTEMPT_REMEMBERED,
    Pending,
    attempt_cookie_name,
    attempts_to_drop,
    new_pending,
    open_pending,
    seal_pending,
)
from gateway.secret import Secret
from gateway.sessions.return_to import HOME, ReturnTo
from gateway.sessions.seal import Box
from gateway.sessions.session import SignedIn
from gateway.web.answers import Answers
from gateway.web.paths import OwnPaths
from gateway.web.site import SignInStyle, Site

_ARRIVED = 20  # seconds
_REFUSED = 600  # seconds


class Silence(StrEnum):
    """How far a browser is with being asked, without a word, who is there."""

    TO_ASK = "0"  # it keeps our cookies, and may be asked
    ASKED = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a sign-in is to lead to.

    Args:
        return_to: the page first asked for.
        acr: levels of assurance of which one must come back; empty where any will do.
        hints: what to suggest to the provider.
        form: the form that was kept until the person has signed in; empty for none.
        turn: how often this sign-in was begun anew without the person's asking.
        silent: whether only somebody who is signed in at the provider already is wanted.
    """

    return_to: ReturnTo
    acr: tuple[str, ...] = ()
    hints: Hints = field(default_factory=dict)
    form: str = ""
    turn: int = 0
    silent: bool = False


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
            form=wanted.form,
            turn=wanted.turn,
            silent=wanted.silent,
        )
        url = await site.provider.authorization_url(pending, assurance=site.app.assurance)
        response = self.answers.redirect(url)
        name = attempt_cookie_name(pending.state, secure=site.secure)
        value = seal_pending(pending, box=self.box, cookie_name=name, random=self.random)
        for old in attempts_to_drop(request.cookies, adding=name, size=len(value), box=self.box):
            delete_cookie(response, old, secure=site.secure)
        set_cookie(response, name, value, site=site, lifetime=ATTEMPT_REMEMBERED)
        return response

    def find(
        self, request: web.Request, site: Site, state: str, *, lifetime: int = ATTEMPT_LIFETIME
    ) -> Pending | None:
        """The attempt of this browser with this `state`, begun at this host; None when there is none.

        Args:
            request: the request.
            site: the application.
            state: the attempt's.
            lifetime: seconds after which it does not count any more.
        """
        name = attempt_cookie_name(state, secure=site.secure)
        value = request.cookies.get(name)
        if value is None:
            return None
        pending = open_pending(
            value,
            box=self.box,
            cookie_name=name,
            now=self.clock(),
            lifetime=lifetime,
            own_prefix=self.paths.prefix,
        )
        if pending is None or pending.host != site.app.host or pending.provider != site.provider.name:
            return None
        return pending if Secret(pending.state) == Secret(state) else None

    def seal_end(self, state: str, *, session: SignedIn, target: str) -> bytes:
        """Where an attempt led to, and whom: for the store, in case its callback is asked for again."""
        plain = json.dumps([session.id, target]).encode()
        return self.box.seal(plain, bound_to=state.encode(), random=self.random)

    def open_end(self, state: str, sealed: bytes, *, session: SignedIn) -> str:
        """Where an attempt led to, for who was signed in by it; the home page for anybody else."""
        plain = self.box.open(sealed, bound_to=state.encode())
        whose, target = ("", HOME.target) if plain is None else json.loads(plain)
        return str(target) if whose == session.id else HOME.target

    def arrived(self, response: web.StreamResponse, site: Site) -> None:
        """Have the browser know for a moment that it has just signed in, where it does so without a click."""
        if site.sign_in is SignInStyle.REDIRECT:
            set_cookie(response, arrived_cookie_name(site), "1", site=site, lifetime=_ARRIVED)

    def silence(self, request: web.Request, site: Site) -> Silence | None:
        """How far this browser is with being asked without a word; None for not at all."""
        value = request.cookies.get(_silent_cookie_name(site))
        return None if value is None else Silence.TO_ASK if value == Silence.TO_ASK else Silence.ASKED

    def set_silence(self, response: web.StreamResponse, site: Site, silence: Silence) -> None:
        """Have the browser know, for as long as it runs, how far it is with that."""
        set_cookie(response, _silent_cookie_name(site), silence.value, site=site)

    def just_arrived(self, request: web.Request, site: Site) -> bool:
        """Tell whether a browser without a session has signed in a moment ago: it did not keep that one."""
        return arrived_cookie_name(site) in request.cookies

    def refused(self, request: web.Request, response: web.StreamResponse, site: Site, state: str) -> None:
        """Keep an attempt that failed for a while: whoever reloads the page is still known for its owner."""
        name = attempt_cookie_name(state, secure=site.secure)
        set_cookie(response, name, request.cookies[name], site=site, lifetime=_REFUSED)

    def forget(self, response: web.StreamResponse, site: Site, state: str) -> None:
        """Take an attempt's cookie away: it is used up."""
        delete_cookie(response, attempt_cookie_name(state, secure=site.secure), secure=site.secure)


def arrived_cookie_name(site: Site) -> str:
    """The name of the cookie that says that a browser has just signed in."""
    return f"{'__Host-' if site.secure else ''}gateway-arrived"


def _silent_cookie_name(site: Site) -> str:
    return f"{'__Host-' if site.secure else ''}gateway-silent"


def set_cookie(
    response: web.StreamResponse, name: str, value: str, *, site: Site, lifetime: int | None = None
) -> None:
    """Give the browser a cookie of the gateway's own.

    Args:
        response: the answer that carries it.
        name: its name.
        value: its value.
        site: the application's, whose host alone gets it back.
        lifetime: seconds; None for as long as the browser runs.
    """
    response.set_cookie(
        name, value, max_age=lifetime, path="/", secure=site.secure, httponly=True, samesite="Lax"
    )


def delete_cookie(response: web.StreamResponse, name: str, *, secure: bool) -> None:
    """Make the browser forget a cookie; a `__Host-` name is only deleted with `Secure` and `Path=/`."""
    response.del_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
