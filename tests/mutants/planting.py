"""A mutant into a process where the real module is loaded: nothing is written to disk.

A change inside a function changes that function's code where it stands; a change to a constant replaces it
wherever it is known. Any other makes the process forget the gateway and its tests, and finds the mutant
instead when they are imported again.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

from tests.mutants.mutations import Mutant, changed

ROOT = Path(__file__).parent.parent.parent

PYTEST = (
    *("-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not real"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of what `preload` has loaded before
)
OURS = frozenset({"gateway", "tests"})
PLAIN = (bool, bytes, dict, float, frozenset, int, range, re.Pattern, str, tuple)


def preload() -> None:
    """Load what every test needs: the plugins, the libraries, the gateway, and what supports the tests."""
    pytest.main([*PYTEST, "--collect-only", "-qq", "tests/flows", "tests/oidc"])
    gc.freeze()  # or each process would look through all of it


def plant(module: str, mutant: Mutant) -> None:
    """Put a mutant in the place of a module, given as its path."""
    name = module.removesuffix(".py").replace("/", ".")
    loaded = importlib.import_module(name)
    code = compile(changed((ROOT / module).read_text(), mutant), loaded.__file__ or module, "exec")
    old, new = _function(loaded, mutant.place), _code(code, mutant.place)
    if old and new and old.__code__.co_freevars == new.co_freevars:
        old.__code__ = new
    elif not _replace_constants(loaded, code):
        for other in [other for other in sys.modules if other.split(".")[0] in OURS]:
            del sys.modules[other]
        sys.meta_path.insert(0, _InPlace(name, code))


def _replace_constants(loaded: ModuleType, code: CodeType) -> bool:
    """Put the constants that a change has changed where the old ones are known; False when none is plain."""
    again = ModuleType(loaded.__name__)
    sys.modules[loaded.__name__] = again  # dataclasses look for their module there
    try:
        exec(code, again.__dict__)  # noqa: S102 - our own source
    finally:
        sys.modules[loaded.__name__] = loaded
    replaced = [
        (old, new)
        for name, new in vars(again).items()
        if not name.startswith("__") and isinstance(new, PLAIN) and (old := vars(loaded).get(name)) != new
    ]
    for old, new in replaced:
        for module in [module for name, module in sys.modules.items() if name.split(".")[0] in OURS]:
            for name, value in list(vars(module).items()):
                if value is old:
                    setattr(module, name, new)
    return bool(replaced)


def _function(module: ModuleType, place: str) -> FunctionType | None:
    """The function or method at a place such as `Class.method`; None when it is no plain one."""
    found: object = module
    for part in place.split("."):
        if isinstance(found, FunctionType):
            break  # a function within one: the outer one holds its code
        found = vars(found).get(part) if isinstance(found, ModuleType | type) else None
        if isinstance(found, property):
            found = found.fget
        elif isinstance(found, classmethod | staticmethod):
            found = found.__func__
        found = getattr(found, "__wrapped__", found)
    return found if isinstance(found, FunctionType) else None


def _code(code: CodeType, place: str) -> CodeType | None:
    """The code at a place, in that of its module: of the outermost function there."""
    found = code
    for part in place.split("."):
        inside = [const for const in found.co_consts if isinstance(const, CodeType) and const.co_name == part]
        if len(inside) != 1:
            return None
        found = inside[0]
        if found.co_flags & 0x02:  # CO_NEWLOCALS: a function, and not the body of a class
            return found
    return None


class _InPlace(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module: the mutant."""

    def __init__(self, name: str, code: CodeType) -> None:
        self._name, self._code = name, code

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=self._code.co_filename)

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # noqa: S102 - our own source
