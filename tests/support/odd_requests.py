"""Requests that servers read differently, and an oracle that reads a path as the loosest of them would.

The oracle knows nothing of how the gateway reads a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import permutations
from urllib.parse import unquote_to_bytes

from hypothesis import strategies as st

PLACES = ("/admin", "/api/v2", "/public")

PIECES = st.sampled_from(
    [
        "/admin",
        "/public",
        "/api",
        "/v2",
        "/",
        "..",
        ".",
        "%2e",
        "%2F",
        "%5c",
        "\\",
        ";",
        "%3b",
        ";x=/",
        "//",
        "%25",
        "%",
        "?",
        "#",
        "A",
        "%61",
        "%41",
        "dmin",
        "PUBLIC",
        "é",
        "%c3%a9",
        "%00",
        "x",
        "~",
        "*",
        "+",
        "%20",
    ]
)
TARGETS = st.lists(PIECES, min_size=1, max_size=8).map("".join)
TURNS = st.sampled_from(
    ["/", "/../", "/..;/", "/%2e%2e/", "/.;x/../", "/./", "//", "\\..\\", "%2f..%2f", "/%252e%252e/", ";/../"]
)
ENDS = st.sampled_from([place.removeprefix("/") for place in PLACES])
BELOW_PLACES = st.tuples(st.sampled_from([*PLACES, "/x", "/"]), TURNS | PIECES, ENDS | PIECES).map("".join)
"""Fewer oddities, so that many of these are let through."""


def unescaped(path: str) -> str:
    return unquote_to_bytes(path).decode("latin-1")


def without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1] or [""]
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)


READINGS: tuple[Callable[[str], str], ...] = (
    unescaped,
    unescaped,
    lambda path: path.replace("\\", "/"),
    lambda path: re.sub(r";[^/]*", "", path),
    lambda path: re.sub(r"/{2,}", "/", path),
    without_dots,
)


def readings(path: str) -> Iterator[str]:
    """Every path that a server could make of this one with up to three of these habits."""
    yield path
    for count in (1, 2, 3):
        for order in set(permutations(READINGS, count)):
            read = path
            for habit in order:
                read = habit(read)
            yield read


def place_of(path: str) -> str:
    """The rule that a reading falls under, by whole segments, whatever its case."""
    low = path.lower()
    return next((place for place in PLACES if low == place or low.startswith(f"{place}/")), "")


NAMES = st.sampled_from(
    [
        "X-ProConnect-Sub",
        "x_proconnect_sub",
        "X-ProConnect.Sub",
        "Remote-User",
        "REMOTE_USER",
        "Cookie",
        "X-Odd",
        "X-Forwarded-For",
        "x_forwarded_host",
        "X-Request-Id",
        "Connection",
        "Keep-Alive",
        "TE",
        "Forwarded",
        "Transfer_Encoding",
        "Proxy",
        "Upgrade",
        "X-Real-IP",
        "Content_Length",
    ]
)
VALUES = st.sampled_from(
    [
        "forged",
        "close, X-ProConnect-Sub",
        "remote-user",
        "X-Forwarded-For, X-Odd",
        "a=forged",
        "gateway=x; a=b",
    ]
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
