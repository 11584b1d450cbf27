from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.fields import Forwarded, OwnCookies, Reserved, request_fields, response_fields, signs_out
from gateway.proxy.forwarded import Telling
from gateway.proxy.names import HOP_BY_HOP, TOLD_BY_THE_GATEWAY, folded

RESERVED = Reserved(names=frozenset({"Remote-User"}), prefixes=("X-ProConnect-",))
OWN = OwnCookies(names=frozenset({b"__Host-gateway"}), prefixes=(b"__Host-gateway-",))
FORWARDED = Forwarded(client="192.0.2.1", proto="https", host="app.example")
ALICE = ((b"Remote-User", b"alice"), (b"X-ProConnect-Email", b"alice@a.test"))
TOLD = [
    (b"X-Forwarded-For", b"192.0.2.1"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Host", b"app.example"),
    (b"X-Request-Id", b"r1"),
]

Pair = tuple[bytes, bytes]


def up(*raw: Pair, identity: Sequence[Pair] = (), host: bytes | None = None) -> list[Pair]:
    return request_fields(
        raw,
        forwarded=FORWARDED,
        identity=identity,
        reserved=RESERVED,
        own_cookies=OWN,
        request_id="r1",
        host=host,
    )


def down(*raw: Pair, private: bool = False) -> list[Pair]:
    return response_fields(raw, own_cookies=OWN, private=private)


def misspelled(name: str) -> st.SearchStrategy[bytes]:
    """The name with its letters in any case and its separators as any other octet of a token."""
    return st.tuples(
        *(st.sampled_from([c.upper(), c.lower()] if c.isalnum() else list("-_.~!#$%&'*+^`|")) for c in name)
    ).map(lambda letters: "".join(letters).encode())


@given(st.one_of(misspelled("remote-user"), misspelled("x-proconnect-email"), misspelled("x-proconnect-x")))
def test_no_spelling_of_a_reserved_name_crosses(name: bytes) -> None:
    assert up((name, b"root")) == TOLD
    assert up((name, b"root"), (name, b"root"), identity=ALICE) == [*TOLD, *ALICE]


@given(st.sampled_from(sorted(HOP_BY_HOP | TOLD_BY_THE_GATEWAY)).flatmap(misspelled))
def test_no_spelling_of_a_hop_by_hop_or_forwarded_field_crosses(name: bytes) -> None:
    assert up((name, b"root")) == TOLD


@pytest.mark.parametrize(
    "name",
    [
        b"X-Forwarded-For",
        b"X_Forwarded_Proto",
        b"X-Forwarded-User",
        b"x-forwarded-prefix",
        b"X-Forwarded-Port",
        b"X-FORWARDED-SERVER",
        b"X-Forwarded-Uri",
        b"X-Forwarded-Path",
        b"Content_Length",
        b"Content.Length",
    ],
)
def test_what_only_the_gateway_may_tell_does_not_cross(name: bytes) -> None:
    assert up((name, b"1")) == TOLD


def test_a_name_that_only_begins_like_a_reserved_one_crosses() -> None:
    raw = (b"Remote-User-Agent", b"x"), (b"X-ProConnected", b"y"), (b"Forwarded-By", b"z")
    assert up(*raw) == [*raw, *TOLD]


def test_fields_keep_their_order_spelling_and_repetitions() -> None:
    raw = (b"hOsT", b"app.example"), (b"Accept", b"a"), (b"X-B", b"1"), (b"accept", b"b"), (b"X-B", b"")
    assert up(*raw) == [*raw, *TOLD]


@pytest.mark.parametrize(
    "connection",
    [
        [b"close, Remote-User, X-ProConnect-Email, x-forwarded-for, X-Request-Id"],
        [b"remote-user,x-proconnect-email", b"X-Forwarded-For ,\tx-request-id"],
        [b"REMOTE-USER", b"", b",,,", b"x-forwarded-proto"],
    ],
)
def test_connection_cannot_remove_what_the_gateway_adds(connection: list[bytes]) -> None:
    raw = [(b"Connection", value) for value in connection]
    assert up(*raw, identity=ALICE) == [*TOLD, *ALICE]


def test_connection_removes_the_fields_that_it_names() -> None:
    raw = (b"X-Hop", b"1"), (b"Connection", b"keep-alive, x-hop"), (b"X-End", b"2"), (b"x-HOP", b"3")
    assert up(*raw) == [(b"X-End", b"2"), *TOLD]


def test_connection_cannot_remove_host_or_length() -> None:
    raw = (b"Host", b"app.example"), (b"Content-Length", b"2")
    assert up(*raw, (b"Connection", b"host, content-length")) == [*raw, *TOLD]


def test_via_of_the_browsers_side_is_kept_before_ours() -> None:
    fields = request_fields(
        [(b"Via", b"1.0 front")],
        forwarded=Forwarded("192.0.2.1", "https", "a", Telling(x_forwarded=False, via="gateway")),
        identity=(),
        reserved=RESERVED,
        own_cookies=OWN,
        request_id="r1",
    )
    assert fields == [(b"Via", b"1.0 front"), (b"Via", b"1.1 gateway"), (b"X-Request-Id", b"r1")]


def test_host_is_kept_or_rewritten() -> None:
    assert up((b"Accept", b"*/*"), (b"Host", b"app.example"), host=b"legacy:8080") == [
        (b"Host", b"legacy:8080"),
        (b"Accept", b"*/*"),
        *TOLD,
    ]


def test_an_identity_name_that_no_table_reserves_has_one_value_all_the_same() -> None:
    identity = ((b"X-Auth-Email", b"alice"),)
    raw = (b"X_Auth_Email", b"root"), (b"x-auth-email", b"root"), (b"X-Other", b"1")
    assert up(*raw, identity=identity) == [(b"X-Other", b"1"), *TOLD, *identity]


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.binary(max_size=20)), max_size=20),
    st.lists(st.sampled_from([b"close", b"Remote-User", b"X-Forwarded-Host", b"a", b"x"]), max_size=4),
)
def test_whatever_comes_the_upstream_reads_one_value_of_each_field_of_ours(
    raw: list[Pair], named: list[bytes]
) -> None:
    fields = up(*raw, (b"Connection", b", ".join(named)), identity=ALICE)
    for name, value in (*TOLD, *ALICE):
        assert [field for field in fields if folded(field[0]) == folded(name)] == [(name, value)]


