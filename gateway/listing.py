"""What is listed of sessions, for people as a table that fits their terminal, for programs as JSON.

Much of it comes from browsers and providers: nothing of it may move the terminal or pass for something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from gateway.access.hosts import ByHost
from gateway.sessions.summary import Summary

_WIDE: Final = 180  # columns from which each thing has a column of its own

# What browsers call themselves; the first that is there counts, for most name others too.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Version": "Safari",
}
_SYSTEMS: Final = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """How sessions are written.

    Args:
        apps: the apps' names by the hosts where they answer.
        zone: the time zone of the table; None for the machine's.
    """

    apps: ByHost[str]
    zone: tzinfo | None = None

    def as_json(self, summary: Summary) -> str:
        """One line of ASCII, with everything that is known; times are in UTC (RFC 3339)."""
        said: dict[str, Any] = {
            "id": summary.id,
            "name": summary.name,
            "email": summary.email,
            "sub": summary.sub,
            "siret": summary.siret,
            "organisation": summary.organisation,
            "app": self._app(summary),
            "host": summary.host,
            "provider": summary.provider,
            "acr": summary.acr,
            "signed_in_at": _rfc3339(summary.signed_in_at),
            "last_seen": _rfc3339(summary.last_seen),
            "address": summary.address,
            "user_agent": summary.user_agent,
        }
        return json.dumps(said)

    def table(self, summaries: Sequence[Summary], *, width: int) -> Table:
        """A table for a terminal of `width` columns, whoever was there last on top."""
        newest_first = sorted(summaries, key=lambda summary: summary.last_seen, reverse=True)
        wide = width >= _WIDE
        columns = _columns(self, zone=datetime.now(UTC).astimezone(self.zone).tzname() or "")
        groups = [[column] for group in columns for column in group] if wide else columns
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=not wide)
        for group in groups:
            heads = [column.head for column in group]
            table.add_column(
                Text("\n".join(heads)),
                overflow="ellipsis" if wide else "fold",
                no_wrap=wide,
                min_width=max((column.least for column in group), default=0),
            )
        for summary in newest_first:
            table.add_row(
                *(
                    Text("\n".join(printable(column.of(summary) or "-") for column in group))
                    for group in groups
                )
            )
        return table

    def moment(self, at: int) -> str:
        """A time to the minute, where the person who asks is."""
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def _app(self, summary: Summary) -> str | None:
        return self.apps.get(summary.host)

    def app(self, summary: Summary) -> str:
        """The app by its name; by its host, if the settings have none there any more."""
        return self._app(summary) or summary.host


@dataclass(frozen=True, slots=True)
class _Column:
    head: str
    of: Callable[[Summary], str | None]
    least: int = 0


def _columns(listing: Listing, *, zone: str) -> list[list[_Column]]:
    """What the table shows; on a narrow terminal the columns of a group are lines of one."""
    return [
        [
            _Column("Person", lambda summary: summary.name),
            _Column("E-mail", lambda summary: summary.email or summary.sub),
            _Column("Id", lambda summary: summary.id, least=16),
        ],
        [
            _Column("Organisation", lambda summary: summary.organisation),
            _Column("SIRET", lambda summary: summary.siret, least=14),
            _Column("App", listing.app),
        ],
        [
            _Column(f"Since ({zone})", lambda summary: listing.moment(summary.signed_in_at), least=16),
            _Column("Last seen", lambda summary: listing.moment(summary.last_seen), least=16),
            _Column("Level", lambda summary: summary.acr),
        ],
        [
            _Column("Address", lambda summary: summary.address),
            _Column("Browser", lambda summary: browser(summary.user_agent)),
        ],
    ]


def printable(text: str) -> str:
    """A text of one line that moves no terminal: whatever is not printable is escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def browser(user_agent: str | None) -> str | None:
    """What people call a browser that calls itself `user_agent`: `Firefox 140, Linux`."""
    if user_agent is None:
        return None
    versions = dict(re.findall(r"(\w+)/(\d+)", user_agent))
    called = next(
        (f"{name} {versions[token]}" for token, name in _BROWSERS.items() if token in versions), None
    )
    if called is None:
        return user_agent
    system = next((name for token, name in _SYSTEMS.items() if token in user_agent), None)
    return f"{called}, {system}" if system else called


def _rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
