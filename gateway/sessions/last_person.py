"""Who was signed in at a browser last: said by a small sealed cookie, for the session's record may be gone.

Nobody can make the gateway keep a form who has not been signed in here before, and nobody gets a form back
but the person who sent it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.sessions.seal import Box
from gateway.sessions.session import SignedIn

_PERSON: Final = "gateway-person"
_BELIEVED: Final = 7 * 86_400
"""Seconds for which a browser is believed to be a person's who was signed in at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPerson:
    """Who was signed in at this browser last.

    Args:
        person: what `person_of` made of their session.
        session: the id of that session; what is kept is counted by it.
    """

    person: str
    session: str


def person_of(session: SignedIn) -> str:
    """A name for the person who is signed in, at this host and by this provider."""
    named = f"{session.host}\0{session.provider}\0{session.sub}"
    return urlsafe_b64encode(sha256(named.encode()).digest()[:16]).rstrip(b"=").decode()


def last_person_cookie_name(*, secure: bool) -> str:
    """The name of the cookie that says who was signed in last."""
    return f"{'__Host-' if secure else ''}{_PERSON}"


def seal_last_person(session: SignedIn, *, box: Box, random: Callable[[int], bytes]) -> str:
    """The value of that cookie, for a person who has just signed in: they are its host's business alone."""
    plain = json.dumps([person_of(session), session.id, session.signed_in_at]).encode()
    sealed = box.seal(plain, bound_to=_bound_to(session.host), random=random)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_last_person(value: str, *, box: Box, host: str, now: int) -> LastPerson | None:
    """Who was signed in last; None for a value that the gateway did not make, here, within a week.

    Args:
        value: the cookie's.
        box: opens it.
        host: the host that the request is for.
        now: Unix seconds.
    """
    try:
        sealed = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return None
    plain = box.open(sealed, bound_to=_bound_to(host))
    if plain is None:
        return None
    person, session, signed_in_at = json.loads(plain)
    return LastPerson(person=person, session=session) if now < signed_in_at + _BELIEVED else None


def _bound_to(host: str) -> bytes:
    return f"{_PERSON}\0{host}".encode()
