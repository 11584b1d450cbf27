from __future__ import annotations

import pytest

from gateway.proxy.names import HOP_BY_HOP, SPELLINGS, TOLD_BY_THE_GATEWAY, ByName, folded


@pytest.mark.parametrize(
    "name, read_as",
    [
        (b"X_Remote.User", "x-remote-user"),
        ("Remote User", "remote-user"),
        (b"caf\xe9", "caf-"),
        (b"X2", "x2"),
        (b"", ""),
    ],
)
def test_a_name_is_folded_as_the_loosest_upstream_would(name: bytes | str, read_as: str) -> None:
    assert folded(name) == read_as


def test_what_was_said_of_a_name_is_remembered() -> None:
    asked: list[bytes] = []

    def of(name: bytes) -> int:
        asked.append(name)
        return len(name)

    by_name = ByName(of)
    assert [by_name[name] for name in (b"a", b"bc", b"a", b"bc")] == [1, 2, 1, 2]
    assert asked == [b"a", b"bc"]


def test_invented_names_do_not_fill_the_memory() -> None:
    by_name = ByName(len)
    for number in range(10 * SPELLINGS):
        assert by_name[b"%d" % number] == len(str(number))
        assert len(by_name) <= SPELLINGS


def test_a_refusal_is_not_remembered() -> None:
    by_name: ByName[int] = ByName(int)
    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            by_name[b"x"]


STAYS_AT_THIS_HOP = """
connection http2-settings keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer
transfer-encoding upgrade
"""
TOLD = """
cf-connecting-ip client-ip fastly-client-ip forwarded front-end-https proxy true-client-ip x-client-ip
x-cluster-client-ip x-original-host x-original-method x-original-uri x-original-url x-real-ip x-request-id
x-rewrite-url x-url-scheme
"""


def test_what_crosses_no_hop_is_named_here() -> None:
    assert sorted(HOP_BY_HOP) == STAYS_AT_THIS_HOP.split()


def test_what_the_gateway_alone_tells_is_named_here() -> None:
    assert sorted(TOLD_BY_THE_GATEWAY) == TOLD.split()
