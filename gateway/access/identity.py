"""A person's claims to the identity fields that an application reads.

Which names these are, and how values are written so that the application reads them right. What a browser
sends under these names is dropped by `proxy.fields`, which is given `RESERVED_NAMES` and `RESERVED_PREFIXES`.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never
from urllib.parse import quote

PREFIX = "X-ProConnect-"
REMOTE_USER = "Remote-User"
RESERVED_NAMES = frozenset({"remote-user"})
RESERVED_PREFIXES = ("x-proconnect-",)

# What a token says about itself rather than about the person (RFC 7519 section 4.1; OpenID Connect Core 1.0
# sections 2, 3.1.3.6 and 5.6.2).
PROTOCOL_CLAIMS = frozenset(
    {
        "iss",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "nonce",
        "azp",
        "at_hash",
        "c_hash",
        "sid",
        "_claim_names",
        "_claim_sources",
    }
)

# Printable ASCII except `%`, which starts an escape, and `+`, which some decoders turn into a space.
_WRITTEN_AS_IS = "".join(chr(octet) for octet in range(0x20, 0x7F) if chr(octet) not in "%+")
_SPELLED_OUT = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O"})


class Encoding(StrEnum):
    """How a value that is not plain ASCII is written into a field."""

    PERCENT = "percent"  # UTF-8, percent-encoded: pure ASCII, breaks nothing
    UTF_8 = "utf-8"  # raw UTF-8 octets: PHP and CGI
    LATIN_1 = "latin-1"  # ISO 8859-1 octets: Java, Node, Python WSGI
    BASE64 = "base64"  # the UTF-8 octets in base64
    ASCII = "ascii"  # é becomes e


@dataclass(frozen=True, slots=True)
class IdentityFields:
    """How one application is told about a person.

    Args:
        encoding: how values are written.
        remote_user: the claim that becomes `Remote-User`, in lower case.
    """

    encoding: Encoding = Encoding.PERCENT
    remote_user: str = "email"

    def fields(self, claims: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
        """One field for each claim that can be written, `Remote-User` first; a name stands once.

        A value with control characters is never sent, nor is an empty one: absence means no.
        """
        written: dict[str, tuple[bytes, bytes]] = {}
        user = claims.get(self.remote_user)
        candidates = [(REMOTE_USER, lower_case(user) if isinstance(user, str) else None)]
        candidates += [
            (PREFIX + field_name(claim), as_text(value))
            for claim, value in claims.items()
            if claim not in PROTOCOL_CLAIMS and field_name(claim)
        ]
        for name, text in candidates:
            value = None if text is None else encode(text, self.encoding)
            if value and name.lower() not in written:
                written[name.lower()] = (name.encode(), value)
        return list(written.values())


def field_name(claim: str) -> str:
    """The field name of a claim behind the prefix: `given_name` to `Given-Name`."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in claim).split()
    return "-".join(word[0].upper() + word[1:] for word in words)


def lower_case(text: str) -> str:
    """The text in lower case, except for a letter beyond ASCII that this would turn into one within.

    The Kelvin sign would become a `k`, and its bearer somebody else.
    """
    return "".join(c if not c.isascii() and c.lower().isascii() else c.lower() for c in text)


def as_text(value: object) -> str | None:
    """A claim's value as text: strings as they are, all else as JSON; None for nothing."""
    match value:
        case None:
            return None
        case str():
            return value
        case Sequence() | Mapping() | bool() | int() | float():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return None


def encode(text: str, encoding: Encoding) -> bytes | None:
    """A value as field octets (RFC 9110 section 5.5); None when it has control characters."""
    if not text or any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        return None
    match encoding:
        case Encoding.PERCENT:
            return _percent(text)
        case Encoding.UTF_8:
            return text.strip().encode()
        case Encoding.LATIN_1:
            spelled = "".join(c if c <= "\xff" else _without_accents(c) for c in text.strip())
            return spelled.encode("latin-1", "replace")
        case Encoding.BASE64:
            return base64.b64encode(text.encode())
        case Encoding.ASCII:
            return _without_accents(text).strip().encode("ascii", "replace")
        case other:
            assert_never(other)


def _percent(text: str) -> bytes:
    inner = text.strip(" ")
    lead = len(text) - len(text.lstrip(" "))
    trail = len(text) - len(text.rstrip(" ")) if inner else 0
    # A server trims spaces at either end of a value (RFC 9110 section 5.5), so these are escaped.
    return ("%20" * lead + quote(inner, safe=_WRITTEN_AS_IS) + "%20" * trail).encode()


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.translate(_SPELLED_OUT))
    return "".join(c for c in decomposed if not unicodedata.combining(c))
