"""Who was signed in last: only what the gateway itself sealed says so, at its host, and for a week."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from gateway.secret import Secret
from gateway.sessions.last_person import (
    LastPerson,
    last_person_cookie_name,
    open_last_person,
    person_of,
    seal_last_person,
)
from gateway.sessions.seal import Purpose, Sealer
from gateway.sessions.session import SignedIn

BOX: Final = Sealer([Secret("n" * 48)]).box(Purpose.LAST_PERSON)
WEEK: Final = 7 * 86_400
SESSION: Final = SignedIn(
    id="0123456789abcdef",
    host="app.example",
    provider="proconnect",
    claims={"sub": "a-sub"},
    id_token=Secret("an.id.token"),
    signed_in_at=1_000,
    last_seen=2_000,
)
VALUE: Final = seal_last_person(SESSION, box=BOX, random=bytes)
NO_VALUES: Final = {
    "nothing": "",
    "a letter": "x",
    "separators": "=;",
    "no ASCII": "é",
    "long enough": "A" * 100,
    "cut": VALUE[:-4],
    "changed": VALUE[:20] + ("A" if VALUE[20] != "A" else "B") + VALUE[21:],
    "lengthened": VALUE + "AAAA",
}


def read(value: str = VALUE, *, host: str = "app.example", now: int = 1_000) -> LastPerson | None:
    return open_last_person(value, box=BOX, host=host, now=now)


def test_the_browser_of_somebody_is_known_for_a_week() -> None:
    expected = LastPerson(person=person_of(SESSION), session=SESSION.id)

    assert read() == expected
    assert read(now=1_000 + WEEK - 1) == expected
    assert read(now=1_000 + WEEK) is None


def test_at_another_host_it_is_a_strangers() -> None:
    assert read(host="other.example") is None


@pytest.mark.parametrize("value", NO_VALUES.values(), ids=NO_VALUES)
def test_a_value_that_the_gateway_did_not_make_says_nothing(value: str) -> None:
    assert read(value) is None


def test_a_value_of_another_secret_or_purpose_says_nothing() -> None:
    for box in (
        Sealer([Secret("o" * 48)]).box(Purpose.LAST_PERSON),
        Sealer([Secret("n" * 48)]).box(Purpose.SIGN_IN_ATTEMPT),
    ):
        assert read(seal_last_person(SESSION, box=box, random=bytes)) is None


@pytest.mark.parametrize(
    "somebody",
    [
        replace(SESSION, host="other.example"),
        replace(SESSION, provider="other"),
        replace(SESSION, claims={"sub": "A-sub"}),
    ],
    ids=["host", "provider", "sub"],
)
def test_a_person_is_one_subject_of_one_provider_at_one_host(somebody: SignedIn) -> None:
    assert person_of(somebody) != person_of(SESSION)


def test_a_later_session_of_the_same_person_is_theirs() -> None:
    later = replace(SESSION, id="fedcba9876543210", signed_in_at=9_000, last_seen=9_000)

    assert person_of(later) == person_of(SESSION)


def test_no_name_of_anybody_stands_in_the_cookie() -> None:
    assert "a-sub" not in VALUE
    assert "a-sub" not in person_of(SESSION)


def test_on_https_no_sibling_host_can_set_the_cookie() -> None:
    assert last_person_cookie_name(secure=True) == "__Host-gateway-person"
    assert last_person_cookie_name(secure=False) == "gateway-person"
