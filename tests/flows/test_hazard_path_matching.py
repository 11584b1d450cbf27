"""What the policy saw is what the upstream gets, for any target and any fields.

The oracle reads a path as the loosest server would, in every order of doing so, and knows nothing of how the
gateway reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import permutations
from urllib.parse import unquote_to_bytes

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.paths import path_pattern
from gateway.access.policy import Access, App, Route
from gateway.access.prefixes import ByPrefix
from gateway.access.readings import read_path
from gateway.errors import GatewayError
from gateway.proxy.fields import Forwarded, OwnCookies, Reserved, request_fields
from gateway.proxy.framing import request_head
from gateway.proxy.names import folded
from gateway.proxy.target import read_target

PLACES = ("/admin", "/api/v2", "/public")
ROUTES = tuple(Route(place=path, path=path_pattern(path), access=Access.PUBLIC) for path in PLACES)
APP = App(
    name="app",
    host="app.example",
    provider="default",
    routes=ROUTES,
    fallback=Route(place="", path=path_pattern("/")),
)
PARTS = ByPrefix("", {path: path for path in PLACES})

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


@settings(max_examples=400)
@given(TARGETS)
def test_hazard_path_matching_no_server_reads_what_goes_up_under_another_rule(raw: str) -> None:
    try:
        target = read_target(raw, method="GET", host="app.example")
        path = read_path(target.partition("?")[0])
        decided, led = APP.route_for(path, "GET"), PARTS.find(path)
    except GatewayError:
        return
    assert raw == target
    sent = request_head("GET", target, [(b"Host", b"app.example")]).split(b" ", 2)[1].decode()
    assert sent == raw
    assert {place_of(reading) for reading in readings(sent.partition("?")[0])} == {decided.place}
    assert led == decided.place


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
IDENTITY = ((b"Remote-User", b"alice"), (b"X-ProConnect-Sub", b"a1"))
TOLD = {
    "remote-user": ["alice"],
    "x-proconnect-sub": ["a1"],
    "x-forwarded-for": ["192.0.2.1"],
    "x-forwarded-host": ["app.example"],
    "x-forwarded-proto": ["https"],
    "x-request-id": ["r1"],
}
RESERVED = Reserved(names=frozenset({"Remote-User"}), prefixes=("X-ProConnect-",))
COOKIES = OwnCookies(names=frozenset({b"gateway"}))


@settings(max_examples=400)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_hazard_header_spoofing_whatever_a_browser_sends_the_gateways_fields_are_its_own(
    sent: list[tuple[str, str]],
) -> None:
    fields = request_fields(
        [(b"Host", b"app.example"), *((name.encode(), value.encode()) for name, value in sent)],
        forwarded=Forwarded("192.0.2.1", "https", "app.example"),
        identity=IDENTITY,
        reserved=RESERVED,
        own_cookies=COOKIES,
        request_id="r1",
    )
    read: dict[str, list[str]] = {}
    for line in request_head("GET", "/", fields).decode().split("\r\n")[1:-2]:
        name, _, value = line.partition(": ")
        read.setdefault(folded(name), []).append(value)
    assert {name: values for name, values in read.items() if name in TOLD} == TOLD
    assert not {name for name in read if name.startswith(("x-proconnect-", "x-forwarded-"))} - TOLD.keys()
    assert not {"proxy", "forwarded", "transfer-encoding", "content-length", "te"} & read.keys()
    assert "gateway=x" not in " ".join(read.get("cookie", []))
