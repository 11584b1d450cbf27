"""The cookie's bits: what the store calls the record they lead to, and the record that only they open.

How a cookie field is read is here too, because a browser, a sibling host and an attacker all may fill it.
Setting the cookie is `sessions.storage`'s work, and so is asking the store.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Final

from gateway.secret import Secret
from gateway.sessions.keys import record_key, session_id
from gateway.sessions.seal import Purpose, Sealer
from gateway.sessions.session import ANONYMOUS, Session, SignedIn, from_stored, to_stored

_BITS_LENGTH: Final = 32  # octets
_MOST_COOKIES: Final = 4


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The browser's handle to a session: 256 random bits that nothing but the browser keeps.

    Args:
        bits: 32 octets.
    """

    bits: bytes = field(repr=False)

    @property
    def value(self) -> Secret:
        """The cookie's value: 43 characters of base64url (RFC 4648 section 5)."""
        return Secret(urlsafe_b64encode(self.bits).rstrip(b"=").decode())

    @property
    def key(self) -> str:
        """What the store calls the record; the bits do not follow from it."""
        return record_key(sha256(self.bits).digest())

    @property
    def session_id(self) -> str:
        """What logs and people call the session; neither the key nor the bits follow from it."""
        return session_id(self.key)

    def seal(self, session: SignedIn, *, sealer: Sealer, random: Callable[[int], bytes]) -> bytes:
        """The session's record, sealed for these bits and bound to its key."""
        plain = json.dumps(to_stored(session), separators=(",", ":")).encode()
        box = sealer.box(Purpose.SESSION_RECORD, bits=self.bits)
        return box.seal(plain, bound_to=self.key.encode(), random=random)

    def open(self, record: bytes, *, sealer: Sealer) -> Session:
        """Read a record that `seal` made for these bits; any other is nobody's."""
        box = sealer.box(Purpose.SESSION_RECORD, bits=self.bits)
        plain = box.open(record, bound_to=self.key.encode())
        return ANONYMOUS if plain is None else from_stored(json.loads(plain))


def new_cookie(random: Callable[[int], bytes]) -> SessionCookie:
    """Draw a new cookie; `random` gives that many unpredictable octets."""
    return SessionCookie(random(_BITS_LENGTH))


def read_cookies(fields: Iterable[str], *, name: str) -> tuple[SessionCookie, ...]:
    """The distinct cookies of one name, in the browser's order, at most four (RFC 6265 section 5.4).

    There may be several: a page of a sibling host can add one for the whole domain. Only spaces and tabs
    around a cookie are ignored: a name that starts with some other blank is another name, which the
    `__Host-` rules of browsers do not protect (RFC 6265bis section 4.1.3.2). A value of another form is no
    cookie of ours.

    Args:
        fields: every value of the `Cookie` field.
        name: the cookie's name.
    """
    pattern = _pattern(name)
    found: dict[SessionCookie, None] = {}
    for text in fields:
        for match in pattern.finditer(text) if name in text else ():
            bits = urlsafe_b64decode(match[1] + "=")
            # The last character carries two bits too many; only one way to write the cookie counts.
            if urlsafe_b64encode(bits) == match[1].encode() + b"=":
                found[SessionCookie(bits)] = None
            if len(found) == _MOST_COOKIES:
                return tuple(found)
    return tuple(found)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Made once for each name, of which there are two."""
    return re.compile(rf"(?:^|;)[ \t]*{re.escape(name)}=([A-Za-z0-9_-]{{43}})[ \t]*(?=;|\Z)")
