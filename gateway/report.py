"""Who would be locked out: what the audit log says of rules in shadow mode, added up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gateway.observe.audit import Event

Row: TypeAlias = tuple[str, str, str, str]
"""The app, the rule by its place in the settings, the Reason, the SIRET of the organisation."""

MOST_ROWS: Final = 100_000
"""Rows that are kept: as many as a process of some hundred megabytes can hold."""


@dataclass(slots=True)
class Locked:
    """The people of one organisation whom one rule would refuse for one reason.

    Attributes:
        organisation: its name, as it was told last; empty if it never was.
        people: their addresses, or what the provider calls them.
        requests: how often.
        first: the time of the first line, as it stands there.
        last: that of the last one.
        path: one page that was asked for.
    """

    organisation: str = ""
    people: set[str] = field(default_factory=set)
    requests: int = 0
    first: str = ""
    last: str = ""
    path: str = ""


@dataclass(slots=True)
class Report:
    """What was read.

    Attributes:
        rows: who would be locked out.
        lines: lines read.
        unreadable: those among them that are no JSON object.
        left_out: requests of rows that there was no room for.
    """

    rows: dict[Row, Locked] = field(default_factory=dict)
    lines: int = 0
    unreadable: int = 0
    left_out: int = 0
    _understood: int = 0

    def read(self, lines: Iterable[str]) -> None:
        """Add up lines of a log in JSON; whatever is no event of this kind is passed over."""
        for line in lines:
            self.lines += 1
            event = _event(line)
            if event is None:
                self.unreadable += bool(line.strip())
                continue
            self._understood += 1
            if event.get("audit") and event.get("event") == Event.SHADOW_REFUSED.value:
                self._add(event)

    def _add(self, event: dict[str, Any]) -> None:
        told = {name: str(event.get(name) or "") for name in ("app", "route", "reason", "siret")}
        row = (told["app"], told["route"], told["reason"], told["siret"])
        if row not in self.rows and len(self.rows) >= MOST_ROWS:
            self.left_out += 1
            return
        locked = self.rows.setdefault(row, Locked())
        locked.requests += 1
        locked.people.add(str(event.get("email") or event.get("sub") or ""))
        locked.organisation = str(event.get("organisation") or locked.organisation)
        locked.path = locked.path or str(event.get("path") or "")
        at = str(event.get("time") or "")
        locked.first = min(filter(None, (locked.first, at)), default="")
        locked.last = max(locked.last, at)

    @property
    def readable(self) -> bool:
        """Whether there was anything to read: an empty log is readable, one in console format is not."""
        return not self.unreadable or self._understood > 0

    @property
    def sorted(self) -> list[tuple[Row, Locked]]:
        """The rows: by rule and Reason, and those with the most people first."""
        return sorted(self.rows.items(), key=lambda item: (item[0][:3], -len(item[1].people), item[0]))


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
