from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Fault, RequestError
from gateway.proxy.target import UpstreamAddress, read_address, read_target, without_prefix

AS_SENT = [
    "/",
    "/a/b?c=d&e",
    "//evil/x",
    "/%2e%2E/%2f%2F?%61",
    "/a;x=/public/..;/b",
    "/?q=a\\b",
    "/?next=http://a/?x",
    "/a|b^{}\"<>`'",
    "/" + "a" * 8000,
]


@pytest.mark.parametrize("target", AS_SENT)
def test_a_target_in_origin_form_goes_up_byte_for_byte(target: str) -> None:
    assert read_target(target, method="GET", host="a") == target


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#\\")))
def test_no_printable_target_is_changed(tail: str) -> None:
    assert read_target("/" + tail, method="GET", host="a") == "/" + tail


@pytest.mark.parametrize(
    "target, upstream",
    [
        ("http://a/x?y", "/x?y"),
        ("HTTPS://A:80/x", "/x"),
        ("http://a", "/"),
        ("http://a?x=/", "/?x=/"),
        ("http://a//b", "//b"),
    ],
)
def test_a_target_in_absolute_form_loses_its_origin(target: str, upstream: str) -> None:
    host = "a:80" if ":80" in target else "a"
    assert read_target(target, method="GET", host=host) == upstream


def test_options_may_ask_about_the_server() -> None:
    assert read_target("*", method="OPTIONS", host="a") == "*"
    assert read_target("http://a", method="OPTIONS", host="a") == "*"
    assert read_target("http://a?x", method="OPTIONS", host="a") == "/?x"


@pytest.mark.parametrize(
    "target",
    [
        *("", "*", "a", "a:80", "http", "?x", "ftp://a/", "http:/a", "javascript://a/"),
        *("/a b", "/\x00", "/\x7f", "/é", "/\udcc3\udca9", "/a\tb", "/\r\n", "http://a\x01/"),
    ],
)
def test_what_is_no_target_is_refused(target: str) -> None:
    with pytest.raises(RequestError) as refusal:
        read_target(target, method="GET", host="a")
    assert refusal.value.fault is Fault.REQUEST_MALFORMED


@pytest.mark.parametrize(
    "target",
    [
        "/admin#/public/",
        "/#",
        "/a\\b",
        "/\\evil",
        "/..\\admin?x",
        "http://evil/public/",
        "http://a@evil/",
        "http://a:80/",
        "http://user@a/",
        "http:///x",
        "http://a\\/x",
    ],
)
def test_a_target_that_could_be_read_in_two_ways_is_refused(target: str) -> None:
    with pytest.raises(RequestError) as refusal:
        read_target(target, method="GET", host="a")
    assert refusal.value.fault is Fault.TARGET_AMBIGUOUS


@pytest.mark.parametrize(
    "text, address, authority, shown",
    [
        ("http://legacy", UpstreamAddress(host="legacy", port=80), b"legacy", "http://legacy:80"),
        (
            "http://Legacy:8080/",
            UpstreamAddress(host="legacy", port=8080),
            b"legacy:8080",
            "http://legacy:8080",
        ),
        ("https://a.b", UpstreamAddress(host="a.b", port=443, tls=True), b"a.b", "https://a.b:443"),
        ("https://a:80", UpstreamAddress(host="a", port=80, tls=True), b"a:80", "https://a:80"),
        ("http://[::1]:81", UpstreamAddress(host="::1", port=81), b"[::1]:81", "http://[::1]:81"),
        ("http://[::1]", UpstreamAddress(host="::1", port=80), b"[::1]", "http://[::1]:80"),
        ("http://a/app/", UpstreamAddress(host="a", port=80, base="/app"), b"a", "http://a:80"),
        (
            "unix:/run/app.sock",
            UpstreamAddress(host="localhost", port=0, socket="/run/app.sock"),
            b"localhost",
            "unix:/run/app.sock",
        ),
        (
            "unix:/run/a:/base",
            UpstreamAddress(host="localhost", port=0, socket="/run/a", base="/base"),
            b"localhost",
            "unix:/run/a",
        ),
    ],
)
def test_an_address_is_read(text: str, address: UpstreamAddress, authority: bytes, shown: str) -> None:
    assert read_address(text) == address
    assert address.authority == authority
    assert str(address) == shown


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "starts with"),
        ("legacy:80", "starts with"),
        ("ftp://a", "starts with"),
        ("http://", "host name"),
        ("http://:80", "host name"),
        ("http://a b", "host name"),
        ("http://u@a", "user name"),
        ("http://u:p@a", "user name"),
        ("http://a?x", "query"),
        ("http://a#x", "query"),
        ("http://a:0", "port 0"),
        ("http://a:99999", "range"),
        ("http://a/b c", "base path"),
        ("unix:app.sock", "whole path"),
        ("unix:/a:b", "base path"),
    ],
)
def test_what_is_no_address_is_a_fault_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_address(text)


@pytest.mark.parametrize(
    "target, rest",
    [
        ("/dossiers", "/"),
        ("/dossiers/", "/"),
        ("/dossiers/42?x=/dossiers", "/42?x=/dossiers"),
        ("/dossiers?x=1", "/?x=1"),
        ("/dossiers//42", "//42"),
        ("*", "*"),
    ],
)
def test_a_prefix_is_taken_off(target: str, rest: str) -> None:
    assert without_prefix(target, "/dossiers") == rest


@pytest.mark.parametrize("target", ["/Dossiers/42", "/d%6fssiers/42", "/dossiers2", "/dossiers;x/42", "/"])
def test_a_prefix_in_another_spelling_is_refused(target: str) -> None:
    with pytest.raises(RequestError) as refused:
        without_prefix(target, "/dossiers")
    assert refused.value.fault is Fault.TARGET_AMBIGUOUS


@pytest.mark.parametrize("text", ["http://:x@app", "http://app/é", "http://app/\x07"])
def test_what_is_no_address_of_an_upstream_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an upstream"):
        read_address(text)
