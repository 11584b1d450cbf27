"""Mutation check: takes away each check of the modules that decide, one at a time, and sees a test turn red.

`python -m tests.mutants.run [--minutes N] [MODULE ...]`. Each mutant meets the tests of its own module first;
those that survive meet the tests of their folder, and at last the stories over sockets, hostile and usual.
What was found is kept in `build/mutants.jsonl`, so that a run goes on where the last one ended; a module
that has changed begins anew. A mutant that no test finds must stand in `survivors.toml`, with the reason why
it does not matter.

Each mutant runs in a process of its own, forked from one in which everything is loaded, and no file is
touched: see `tests.mutants.planting`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.mutations import Mutant, mutants
from tests.mutants.planting import PYTEST, ROOT, plant, preload

FOUND = ROOT / "build" / "mutants.jsonl"
SURVIVORS = Path(__file__).parent / "survivors.toml"

PROXY = ("answer", "fields", "forwarded", "framing", "names", "outgoing", "target", "websocket")
SESSIONS = ("cookie", "return_to", "seal", "session")
MODULES = (
    *sorted(f"gateway/oidc/{path.name}" for path in (ROOT / "gateway/oidc").glob("[!_]*.py")),
    *sorted(f"gateway/access/{path.name}" for path in (ROOT / "gateway/access").glob("[!_]*.py")),
    *(f"gateway/proxy/{name}.py" for name in PROXY),
    *(f"gateway/sessions/{name}.py" for name in SESSIONS),
)
STAGES = ("own", "folder", "hostile", "flows")
SECONDS = 240.0  # for the tests of one mutant; one that never ends is found out too
POLL = 0.005


def tests_of(module: str, stage: str) -> str | None:
    """Where the tests of a stage are; None when there are none."""
    path = Path(module)
    own = f"tests/{path.parent.name}/test_{path.stem}.py"
    match stage:
        case "own":
            return own if (ROOT / own).exists() else None
        case "folder":
            return f"tests/{path.parent.name}"
        case _:
            return f"tests/{stage}"


def turns_red(module: str, mutant: Mutant | None, tests: str) -> bool:
    """Whether a test fails; without a mutant, none may."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        try:
            if mutant is not None:
                plant(module, mutant)
            status = int(pytest.main([*PYTEST, tests]))
        except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
            status = 1
        os._exit(status)
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(POLL)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


@dataclass(slots=True)
class Known:
    """What is known of a mutant: the stage that found it, if one did, and those that did not."""

    found: str = ""
    tried: tuple[str, ...] = ()


class Ledger:
    """What is known of each mutant, in a file that only grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[str, str, str], Known] = {}
        path.parent.mkdir(exist_ok=True)
        for line in path.read_text().splitlines() if path.exists() else ():
            entry = json.loads(line)
            self._add(entry["module"], entry["source"], entry["mutant"], entry["stage"], found=entry["found"])

    def get(self, module: str, mutant: Mutant) -> Known:
        """What is known of a mutant of the module as it is now."""
        return self._known.setdefault((module, _digest(module), mutant.name), Known())

    def put(self, module: str, mutant: Mutant, stage: str, *, found: bool) -> None:
        """Take note, for good."""
        entry = {"module": module, "source": _digest(module), "mutant": mutant.name, "stage": stage}
        self._add(*entry.values(), found=found)
        with self._path.open("a") as file:
            file.write(json.dumps({**entry, "found": found}) + "\n")

    def _add(self, module: str, source: str, name: str, stage: str, *, found: bool) -> None:
        known = self._known.setdefault((module, source, name), Known())
        known.found = stage if found else known.found
        known.tried = (*known.tried, stage)


def _digest(module: str) -> str:
    return hashlib.sha256((ROOT / module).read_bytes()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Check:
    """One run over some modules.

    Args:
        everything: each mutant with its module.
        ledger: what is known.
        again: whether survivors meet the tests of every stage anew.
    """

    everything: list[tuple[str, Mutant]]
    ledger: Ledger
    again: bool

    def run(self, stage: str, *, ends: float) -> bool:
        """Let every survivor meet the tests of a stage; False when there was no time for all of them."""
        left = [(module, mutant) for module, mutant in self.everything if self._is_due(module, mutant, stage)]
        green: set[str] = set()
        for number, (module, mutant) in enumerate(left, start=1):
            if time.monotonic() > ends:
                return False
            tests = tests_of(module, stage)
            if tests is None:
                continue
            if tests not in green and turns_red(module, None, tests):
                raise SystemExit(f"{tests} is red before anything is changed")
            green.add(tests)
            found = turns_red(module, mutant, tests)
            self.ledger.put(module, mutant, stage, found=found)
            if not found:
                say(f"{stage} {number}/{len(left)}: {module}:{mutant.line} {mutant.name} survives")
        return True

    def _is_due(self, module: str, mutant: Mutant, stage: str) -> bool:
        known = self.ledger.get(module, mutant)
        return not known.found and (self.again or stage not in known.tried)

    def to_deal_with(self) -> list[str]:
        """What is not as it should be: survivors without a reason, and reasons without a survivor."""
        tables = tomllib.loads(SURVIVORS.read_text())
        reasons = {(module, name) for module, table in tables.items() for name in table}
        names = {(module, mutant.name) for module, mutant in self.everything}
        modules = {module for module, _ in self.everything}
        for_nothing = [
            f"{module} {name}: there is a reason, and no such mutant"
            for module, name in sorted(reasons - names)
            if module in modules
        ]
        return for_nothing + [
            f"{module}:{mutant.line} {mutant.name}: "
            + ("has a reason, and is found" if found else "survives")
            for module, mutant in self.everything
            for found in (bool(self.ledger.get(module, mutant).found),)
            if found == ((module, mutant.name) in reasons)
        ]


def say(*lines: str) -> None:
    """Print, at once."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 when something is to be dealt with, or when time was up."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run")
    parser.add_argument("--minutes", type=float, default=180.0, help="end after so long; call again to go on")
    parser.add_argument("--again", action="store_true", help="try the survivors of earlier runs again")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    preload()
    ends = time.monotonic() + 60 * options.minutes
    everything = [
        (module, mutant) for module in options.modules for mutant in mutants((ROOT / module).read_text())
    ]
    check = Check(everything, Ledger(FOUND), options.again)
    for stage in options.stages:
        if not check.run(stage, ends=ends):
            say("time is up; call again to go on")
            return 1
    unwanted = check.to_deal_with()
    say(*unwanted, f"{len(everything)} mutants, {len(unwanted)} to deal with")
    return 1 if unwanted else 0


if __name__ == "__main__":
    sys.exit(main())
