"""JSON off the wire to a mapping, or nothing: the one reader for whatever a provider sends.

What two readers might take differently is refused here (RFC 8259, RFC 7493), and what would make reading
slow, deep or large. What the members mean is the caller's affair.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

LONGEST: Final = 1 << 20
"""How many octets are read at most."""

_DEEPEST: Final = 32  # arrays and objects within one another
_MOST_DIGITS: Final = 20  # an unsigned 64-bit number; Python's own limit is in the thousands
_LONGEST_FRACTION: Final = 64  # characters of a number with fraction or exponent


class JSONRefusedError(ValueError):
    """The octets are not JSON that everybody reads alike. Its text names the reason, never the content."""


def parse_object(raw: bytes, *, longest: int = LONGEST) -> dict[str, Any]:
    """Read one JSON object.

    Args:
        raw: UTF-8 without a byte order mark, and nothing but the object.
        longest: how many octets there may be.

    Raises:
        JSONRefusedError: too long, not UTF-8, not JSON, not an object; a member twice; NaN, an infinity or a
            number beyond its size; more than 32 levels; half of a surrogate pair.
    """
    if len(raw) > longest:
        raise JSONRefusedError("too long")
    try:
        parsed = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise JSONRefusedError("not UTF-8") from None
    except json.JSONDecodeError:
        raise JSONRefusedError("not JSON") from None
    except RecursionError:
        raise JSONRefusedError("too deep") from None
    if not isinstance(parsed, dict):
        raise JSONRefusedError("not an object")
    _look_through(parsed)
    return parsed


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JSONRefusedError("a member twice")
    return members


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise JSONRefusedError("number too large")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text) if len(text) <= _LONGEST_FRACTION else math.inf
    if not math.isfinite(number):
        raise JSONRefusedError("number too large")
    return number


def _constant(name: str) -> NoReturn:
    raise JSONRefusedError(f"{name} is not a number")


def _look_through(document: dict[str, Any]) -> None:
    """Refuse what the parser lets through: depth below its own limit, and text that cannot be UTF-8."""
    left: list[tuple[Any, int]] = [(document, 1)]
    while left:
        value, depth = left.pop()
        if isinstance(value, str):
            _require_text(value)
        elif isinstance(value, dict | list):
            if depth > _DEEPEST:
                raise JSONRefusedError("too deep")
            inside = [*value, *value.values()] if isinstance(value, dict) else value
            left.extend((item, depth + 1) for item in inside)


def _require_text(value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise JSONRefusedError("half of a surrogate pair") from None
