"""What a run has found, as tables for people and as JSON for programs. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.figures import Figure
from bench.row import Measured, Row

_HEADINGS: Final = ("", "minimum", "median", "maximum", "unit", "must", "aim", "")
_LEFT: Final = (0, 4, 7)  # columns of text
_WIDE: Final = 100
"""From here on, a number is written without decimals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One row and what came of it.

    Args:
        row: the row.
        measured: what it found; None when it could not be measured.
        why: why not; empty when it could.
    """

    row: Row
    measured: Measured | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Of one run.

    Args:
        date: when it began, ISO 8601.
        effort: its name.
        processor: the processor's name.
        cores: how many.
        busy: processes that wanted to run, over a minute, before it began.
        versions: by the part's name.
    """

    date: str
    effort: str
    processor: str
    cores: int
    busy: float
    versions: Mapping[str, str]


def as_text(found: Sequence[Found], given: Circumstances) -> str:
    """One table for each row, and on what it was measured."""
    parts = ", ".join(f"{name} {version}" for name, version in given.versions.items())
    lines = [
        f"Measured {given.date} ({given.effort} run) on {given.cores} cores, {given.processor};",
        f"{given.busy:.1f} processes wanted to run before it began.",
        parts,
    ]
    for each in found:
        lines += ["", each.row.title]
        if each.measured is None:
            lines.append(f"  NOT MEASURED: {each.why}")
        else:
            lines += [f"  {line}" for line in _table(map(_cells, each.measured.figures))]
            lines += [f"  {note}" for note in each.measured.notes]
    return "\n".join(lines) + "\n"


def as_json(found: Sequence[Found], given: Circumstances) -> dict[str, Any]:
    """The same with every sample, as JSON values."""
    return {
        "date": given.date,
        "effort": given.effort,
        "processor": given.processor,
        "cores": given.cores,
        "busy": given.busy,
        "versions": dict(given.versions),
        "rows": {each.row.name: _row(each) for each in found},
    }


def _row(each: Found) -> dict[str, Any]:
    if each.measured is None:
        return {"title": each.row.title, "not_measured": each.why}
    return {
        "title": each.row.title,
        "figures": list(map(_figure, each.measured.figures)),
        "notes": list(each.measured.notes),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    spread, target = figure.spread, figure.target
    said: dict[str, Any] = {
        "what": figure.what,
        "unit": figure.unit,
        "minimum": spread.minimum,
        "median": spread.median,
        "maximum": spread.maximum,
        "samples": list(figure.samples),
    }
    if target is not None:
        said |= {"must": target.must, "aim": target.aim, "better": target.better.value}
        said["mark"] = target.mark(spread.median).value
    return said


def _cells(figure: Figure) -> Sequence[str]:
    spread, target, mark = figure.spread, figure.target, figure.mark
    return (
        figure.what,
        *map(number, (spread.minimum, spread.median, spread.maximum)),
        figure.unit,
        f"{target.must:g}" if target else "",
        f"{target.aim:g}" if target else "",
        mark.value if mark else "",
    )


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [_HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if column in _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def number(value: float) -> str:
    """A number as the tables write it: three digits, or all in front of the decimal point."""
    if abs(value) >= _WIDE:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}" if abs(value) < _WIDE / 10 else f"{value:.1f}"
