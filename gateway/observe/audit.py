"""Adapter: audit events, who came in, who was refused and why, who left. A closed list, one line each.

An event has a name and fields, never prose, tokens or whole claims. What each may say stands in `FIELDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.errors import Fault, GatewayError
from gateway.sessions.session import SignedIn
from gateway.sessions.summary import Summary


class Event(StrEnum):
    """The closed list of audit events."""

    SIGN_IN = "sign-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    ACCESS_REFUSED = "access-refused"
    SHADOW_REFUSED = "shadow-refused"
    SIGN_OUT = "sign-out"
    SIGN_OUT_REFUSED = "sign-out-refused"
    LOGOUT_REFUSED = "logout-refused"
    SESSION_ENDED = "session-ended"
    RECORD_REFUSED = "record-refused"
    FORM_KEPT = "form-kept"
    FORM_SENT = "form-sent"
    FORM_DROPPED = "form-dropped"
    METADATA_REFUSED = "metadata-refused"


_PERSON: Final = frozenset({"session", "sub", "email", "siret", "idp_id", "acr"})
_REFUSED: Final = _PERSON | {"organisation", "app", "client", "reason", "route", "method", "path"}
_FORM: Final = frozenset({"app", "client", "path", "octets"})

FIELDS: Final[Mapping[Event, frozenset[str]]] = {
    Event.SIGN_IN: _PERSON | {"app", "provider", "client"},
    Event.SIGN_IN_REFUSED: frozenset({"app", "provider", "client", "fault", "facts"}),
    Event.ACCESS_REFUSED: _REFUSED,
    Event.SHADOW_REFUSED: _REFUSED,
    Event.SIGN_OUT: _PERSON | {"app", "provider", "client"},
    Event.SIGN_OUT_REFUSED: frozenset({"app", "client", "fault", "facts"}),
    Event.LOGOUT_REFUSED: frozenset({"app", "provider", "client", "fault", "facts"}),
    Event.SESSION_ENDED: _PERSON | {"app", "provider", "client", "why", "by", "fault", "facts"},
    Event.RECORD_REFUSED: frozenset({"app", "client", "session"}),
    Event.FORM_KEPT: _FORM,
    Event.FORM_SENT: _FORM,
    Event.FORM_DROPPED: _FORM | {"why"},
    Event.METADATA_REFUSED: frozenset({"provider", "fault", "facts"}),
}
"""Which fields an event may have, beside `event`, `audit`, `time` and `request_id`."""

_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes audit events.

    Args:
        write: takes the event's name and fields; a logger's `info`.
    """

    write: Callable[..., Any]

    def record(self, event: Event, *, request_id: str | None = None, **fields: object) -> None:
        """Write one event.

        Raises:
            ValueError: a field is not one that the event may have.
        """
        if unknown := fields.keys() - FIELDS[event]:
            raise ValueError(f"{event} has no field {sorted(unknown)}")
        said = {name: _shown(value) for name, value in fields.items() if value is not None}
        self.write(event.value, audit=True, request_id=request_id, **said)


def person(session: SignedIn) -> dict[str, object]:
    """What an event says of a person: enough to find them, no more."""
    known = {name: session.claims.get(name) for name in ("sub", "email", "siret", "idp_id", "acr")}
    return {"session": session.id, **known}


def listed(summary: Summary) -> dict[str, object]:
    """What an event says of a person whose session was found in the store."""
    names = {"session": "id", "sub": "sub", "email": "email", "siret": "siret", "acr": "acr"}
    return {name: getattr(summary, member) for name, member in names.items()}


def fault(error: GatewayError) -> dict[str, object]:
    """What an event says of an error."""
    return {"fault": error.fault, "facts": error.facts or None}


def _shown(value: object) -> object:
    match value:
        case Fault() | StrEnum():
            return value.value
        case bool() | int() | float():
            return value
        case Mapping():
            return {str(name): _shown(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown(item) for item in value]
        case _:
            return str(value)[:_LONGEST_TEXT]
