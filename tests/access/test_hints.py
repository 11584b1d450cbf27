from __future__ import annotations

import pytest

from gateway.access.hints import Hint, hints_of_link, is_hint, login_hint

EVERY = frozenset(Hint)


@pytest.mark.parametrize(
    "name, value",
    [
        ("idp_hint", "71144ab3-ee1a-4401-b7b3-79b44f7daeeb"),
        ("login_hint", "Alice.D-E+x@Example.gouv.fr"),
        ("siret_hint", "13002526500013"),
    ],
)
def test_a_hint_of_its_form_is_taken_from_a_link_as_it_is(name: str, value: str) -> None:
    assert hints_of_link([("return_to", "/"), (name, value)], allowed=EVERY) == {name: value}


@pytest.mark.parametrize(
    "name, value",
    [
        ("idp_hint", ""),
        ("idp_hint", "a b"),
        ("idp_hint", "a&b"),
        ("idp_hint", "x" * 257),
        ("login_hint", "alice"),
        ("login_hint", "alice@example.fr\r\nX: y"),
        ("login_hint", "alice@evil.fr@example.fr"),
        ("login_hint", "élise@example.fr"),
        ("siret_hint", "130025265000130"),
        ("siret_hint", "1300252650001"),
        ("siret_hint", "1300252650001٣"),
        ("acr_values", "eidas0"),
        ("claims", "{}"),
        ("prompt", "none"),
        ("scope", "openid"),
    ],
)
def test_whatever_else_a_link_carries_is_passed_over(name: str, value: str) -> None:
    assert not is_hint(name, value)
    assert hints_of_link([(name, value)], allowed=EVERY | {name}) == {}


def test_a_hint_that_the_app_does_not_allow_is_passed_over() -> None:
    link = [("siret_hint", "13002526500013"), ("login_hint", "a@b.fr")]
    assert hints_of_link(link, allowed=frozenset({"login_hint"})) == {"login_hint": "a@b.fr"}


def test_a_hint_that_is_there_twice_is_passed_over() -> None:
    assert hints_of_link([("login_hint", "a@b.fr"), ("login_hint", "c@d.fr")], allowed=EVERY) == {}


@pytest.mark.parametrize("email", ["Alice@Example.FR", "a@b.fr"])
def test_a_known_address_is_suggested_as_it_was_received(email: str) -> None:
    assert login_hint(email) == {"login_hint": email}


@pytest.mark.parametrize("email", [None, 7, "", "alice", ["a@b.fr"], "é@b.fr"])
def test_what_is_no_address_suggests_nothing(email: object) -> None:
    assert login_hint(email) == {}
