"""Field names, as the different servers behind a proxy read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

TOKEN: Final = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""The octets of a name (RFC 9110 section 5.6.2)."""

SPELLINGS: Final = 1024


def folded(name: bytes | str) -> str:
    """The name as the loosest upstream may read it: lower case, and `-` for all but ASCII letters and digits.

    CGI, WSGI and PHP take `X_Remote.User` for `X-Remote-User`.
    """
    text = name if isinstance(name, str) else name.decode("latin-1")
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())


class ByName(dict[bytes, T]):
    """What a function says of a name, remembered by the name's spelling.

    Every field of every message is looked up in one of these, and nothing in Python is faster than a dict. A
    peer that invents more spellings than real ones do empties it, and only costs itself time.

    Args:
        of: the function; what it raises is not remembered.
    """

    __slots__ = ("_of",)

    def __init__(self, of: Callable[[bytes], T]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, name: bytes) -> T:
        found = self._of(name)
        if len(self) >= SPELLINGS:
            self.clear()
        self[name] = found
        return found
