from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Fault, ProviderError
from gateway.observe.audit import FIELDS, Audit, Event, fault, person
from gateway.secret import Secret
from gateway.sessions.session import SignedIn

ALICE = SignedIn(
    id="a1",
    host="app.example",
    provider="default",
    claims={"sub": "alice", "email": "a@x.example", "siret": "1", "acr": "eidas1", "given_name": "Alice"},
    id_token=Secret("the-id-token"),
    signed_in_at=0,
    last_seen=0,
)


def record(event: Event, **fields: object) -> dict[str, Any]:
    lines: list[dict[str, Any]] = []
    Audit(write=lambda name, **said: lines.append({"event": name, **said})).record(
        event, request_id="r1", **fields
    )
    (line,) = lines
    return line


def test_every_event_has_its_fields_in_the_table() -> None:
    assert set(FIELDS) == set(Event)


def test_a_sign_in_says_who_where_and_with_which_assurance() -> None:
    assert record(
        Event.SIGN_IN, app="dossiers", provider="default", client="203.0.113.9", **person(ALICE)
    ) == {
        "event": "sign-in",
        "audit": True,
        "request_id": "r1",
        "app": "dossiers",
        "provider": "default",
        "client": "203.0.113.9",
        "session": "a1",
        "sub": "alice",
        "email": "a@x.example",
        "siret": "1",
        "acr": "eidas1",
    }


def test_a_refused_sign_in_says_its_fault() -> None:
    error = ProviderError(Fault.ID_TOKEN_ISS, got="https://evil.example")
    line = record(Event.SIGN_IN_REFUSED, app="dossiers", provider="default", client="::1", **fault(error))
    assert line["fault"] == "id-token-iss"
    assert line["facts"] == {"got": "https://evil.example"}


@pytest.mark.parametrize("event", list(Event))
def test_a_field_that_is_not_in_the_table_is_refused(event: Event) -> None:
    with pytest.raises(ValueError, match="id_token"):
        record(event, id_token="x")


def test_a_long_text_is_cut() -> None:
    assert len(record(Event.SIGN_OUT, app="x" * 1000)["app"]) == 200


def test_a_persons_fields_hold_no_token() -> None:
    assert "the-id-token" not in str(person(ALICE))
