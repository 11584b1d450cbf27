from __future__ import annotations

import pytest

from gateway.errors import Fault, ProviderError, RequestError
from gateway.oidc.checks import require, same, shown


def test_a_check_that_holds_says_nothing() -> None:
    require([1], Fault.STATE)


def test_a_check_that_fails_raises_its_fault_and_facts() -> None:
    with pytest.raises(ProviderError) as refused:
        require(None, Fault.ID_TOKEN_SUB, claim="sub")
    assert (refused.value.fault, refused.value.facts) == (Fault.ID_TOKEN_SUB, {"claim": "sub"})


def test_a_check_can_blame_somebody_else() -> None:
    with pytest.raises(RequestError):
        require(0, Fault.STATE, raises=RequestError)


@pytest.mark.parametrize(
    "value, text",
    [
        ("https://op.test", "'https://op.test'"),
        (None, "None"),
        ("a\r\nb\x1b[0m\u202e", r"'a\r\nb\x1b[0m\u202e'"),
        (["é"], r"['\xe9']"),
    ],
)
def test_a_shown_value_is_one_line_of_ascii(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_shown_value_is_short() -> None:
    assert len(shown("x" * 10_000)) == 200


@pytest.mark.parametrize(
    "theirs, equal",
    [
        ("abc", True),
        ("abC", False),
        ("abc ", False),
        ("", False),
        ("\ud800", False),
        (None, False),
        (["abc"], False),
    ],
)
def test_only_equal_text_is_the_same(theirs: object, *, equal: bool) -> None:
    assert same("abc", theirs) is equal


def test_a_shown_value_is_whole_as_long_as_it_fits() -> None:
    assert shown("x" * 198) == repr("x" * 198)
    assert shown("x" * 199).endswith("x...")
