"""Where a browser may be sent back to: a page of the application it came from, and nothing else.

A target is a path and a query on the gateway's own origin, kept byte for byte. Which origin that is, and
whether the person may see the page, is decided elsewhere, and again when the browser comes back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

_LONGEST: Final = 2048  # characters

# Printable ASCII without what a browser would have encoded (space, ", <, >), what it turns into a slash (\)
# and what it never sends (#). The rest of what RFC 3986 forbids, WHATWG URL lets through in a query.
_TARGET: Final = re.compile(r'/[^\x00-\x20\x7f-\U0010ffff"<>\\#]*')

_MALFORMED_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# A path that goes on changing when it is decoded this often is nobody's page.
_DEEPEST_ENCODING: Final = 3


@dataclass(frozen=True, slots=True)
class ReturnTo:
    """A target that was checked. Only `parse_return_to` makes one; a stored one is parsed again.

    Args:
        target: path and query, as a `Location` may carry it byte for byte.
    """

    target: str


HOME: Final = ReturnTo("/")


def parse_return_to(target: str, *, own_prefix: str = "/_gateway/") -> ReturnTo:
    """Read a request target or a `return_to` parameter; HOME for anything that is doubtful.

    Doubtful is what some browser, server or library could take for another origin (RFC 6819 section 4.2.4),
    or for one of the gateway's own paths, now or after decoding it once more.

    Args:
        target: as it came from a request.
        own_prefix: what the gateway's own paths begin with; it begins and ends with a slash.
    """
    if len(target) > _LONGEST or not _TARGET.fullmatch(target):
        return HOME
    path = target.partition("?")[0]
    if _MALFORMED_ESCAPE.search(path):
        return HOME
    readings = _readings(path)
    if readings is None or any(_doubtful(reading, own_prefix) for reading in readings):
        return HOME
    return ReturnTo(target)


def _readings(path: str) -> list[str] | None:
    """The path as sent, and as servers that decode it, even twice, would read it; None if it goes deeper."""
    readings = [path]
    for _ in range(_DEEPEST_ENCODING):
        # NFKC: full-width slashes, dots and colons are taken for the plain ones by some.
        decoded = normalize("NFKC", unquote(readings[-1]))
        if decoded == readings[-1]:
            return readings
        readings.append(decoded)
    return None


def _doubtful(path: str, own_prefix: str) -> bool:
    if _CONTROL.search(path):
        return True
    # Parameters of segments (`;x=y`) are cut off by some servers before they look at the path.
    segments = [segment.partition(";")[0] for segment in re.split(r"[/\\]", path)[1:]]
    if any(segment.strip() in {".", ".."} for segment in segments):
        return True
    first, *further = segments
    if first[:1].isspace() or not first[:1].isprintable() or (further and not first):
        return True
    # Some servers merge slashes before they look at the path.
    return "/".join(["", *filter(None, segments), ""]).casefold().startswith(own_prefix.casefold())
