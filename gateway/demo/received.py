"""What the demo's old application makes of the fields it receives: names, values as sent, values read.

An application that reads who is there needs no more than `person_in`. Nothing here answers a request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

PREFIX: Final = "x-proconnect-"


@dataclass(frozen=True, slots=True)
class Field:
    """A field line as received.

    Args:
        name: as sent, capitals included.
        raw: the value's bytes, one character each (ISO 8859-1), so that nothing is hidden.
        read: the value as an application should read it.
    """

    name: str
    raw: str
    read: str

    @property
    def from_gateway(self) -> bool:
        """Tell whether this field says who is there."""
        return self.name.lower().startswith(PREFIX) or self.name.lower() == "remote-user"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the gateway signed in, in the words of the fields."""

    name: str
    email: str
    organization: str
    acr: str


def read_fields(raw: Iterable[tuple[bytes, bytes]]) -> tuple[Field, ...]:
    """Every field in the order received; only those named `X-ProConnect-*` are percent-decoded."""
    return tuple(
        Field(name.decode("latin-1"), value.decode("latin-1"), _read(value, decode=_encoded(name)))
        for name, value in raw
    )


def person_in(fields: Iterable[Field]) -> Person | None:
    """Who is there; None when no field says so."""
    known = {field.name.lower(): field.read for field in reversed([*fields]) if field.from_gateway}
    email = known.get(f"{PREFIX}email") or known.get("remote-user", "")
    names = (known.get(f"{PREFIX}given-name"), known.get(f"{PREFIX}usual-name"))
    name = " ".join(part for part in names if part) or email
    if not name:
        return None
    return Person(
        name=name,
        email=email,
        organization=known.get(f"{PREFIX}organization-label", ""),
        acr=known.get(f"{PREFIX}acr", ""),
    )


def _encoded(name: bytes) -> bool:
    return name.lower().startswith(PREFIX.encode())


def _read(value: bytes, *, decode: bool) -> str:
    """Percent-decoded if asked, then UTF-8, or ISO 8859-1 where the bytes are not UTF-8."""
    decoded = unquote_to_bytes(value) if decode else value
    try:
        return decoded.decode("utf-8")
    except UnicodeDecodeError:
        return decoded.decode("latin-1")
