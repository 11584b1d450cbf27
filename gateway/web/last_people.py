"""The cookie that tells who was signed in at a browser last: given at sign-in, read after the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.sessions.last_person import (
    LastPerson,
    last_person_cookie_name,
    open_last_person,
    person_of,
    seal_last_person,
)
from gateway.sessions.seal import Box
from gateway.sessions.session import Session, SignedIn
from gateway.web.attempts import set_cookie
from gateway.web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPeople:
    """Knows people again by their browsers.

    Args:
        box: seals the cookie.
        clock: Unix seconds.
        random: draws octets.
    """

    box: Box
    clock: Callable[[], int]
    random: Callable[[int], bytes]

    def remember(self, response: web.StreamResponse, site: Site, session: SignedIn) -> None:
        """Have the browser know who was signed in at it, for as long as it runs."""
        value = seal_last_person(session, box=self.box, random=self.random)
        set_cookie(response, last_person_cookie_name(secure=site.secure), value, site=site)

    def at(self, request: web.Request, site: Site, session: Session) -> LastPerson | None:
        """Who is signed in at a browser, or was last; None for a stranger."""
        if isinstance(session, SignedIn):
            return LastPerson(person=person_of(session), session=session.id)
        value = request.cookies.get(last_person_cookie_name(secure=site.secure), "")
        return open_last_person(value, box=self.box, host=site.app.host, now=self.clock())
