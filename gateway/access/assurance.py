"""ProConnect's levels of assurance: what each is called, and the names for sets of them.

Levels are compared by membership in a set, never by order: whoever lists `eidas1` alone has shut out
`eidas2`. What a rule does with them is in `access.requirements`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

CERTIFICATION_DIRIGEANT: Final = "https://proconnect.gouv.fr/assurance/certification-dirigeant"

LEVELS: Final = (
    "eidas0",
    "eidas0-mfa",
    "eidas1",
    "eidas1-mfa",
    "eidas2",
    "eidas3",
    CERTIFICATION_DIRIGEANT,
)
"""Every `acr` that ProConnect gives since June 2026."""

SETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "mfa": ("eidas0-mfa", "eidas1-mfa", "eidas2", "eidas3"),
        "eidas0+": LEVELS[:6],
        "eidas1+": LEVELS[2:6],
        "eidas2+": LEVELS[4:6],
        "eidas3+": LEVELS[5:6],
        "certification-dirigeant": (CERTIFICATION_DIRIGEANT,),
    }
)
"""The sets that have a name. `mfa` is every level with two factors."""

_GONE: Final = "https://proconnect.gouv.fr/assurance/"


def is_known(name: str) -> bool:
    """Tell whether ProConnect may give this level, or one of this set; another authority's URI it may."""
    return name in {*LEVELS, *SETS} or (":" in name and not name.startswith(_GONE))


def levels(names: Iterable[str]) -> tuple[str, ...]:
    """Levels and names of sets to levels alone, each once, in the order in which they are named."""
    return tuple(dict.fromkeys(level for name in names for level in SETS.get(name, (name,))))


def in_words(acr: Iterable[str]) -> tuple[str, ...]:
    """The name of the set that these levels are, or the levels: what a page has words for."""
    wanted = tuple(acr)
    names = [name for name, members in SETS.items() if len(members) > 1 and set(members) == set(wanted)]
    return tuple(names) or wanted
