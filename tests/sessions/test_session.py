from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.secret import Secret
from gateway.sessions.session import ANONYMOUS, Grant, Lifetimes, Session, SignedIn, from_stored, to_stored

LIFETIMES = Lifetimes(idle=3_600, absolute=43_200)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)
SESSIONS = st.builds(
    SignedIn,
    id=st.text(),
    host=st.text(),
    provider=st.text(),
    claims=st.builds(
        lambda more, sub: {**more, "sub": sub}, st.dictionaries(st.text(), JSON_VALUES), st.text()
    ),
    id_token=st.builds(Secret, st.text()),
    signed_in_at=st.integers(0, 2**40),
    last_seen=st.integers(0, 2**40),
    sid=st.none() | st.text(),
    grant=st.none()
    | st.builds(
        Grant,
        refresh_token=st.builds(Secret, st.text()),
        nonce=st.text(),
        due_at=st.integers(0, 2**40),
        number=st.integers(0, 2**40),
    ),
)


def signed_in(*, signed_in_at: int = 1_000, last_seen: int = 1_000) -> SignedIn:
    return SignedIn(
        id="0123456789abcdef",
        host="app.example",
        provider="proconnect",
        claims={"sub": "a-sub"},
        id_token=Secret("an.id.token"),
        signed_in_at=signed_in_at,
        last_seen=last_seen,
    )


@given(session=SESSIONS)
def test_a_stored_session_reads_back_as_it_was(session: SignedIn) -> None:
    assert from_stored(json.loads(json.dumps(to_stored(session)))) == session


@pytest.mark.parametrize("name", sorted(to_stored(signed_in())))
def test_a_record_without_one_of_its_values_is_nobody(name: str) -> None:
    stored = to_stored(signed_in())
    del stored[name]

    assert from_stored(stored) == ANONYMOUS


@pytest.mark.parametrize("name", sorted(to_stored(signed_in())))
@pytest.mark.parametrize("value", [{}, 1.5, ["x"]])
def test_a_record_with_a_value_of_another_type_is_nobody(name: str, value: Any) -> None:
    assert from_stored({**to_stored(signed_in()), name: value}) == ANONYMOUS


@pytest.mark.parametrize("claims", [{}, {"sub": None}, {"sub": 7}, {"sub": ["a"]}])
def test_claims_without_a_subject_identifier_are_nobody(claims: dict[str, Any]) -> None:
    assert from_stored({**to_stored(signed_in()), "claims": claims}) == ANONYMOUS


@given(stored=JSON_VALUES)
def test_any_other_json_value_is_nobody(stored: Any) -> None:
    assert from_stored(stored) == ANONYMOUS


@pytest.mark.parametrize(
    "now, alive",
    [
        (1_000, True),
        (4_599, True),
        (4_600, False),
        (999, True),  # a clock that was set back ends nobody's session
    ],
)
def test_a_session_ends_when_its_idle_lifetime_has_passed(now: int, *, alive: bool) -> None:
    assert LIFETIMES.alive(signed_in(), now=now) is alive


@pytest.mark.parametrize("now, alive", [(44_199, True), (44_200, False)])
def test_a_session_in_use_ends_when_its_absolute_lifetime_has_passed(now: int, *, alive: bool) -> None:
    assert LIFETIMES.alive(signed_in(last_seen=44_198), now=now) is alive


@pytest.mark.parametrize("now, due", [(1_000, False), (1_359, False), (1_360, True), (9_999, True)])
def test_the_idle_time_is_due_after_a_tenth_of_the_idle_lifetime(now: int, *, due: bool) -> None:
    assert LIFETIMES.idle_write_due(signed_in(), now=now) is due


def test_a_very_short_idle_lifetime_is_not_written_twice_a_second() -> None:
    assert not Lifetimes(idle=5, absolute=60).idle_write_due(signed_in(), now=1_000)
    assert Lifetimes(idle=5, absolute=60).idle_write_due(signed_in(), now=1_001)


@pytest.mark.parametrize("now, seconds", [(1_000, 3_600), (43_000, 1_200), (44_200, 1), (50_000, 1)])
def test_a_store_keeps_a_record_no_longer_than_either_lifetime(now: int, seconds: int) -> None:
    assert LIFETIMES.remaining(signed_in(), now=now) == seconds


@given(session=SESSIONS, now=st.integers(0, 2**40))
def test_a_store_never_drops_a_record_that_is_alive(session: SignedIn, now: int) -> None:
    seen = session.seen(now)
    end = now + LIFETIMES.remaining(seen, now=now)

    assert not LIFETIMES.alive(seen, now=end)


def test_a_session_that_was_seen_keeps_everything_else() -> None:
    assert signed_in().seen(2_000) == signed_in(last_seen=2_000)


def test_the_subject_identifier_is_the_claim() -> None:
    assert signed_in().sub == "a-sub"


@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_a_session_never_shows_its_id_token(show: Any) -> None:
    session: Session = signed_in()

    assert "an.id.token" not in show(session)
