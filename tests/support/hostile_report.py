"""What a run says of the hostile provider at its end: by section, cases run, refused and accepted.

A test plays a case when its own name begins with it, as `C1 none` does, or when it is marked
`hostile("F2")`. What must succeed beside a case has a plus sign: `D2+ azp us`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import pytest

NAMED: Final = re.compile(r"([A-J]\d{1,2})(\+?) ")
_PROPERTY: Final = "hostile"
_OUTCOMES: Final = ("passed", "failed", "error")


def played_by(item: pytest.Item) -> set[tuple[str, bool]]:
    """The cases that a test plays, each with whether it must be accepted."""
    marks = item.iter_markers("hostile")
    found = {(str(case), bool(mark.kwargs.get("accepted"))) for mark in marks for case in mark.args}
    if "on_stage" in getattr(item, "fixturenames", ()) and (callspec := getattr(item, "callspec", None)):
        named = NAMED.match(callspec.id)
        found |= {(named[1], bool(named[2]))} if named else set()
    return found


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Note with each test which cases it plays."""
    for item in items:
        item.user_properties += [(_PROPERTY, played) for played in sorted(played_by(item))]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the table."""
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    cases: dict[str, set[str]] = defaultdict(set)
    for outcome in _OUTCOMES:
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == _PROPERTY and (outcome != "passed" or report.when == "call"):
                    case, accepted = value
                    good = "accepted" if accepted else "refused"
                    rows[case[0]][good if outcome == "passed" else "wrong"] += 1
                    cases[case[0]].add(case)
    if not rows:
        return
    columns = ("refused", "accepted", "wrong")
    terminalreporter.section("the hostile provider")
    terminalreporter.write_line(f"{'':8}{'cases':>8}" + "".join(f"{name:>10}" for name in columns))
    for section in sorted(rows):
        counts = "".join(f"{rows[section][name]:>10}" for name in columns)
        terminalreporter.write_line(f"{section:8}{len(cases[section]):>8}{counts}")
    totals = "".join(f"{sum(row[name] for row in rows.values()):>10}" for name in columns)
    terminalreporter.write_line(f"{'all':8}{sum(map(len, cases.values())):>8}{totals}")