@pytest.mark.parametrize(
    "cookie, upstream",
    [
        (b"a=1; b=2", b"a=1; b=2"),
        (b"__Host-gateway=s", None),
        (b"__Host-gateway=s; a=1", b"a=1"),
        (b"a=1; __Host-gateway=s", b"a=1"),
        (b'a=1;__Host-gateway=s;  b="2, 3" ;c', b'a=1;  b="2, 3" ;c'),
        (b"a=1; __Host-gateway =s; b=2", b"a=1; b=2"),
        (b"__Host-gateway-attempt-1=x; __Host-gateway=s; __Host-gateway=t", None),
        (b"__Host-gatewayx=1; xx__Host-gateway=2", b"__Host-gatewayx=1; xx__Host-gateway=2"),
        (b"a=__Host-gateway=s", b"a=__Host-gateway=s"),
        (b"__Host-gateway", None),
        (b"", None),
        (b";;;", b";;;"),
        (b"=", b"="),
    ],
)
def test_the_gateways_cookies_stay_and_the_others_cross_untouched(
    cookie: bytes, upstream: bytes | None
) -> None:
    crossed = [] if upstream is None else [(b"cookie", upstream)]
    assert up((b"cookie", cookie)) == [*crossed, *TOLD]


@given(st.lists(st.binary(max_size=20).filter(lambda pair: b";" not in pair), max_size=6))
def test_no_cookie_of_the_gateways_crosses(others: list[bytes]) -> None:
    for place in range(len(others) + 1):
        pairs = [*others[:place], b"__Host-gateway=secret", *others[place:]]
        assert b"__Host-gateway=secret" not in dict(up((b"Cookie", b";".join(pairs)))).get(b"Cookie", b"")


def test_an_answer_keeps_the_order_spelling_and_repetitions_of_its_fields() -> None:
    raw = (b"DATE", b"x"), (b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"ETag", b""), (b"X", b"1")
    assert down(*raw) == [*raw]


@pytest.mark.parametrize(
    "name", [b"keep-alive", b"Transfer-Encoding", b"Upgrade", b"Trailer", b"PROXY-Connection"]
)
def test_hop_by_hop_fields_of_an_answer_stay(name: bytes) -> None:
    assert down((name, b"x"), (b"X", b"1")) == [(b"X", b"1")]


def test_the_connection_field_of_an_answer_removes_what_it_names() -> None:
    raw = (b"Connection", b"X-Hop, close"), (b"X-Hop", b"1"), (b"Content-Length", b"0")
    assert down(*raw) == [(b"Content-Length", b"0")]


@pytest.mark.parametrize(
    "value",
    [
        b"__Host-gateway=evil; Path=/",
        b" __Host-gateway =evil",
        b"__Host-gateway-attempt-1=evil",
        b"=__Host-gateway=evil",
        b"\t= __Host-gateway=evil",
        b"__Host-gateway",
    ],
)
def test_an_upstream_cannot_set_a_cookie_of_the_gateways(value: bytes) -> None:
    assert down((b"set-cookie", value), (b"Set-Cookie", b"a=1")) == [(b"Set-Cookie", b"a=1")]


def test_a_persons_answer_is_private_unless_the_upstream_says_how_it_may_be_cached() -> None:
    marks = [(b"Cache-Control", b"private"), (b"Vary", b"Cookie")]
    said = (b"cache-control", b"max-age=60")
    assert down((b"X", b"1"), private=True) == [(b"X", b"1"), *marks]
    assert down((b"Vary", b"Accept"), private=True) == [(b"Vary", b"Accept"), *marks]
    assert down(said, private=True) == [said]
    assert down((b"X", b"1")) == [(b"X", b"1")]


def test_only_the_connection_field_names_what_goes_no_further() -> None:
    assert up((b"Keep-Alive", b"X-Odd"), (b"TE", b"X-Odd"), (b"X-Odd", b"1")) == [(b"X-Odd", b"1"), *TOLD]
    assert down((b"Keep-Alive", b"X-Odd"), (b"X-Odd", b"1")) == [(b"X-Odd", b"1")]


@pytest.mark.parametrize("name, leaves", [(b"X-Gateway-Sign-Out", True), (b"X-Gateway-Sign-Outs", False)])
def test_an_application_says_that_its_person_leaves_and_no_browser_hears_it(
    name: bytes, *, leaves: bool
) -> None:
    assert signs_out([(b"Date", b"x"), (name, b"")]) is leaves
    assert (down((name, b"")) == []) is leaves
