"""A person's claims to the identity fields that an application reads.

How values are written so that the application reads them right; under which names stands in `presets`. What
a browser sends under these names is dropped by `proxy.fields`, which is given `names` and `prefixes`.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never
from urllib.parse import quote

from gateway.access.presets import NAMINGS, Preset, Template

RESERVED_NAMES = frozenset({"Remote-User"})
RESERVED_PREFIXES = ("X-ProConnect-",)
"""What no browser sends to any application, whatever names the settings give it."""

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

USUAL_CLAIMS = (
    *("sub", "email", "given_name", "usual_name", "uid", "siret", "siren", "idp_id", "idp_acr", "roles"),
    *("organization_label", "organizational_unit", "belonging_population", "phone_number", "custom"),
    *("acr", "amr", "auth_time"),
)
"""What providers tell of a person, mostly."""

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


LONGEST_VALUE: Final = 4096
"""Octets of a field's value. Many servers take no field of 8190, and would refuse the person everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFields:
    """How one application is told about a person.

    Args:
        preset: whose names are used.
        templates: further fields, each by its name; they go before those of the preset.
        encoding: how values are written.
        remote_user: the claim that becomes the user's name, in lower case.
        separator: between several values, which have it percent-encoded within; None for the preset's way.
    """

    preset: Preset = Preset.PROCONNECT
    templates: tuple[tuple[str, Template], ...] = ()
    encoding: Encoding = Encoding.PERCENT
    remote_user: str = "email"
    separator: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of these fields, as far as the settings tell them, and those that are always ours."""
        naming = NAMINGS[self.preset]
        named = (name for name, _ in (*self.templates, *naming.templates))
        return RESERVED_NAMES | {*naming.user, *named}

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Beginnings of the names of these fields, and those that are always ours."""
        naming = NAMINGS[self.preset]
        return (*RESERVED_PREFIXES, *naming.reserved)

    @property
    def usual(self) -> tuple[bytes, ...]:
        """The names that these fields mostly have, whoever the person is."""
        naming = NAMINGS[self.preset]
        named = [*self.names, *(f"{naming.every}{naming.spelled(c)}" for c in USUAL_CLAIMS if naming.every)]
        return tuple(name.encode() for name in named)

    def fields(self, claims: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
        """One field for each name whose value can be written; a name stands once.

        A value with control characters is never sent, nor one too long for servers, nor an empty one: absence
        means no.
        """
        written: dict[str, tuple[bytes, bytes]] = {}
        for name, text in self._texts(claims):
            value = encode(text, self.encoding) if text else None
            if value and len(value) <= LONGEST_VALUE and name.lower() not in written:
                written[name.lower()] = (name.encode(), value)
        return list(written.values())

    def _texts(self, claims: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
        naming = NAMINGS[self.preset]
        separator = self.separator or naming.separator

        def text_of(claim: str) -> str | None:
            return as_text(claims.get(claim), separator)

        for name, template in self.templates:
            yield name, template.filled(text_of)
        user = claims.get(self.remote_user)
        for name in naming.user:
            yield name, lower_case(user) if isinstance(user, str) else None
        for name, template in naming.templates:
            yield name, template.filled(text_of)
        if naming.every is not None:
            for claim in claims:
                if claim not in PROTOCOL_CLAIMS and (spelled := naming.spelled(claim)):
                    yield naming.every + spelled, text_of(claim)


def lower_case(text: str) -> str:
    """The text in lower case, except for a letter beyond ASCII that this would turn into one within.

    The Kelvin sign would become a `k`, and its bearer somebody else.
    """
    return "".join(c if not c.isascii() and c.lower().isascii() else c.lower() for c in text)


def as_text(value: object, separator: str | None = None) -> str | None:
    """A claim's value as text: strings as they are, all else as JSON; None for nothing.

    Args:
        value: of the claim.
        separator: one character between several texts, in place of JSON. Within each of them it is
            percent-encoded, and `%` with it: whoever splits finds as many as there are, and no other.
    """
    match value:
        case None | "":
            return None
        case str():
            return value
        case list() if separator is not None and all(isinstance(text, str) for text in value):
            escaped = (
                text.replace("%", "%25").replace(separator, quote(separator, safe="")) for text in value
            )
            return separator.join(escaped)
        case Sequence() | Mapping() | bool() | int() | float():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case _:
            return None


def encode(text: str, encoding: Encoding) -> bytes | None:
    """A value as field octets (RFC 9110 section 5.5); None when it has control characters."""
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
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
