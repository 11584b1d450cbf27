"""Under which names an application is told about a person: ours, another product's, the administrator's own.

A preset gives the names that applications already read behind another product, so that they need not change.
A template gives any other name, with text and claims in any order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

_PART = re.compile(r"\{([^{}]+)\}")

Texts: TypeAlias = Callable[[str], str | None]
"""The text of a claim by its name; None when there is nothing to write."""


class Preset(StrEnum):
    """Whose names are used."""

    PROCONNECT = "proconnect"
    OAUTH2_PROXY = "oauth2-proxy"
    MOD_AUTH_OPENIDC = "mod_auth_openidc"
    AUTHELIA = "authelia"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Template:
    """A field's value as text with claims in braces, such as `{given_name} {usual_name}`.

    Args:
        text: as it stands in the settings.
        parts: text and names of claims by turns, text first; made of `text`.
    """

    text: str
    parts: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(_PART.split(self.text)))
        if any(set(text) & set("{}") for text in self.parts[::2]):
            raise ValueError("has a brace that names no claim")

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims that it names."""
        return self.parts[1::2]

    def filled(self, text_of: Texts) -> str | None:
        """The value for one person; None when a claim that it names is absent."""
        texts = [text_of(part) if number % 2 else part for number, part in enumerate(self.parts)]
        return None if None in texts else "".join(filter(None, texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The names of one preset.

    Args:
        user: names of the field that holds the user's name.
        templates: further fields; of two with one name, the first that can be filled counts.
        every: what stands before the name of each claim that was received; None for no such fields.
        spelled: makes a claim's name a part of a field's.
        reserved: beginnings of names that this product's applications trust.
        separator: between several values; None for a JSON array.
    """

    user: tuple[str, ...] = ()
    templates: tuple[tuple[str, Template], ...] = ()
    every: str | None = None
    spelled: Callable[[str], str] = str
    reserved: tuple[str, ...] = ()
    separator: str | None = ","


def in_words(claim: str) -> str:
    """The name of a claim in a field's: `given_name` to `Given-Name`."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in claim).split()
    return "-".join(word[0].upper() + word[1:] for word in words)


def _as_is(claim: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", claim)


_GROUPS: Final = ("{groups}", "{roles}")  # ProConnect's word for them is roles

NAMINGS: Final[Mapping[Preset, Naming]] = {
    Preset.PROCONNECT: Naming(
        user=("Remote-User",),
        every="X-ProConnect-",
        spelled=in_words,
        separator=None,
    ),
    Preset.OAUTH2_PROXY: Naming(
        # Its own fields for upstreams, and those of its answers to a front server.
        templates=tuple(
            (beginning + name, Template(text))
            for beginning in ("X-Forwarded-", "X-Auth-Request-")
            for name, texts in {
                "User": ("{sub}",),
                "Email": ("{email}",),
                "Preferred-Username": ("{preferred_username}",),
                "Groups": _GROUPS,
            }.items()
            for text in texts
        ),
        reserved=("X-Auth-Request-",),
    ),
    Preset.MOD_AUTH_OPENIDC: Naming(every="OIDC_CLAIM_", spelled=_as_is, reserved=("OIDC_",)),
    Preset.AUTHELIA: Naming(
        user=("Remote-User",),
        templates=(
            *(("Remote-Groups", Template(text)) for text in _GROUPS),
            ("Remote-Name", Template("{name}")),
            ("Remote-Name", Template("{given_name} {usual_name}")),
            ("Remote-Email", Template("{email}")),
        ),
    ),
    Preset.NONE: Naming(separator=None),
}
