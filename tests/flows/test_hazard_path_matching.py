"""What the policy saw is what the upstream gets, for any target and any fields.

The functions that a request passes are called one by one; `tests/fuzz/test_over_the_wire.py` asks a gateway.
"""

from __future__ import annotations

from hypothesis import given, settings

from gateway.access.paths import path_pattern
from gateway.access.policy import Access, App, Route
from gateway.access.prefixes import ByPrefix
from gateway.access.readings import read_path
from gateway.errors import GatewayError
from gateway.proxy.fields import Forwarded, OwnCookies, Reserved, request_fields
from gateway.proxy.framing import request_head
from gateway.proxy.names import folded
from gateway.proxy.target import read_target
from tests.support.odd_requests import FIELDS, PLACES, TARGETS, place_of, readings

ROUTES = tuple(Route(place=path, path=path_pattern(path), access=Access.PUBLIC) for path in PLACES)
APP = App(
    name="app",
    host="app.example",
    provider="default",
    routes=ROUTES,
    fallback=Route(place="", path=path_pattern("/")),
)
PARTS = ByPrefix("", {path: path for path in PLACES})


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
@given(FIELDS)
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
