"""Each test that a document names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
NAMED = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")
PROMISES = sorted({match for path in DOCUMENTS for match in NAMED.findall(path.read_text("utf-8"))})


@cache
def functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("file, name", PROMISES, ids=lambda part: part or "whole")
def test_a_test_that_a_document_names_exists(file: str, name: str) -> None:
    assert (ROOT / file).is_file()
    assert not name or name in functions(ROOT / file)


def test_the_threat_model_shows_each_promise() -> None:
    text = (ROOT / "docs" / "security" / "threat-model.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "promise | shown" not in line]
    assert len(rows) > 20
    assert all(NAMED.search(row) for row in rows)
