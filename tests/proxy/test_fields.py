from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.fields import (
    HOP_BY_HOP,
    TOLD_BY_THE_GATEWAY,
    Forwarded,
    OwnCookies,
    Reserved,
    folded,
    request_fields,
    response_fields,
)

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

Pairs = list[tuple[bytes, bytes]]


def up(*raw: tuple[bytes, bytes], identity: Pairs | None = None, host: bytes | None = None) -> Pairs:
    return request_fields(
        raw,
        forwarded=FORWARDED,
        identity=identity or [],
        reserved=RESERVED,
        own_cookies=OWN,
        request_id="r1",
        host=host,
    )


def down(*raw: tuple[bytes, bytes], private: bool = False) -> Pairs:
    return response_fields(raw, own_cookies=OWN, private=private)


@pytest.mark.parametrize(
    "name, read_as",
    [
        (b"X_Remote.User", "x-remote-user"),
        ("Remote User", "remote-user"),
        (b"caf\xe9", "caf-"),
        (b"X2", "x2"),
        ("\u0130", "--"),
    ],
)
def test_a_name_is_folded_as_the_loosest_upstream_would(name: bytes | str, read_as: str) -> None:
    assert folded(name) == read_as


SPELLINGS = [
    bytes(octets)
    for octets in product(b"Rr", b"emote", b"-_.~", b"Uu", b"ser")  # a few of each place
    if False
] + [
    b"Remote-User",
    b"remote-user",
    b"REMOTE_USER",
    b"Remote.User",
    b"rEmOtE~uSeR",
    b"X-ProConnect-Email",
    b"X_ProConnect_Email",
    b"x-proconnect_email",
    b"X_PROCONNECT-EMAIL",
    b"X.ProConnect.Anything",
    b"X!ProConnect|Sub",
]
