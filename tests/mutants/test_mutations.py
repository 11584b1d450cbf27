"""The mutation check itself: which mutants a module has."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.mutations import changed, mutants
from tests.mutants.planting import ROOT
from tests.mutants.run import MODULES, SURVIVORS

SOURCES = {
    "def f(x):\n    require(x, 'why')": ["f: without require(x, 'why')"],
    "async def f(x):\n    await check(x)": ["f: without await check(x)"],
    "def f(x):\n    if x:\n        raise E": ["f: without raise E", "f: False for x", "f: True for x"],
    "def f(x):\n    return 1 if x else 2": ["f: False for x", "f: True for x"],
    "def f(x):\n    while x:\n        pass": ["f: False for x"],
    "def f(x, y):\n    return x and y": ["f: without and x", "f: without and y"],
    "def f(x, y):\n    return x or y": ["f: without or x", "f: without or y"],
    "def f(x):\n    return 1 <= x < 2": ["f: Lt in 1 <= x < 2", "f: LtE in 1 <= x < 2"],
    "def f(x) -> bool:\n    return x": ["f: return False for x", "f: return True for x"],
    "def f(x):\n    return [y for y in x if y]": ["f: without if y"],
    "def f(x):\n    match x:\n        case y if y:\n            pass": ["f: without the guard y"],
    "A = frozenset({'a', 'b'})": ["module: without 'a'", "module: without 'b'"],
    "class A:\n    def f(self):\n        g()": ["A.f: without g()"],
    "def f():\n    g()\n    g()": ["f: without g()", "f: without g() (2)"],
    "def f(x):\n    return x + 1": [],
}


@pytest.mark.parametrize("source, names", SOURCES.items(), ids=SOURCES)
def test_a_module_has_these_mutants(source: str, names: list[str]) -> None:
    assert [mutant.name for mutant in mutants(source)] == names


@pytest.mark.parametrize("source", SOURCES)
def test_a_mutant_is_another_module_and_still_one(source: str) -> None:
    for mutant in mutants(source):
        tree = changed(source, mutant)
        assert ast.unparse(tree) != ast.unparse(ast.parse(source))
        compile(tree, "mutant", "exec")


def test_every_module_that_decides_is_checked() -> None:
    assert len(MODULES) > 40
    assert all((ROOT / module).is_file() for module in MODULES)
    assert SURVIVORS.is_file()
