"""`docs/log.md` names every event with its fields, and every cause, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.errors import Fault
from gateway.observe.audit import FIELDS

PAGE = Path(__file__).parent.parent.parent / "docs" / "log.md"
NAME = re.compile(r"`([a-z_-]+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of each row of the table below a heading."""
    section = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [line.strip("| ").split(" | ") for line in lines]


def test_each_event_stands_there_with_its_fields() -> None:
    told = {NAME.findall(name)[0]: set(NAME.findall(fields)) for name, _, fields in rows("Audit")}
    assert told == {event.value: set(fields) for event, fields in FIELDS.items()}


def test_each_cause_stands_there_once() -> None:
    told = [cause for names, _ in rows("Causes") for cause in NAME.findall(names)]
    assert sorted(told) == sorted(fault.value for fault in Fault)
