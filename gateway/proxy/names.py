"""Field names: how the servers behind a proxy may read them, and which of them stay at this hop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

TOKEN: Final = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""The octets of a name (RFC 9110 section 5.6.2)."""

SPELLINGS: Final = 1024
"""How many spellings of names are remembered."""

HOP_BY_HOP: Final = frozenset(  # RFC 9110 section 7.6.1, and what earlier specifications named so
    {
        "connection",
        "http2-settings",  # RFC 7540 section 3.2.1
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

TOLD_BY_THE_GATEWAY: Final = frozenset(  # who asks, and for what: upstreams believe these
    {
        "cf-connecting-ip",
        "client-ip",
        "fastly-client-ip",
        "forwarded",  # RFC 7239
        "front-end-https",
        "proxy",  # a CGI program reads it as the variable HTTP_PROXY
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-host",
        "x-original-method",
        "x-original-uri",
        "x-original-url",
        "x-real-ip",
        "x-request-id",
        "x-rewrite-url",
        "x-url-scheme",
    }
)
TOLD_BY_THE_GATEWAY_PREFIX: Final = "x-forwarded-"


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
