"""The table of hazards: read from tests/cases/hazards.toml, written as a page of the documentation.

`python -m tests.support.hazards` writes the page anew.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TABLE: Final = ROOT / "tests/cases/hazards.toml"
PAGE: Final = ROOT / "docs/security/hazards.md"

_HEAD: Final = """\
# Hazards: how others were broken, and the test that shows that this gateway is not

Every row is a defect that was found in a published gateway, proxy or library, with its cause and the tests
that would fail if the gateway had it, or the reason why it cannot have it. This page is made of
`tests/cases/hazards.toml` by `python -m tests.support.hazards`; a test sees that it is up to date and that
every test it names exists.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One row.

    Args:
        id: its short name.
        section: what it is about.
        sources: where it was found.
        cause: what went wrong there.
        tests: each as `path::name`; the name `*` stands for the whole file.
        reason: why it does not apply, when there are no tests.
        note: what else there is to say.
    """

    id: str
    section: str
    sources: tuple[str, ...]
    cause: str
    tests: tuple[str, ...] = ()
    reason: str = ""
    note: str = ""


def hazards() -> Iterator[Hazard]:
    """Every row, in its order."""
    for section in tomllib.loads(TABLE.read_text("utf-8"))["sections"]:
        for row in section["hazards"]:
            lists = {name: tuple(row.get(name, ())) for name in ("sources", "tests")}
            yield Hazard(section=section["title"], **{**row, **lists})


def names_in(path: Path) -> frozenset[str]:
    """The names of the test functions in a file; none when there is no file."""
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def page() -> str:
    """The page as it should be."""
    lines, section, rows = [_HEAD], "", list(hazards())
    applying = sum(bool(row.tests) for row in rows)
    lines.append(f"{len(rows)} hazards: {applying} tested, {len(rows) - applying} that cannot apply.\n")
    for row in rows:
        if row.section != section:
            section = row.section
            lines += [f"## {section}\n", "| hazard | found in | cause | shown by |", "|---|---|---|---|"]
        shown = "<br>".join(f"`{test}`" for test in row.tests) or f"Cannot apply. {row.reason}"
        lines.append(_row(row.id, ", ".join(row.sources), row.cause, f"{shown} {row.note}".strip()))
        if row is rows[-1] or rows[rows.index(row) + 1].section != section:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")
