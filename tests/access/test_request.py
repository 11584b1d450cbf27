from __future__ import annotations

from ipaddress import ip_network

import pytest
from multidict import CIMultiDict

from gateway.access.request import AccessRequest, TrustedProxies, host_of, is_navigation, read_request
from gateway.errors import Fault, RequestError

PROXIES = TrustedProxies((ip_network("172.16.0.0/12"), ip_network("fd00::/8")))


def read(peer: str | None, **fields: str | list[str]) -> AccessRequest:
    collected = CIMultiDict[str]({"Host": "app.example"})
    for name, values in fields.items():
        wire_name = name.replace("_", "-")
        if wire_name.lower() == "host":
            del collected["Host"]
        for value in [values] if isinstance(values, str) else values:
            collected.add(wire_name, value)
    return read_request(
        method="GET", target="/a?b", fields=collected, peer=peer, scheme="https", proxies=PROXIES
    )


def test_forwarded_fields_of_a_stranger_count_for_nothing() -> None:
    asked = read(
        "203.0.113.9",
        X_Forwarded_For="1.2.3.4",
        X_Forwarded_Proto="http",
        X_Forwarded_Host="evil.example",
        X_Original_URL="/public/",
    )
    assert (asked.client, asked.scheme, asked.host) == ("203.0.113.9", "https", "app.example")
    assert asked.path.decoded == "/a"


def test_forwarded_fields_of_a_trusted_proxy_count() -> None:
    asked = read(
        "172.18.0.2",
        X_Forwarded_For="6.6.6.6, 203.0.113.9",
        X_Forwarded_Proto="http",
        X_Forwarded_Host="first.example, APP2.example:8443",
    )
    assert (asked.client, asked.scheme, asked.host) == ("203.0.113.9", "http", "app2.example")


@pytest.mark.parametrize(
    "forwarded_for, client",
    [
        ([], "172.18.0.2"),
        (["203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 172.18.0.7"], "203.0.113.9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::1]:80"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["203.0.113.9, unknown"], "172.18.0.2"),
        (["203.0.113.9, "], "172.18.0.2"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["172.18.0.9"], "172.18.0.9"),
    ],
)
def test_the_browsers_address_is_the_last_that_a_trusted_proxy_vouches_for(
    forwarded_for: list[str], client: str
) -> None:
    assert PROXIES.client("172.18.0.2", forwarded_for) == client


@pytest.mark.parametrize("peer", [None, "", "unix", "203.0.113.9", "172.32.0.1", "fe80::1%eth0"])
def test_a_peer_outside_the_networks_is_no_trusted_proxy(peer: str | None) -> None:
    assert not PROXIES.trusts(peer)


@pytest.mark.parametrize("peer", ["172.16.0.1", "::ffff:172.16.0.1", "fd00::1"])
def test_a_peer_inside_the_networks_is_a_trusted_proxy(peer: str) -> None:
    assert PROXIES.trusts(peer)


@pytest.mark.parametrize(
    "authority, host",
    [
        ("app.example", "app.example"),
        ("APP.example:8443", "app.example"),
        ("[::1]:80", "[::1]"),
        ("127.0.0.1", "127.0.0.1"),
        ("app.example.", "app.example."),
    ],
)
def test_a_host_is_compared_in_lower_case_without_its_port(authority: str, host: str) -> None:
    assert host_of(authority) == host


@pytest.mark.parametrize(
    "authority",
    [
        "",
        ":80",
        "a b",
        "user@app.example",
        "app.example/x",
        "app.example:port",
        "a,b",
        "é.example",
        "[::1",
    ],
)
def test_a_malformed_host_is_refused(authority: str) -> None:
    with pytest.raises(RequestError) as refused:
        host_of(authority)
    assert refused.value.fault is Fault.REQUEST_MALFORMED


def test_a_trusted_proxy_cannot_name_another_scheme() -> None:
    with pytest.raises(RequestError):
        read("172.18.0.2", X_Forwarded_Proto="javascript")


@pytest.mark.parametrize(
    "method, fields, navigation",
    [
        ("GET", {"Sec-Fetch-Mode": "navigate"}, True),
        ("HEAD", {"Sec-Fetch-Mode": "navigate"}, True),
        ("POST", {"Sec-Fetch-Mode": "navigate"}, False),
        ("GET", {"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, False),
        ("GET", {"Sec-Fetch-Mode": "no-cors", "Accept": "image/*"}, False),
        ("GET", {"Sec-Fetch-Mode": "websocket"}, False),
        ("GET", {"Accept": "text/html,*/*"}, True),
        ("GET", {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}, False),
        ("GET", {"Accept": "application/json"}, False),
        ("GET", {"Accept": "*/*"}, False),
        ("GET", {}, False),
    ],
)
def test_a_navigation_is_a_person_opening_a_page(
    method: str, fields: dict[str, str], *, navigation: bool
) -> None:
    assert is_navigation(method, CIMultiDict(fields)) is navigation


@pytest.mark.parametrize("method, for_a_person", [("GET", True), ("POST", True), ("PUT", False)])
def test_a_page_and_a_form_are_for_a_person(method: str, *, for_a_person: bool) -> None:
    fields = CIMultiDict({"Host": "gw.test", "Sec-Fetch-Mode": "navigate"})
    asked = read_request(
        method=method, target="/", fields=fields, peer=None, scheme="https", proxies=TrustedProxies()
    )
    assert asked.for_a_person is for_a_person
    assert asked.form is (method == "POST")


def test_what_nobody_says_is_empty_or_stays() -> None:
    assert read(None).client == ""
    assert PROXIES.client(None, []) == ""
    told = read("172.18.0.2", Host="app.example:8443")
    assert (told.authority, told.scheme) == ("app.example:8443", "https")


@pytest.mark.parametrize(
    "method, mode, form", [("POST", "navigate", True), ("POST", "cors", False), ("GET", "navigate", False)]
)
def test_a_form_is_what_a_person_posts(method: str, mode: str, *, form: bool) -> None:
    fields = CIMultiDict({"Host": "app.example", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": "document"})
    asked = read_request(
        method=method, target="/", fields=fields, peer=None, scheme="https", proxies=TrustedProxies()
    )
    assert asked.form is form
