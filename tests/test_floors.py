"""The architecture as a test: who may import whom, and that what decides cannot wait.

The floors and their rules stand in docs/architecture.md. An adapter says so in its docstring's first word.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"

FLOOR_4 = {
    "gateway.__main__",
    "gateway.cli",
    "gateway.cli_explain",
    "gateway.cli_report",
    "gateway.cli_sessions",
    "gateway.demo",
    "gateway.terminal",
}
FLOOR_3 = {
    "gateway.adapters",
    "gateway.app",
    "gateway.branding",
    "gateway.check",
    "gateway.counting",
    "gateway.explain",
    "gateway.listing",
    "gateway.refreshing",
    "gateway.report",
    "gateway.routes",
    "gateway.serve",
    "gateway.settings",
    "gateway.shown_url",
    "gateway.signed_in",
    "gateway.telling",
    "gateway.upstreams",
    "gateway.workers",
}
FLOOR_2 = {"gateway.web"}
STANDS_ON = {  # folders of floors 0 and 1, and the folders beneath them
    "access": {"sessions"},
    "observe": {"sessions"},
    "oidc": {"sessions"},
    "proxy": set[str](),
    "sessions": set[str](),
}
CANNOT_WAIT = {"aiohttp", "aiohttp_session", "aiosqlite", "asyncio", "logging", "redis", "socket", "time"}


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def folder(self) -> str | None:
        parts = self.name.split(".")
        return parts[1] if (PACKAGE / parts[1]).is_dir() else None

    @property
    def floor(self) -> int:
        return floor_of(self.name)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text())

    @property
    def imports(self) -> set[str]:
        """Full names of imported modules."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
        return found

    @property
    def own_imports(self) -> set[str]:
        return {name for name in self.imports if name.startswith("gateway.")}

    @property
    def awaits(self) -> bool:
        waiting = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
        return any(isinstance(node, waiting) for node in ast.walk(self.tree))

    def __str__(self) -> str:
        return self.name


def floor_of(name: str) -> int:
    top = ".".join(name.split(".")[:2])
    for floor, tops in ((4, FLOOR_4), (3, FLOOR_3), (2, FLOOR_2)):
        if top in tops:
            return floor
    return 1 if name in ADAPTERS else 0


def says_adapter(path: Path) -> bool:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").startswith("Adapter")


MODULES = [
    Module(path)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.parent != PACKAGE or path.stem != "__init__"
]
ADAPTERS = {module.name for module in MODULES if says_adapter(module.path)}
PACKAGES = {module.name for module in MODULES if module.path.stem == "__init__"}
FLOOR_0 = [module for module in MODULES if module.floor == 0 and module.name not in PACKAGES]
FLOOR_1 = [module for module in MODULES if module.floor == 1]


def test_every_outside_thing_has_its_adapter() -> None:
    things = {"aiohttp", "aiohttp_session", "aiosqlite", "prometheus_client", "redis", "structlog"}
    reach = {module.name for module in MODULES if things & {name.split(".")[0] for name in module.imports}}
    assert {name for name in reach if floor_of(name) < 2} <= ADAPTERS


@pytest.mark.parametrize("module", FLOOR_0, ids=str)
def test_a_deciding_module_cannot_wait(module: Module) -> None:
    assert not {name.split(".")[0] for name in module.imports} & CANNOT_WAIT
    assert not module.awaits


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_from_no_higher_floor(module: Module) -> None:
    climbing = {name for name in module.own_imports if floor_of(name) > module.floor}
    assert not climbing


@pytest.mark.parametrize("module", FLOOR_1, ids=str)
def test_an_adapter_knows_no_other_adapter_of_another_folder(module: Module) -> None:
    others = {name for name in module.own_imports if name in ADAPTERS}
    assert {name for name in others if name.split(".")[1] != module.folder} == set()


@pytest.mark.parametrize("module", [*FLOOR_0, *FLOOR_1], ids=str)
def test_the_folders_form_no_cycle(module: Module) -> None:
    if module.folder is None:
        assert {name for name in module.own_imports if name.count(".") > 1} == set()
        return
    folders = {name.split(".")[1] for name in module.own_imports if (PACKAGE / name.split(".")[1]).is_dir()}
    assert folders <= STANDS_ON[module.folder] | {module.folder}
