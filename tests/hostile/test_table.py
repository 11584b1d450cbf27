"""The table of the hostile provider's cases, and the tests: neither has what the other lacks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.errors import Fault
from tests.cases import (
    hostile_callback,
    hostile_controls,
    hostile_id_token,
    hostile_keys,
    hostile_metadata,
    hostile_refresh,
    hostile_token,
    hostile_userinfo,
)
from tests.support.hostile_report import NAMED

TESTS: Final = Path(__file__).parents[1]
TABLE: Final[Mapping[str, Any]] = tomllib.loads((TESTS / "cases/hostile.toml").read_text("utf-8"))
CASES: Final[Mapping[str, Any]] = TABLE["cases"]
REFUSED: Final[dict[str, Fault]] = {
    **{
        name: row.fault
        for table in (
            hostile_callback,
            hostile_id_token,
            hostile_refresh,
            hostile_token,
            hostile_userinfo,
        )
        for name, row in table.CASES.items()
    },
    **{name: row.fault for name, row in hostile_metadata.REFUSED.items()},
    **{name: case.fault for name, (case, _) in hostile_keys.REFUSED.items()},
}
ACCEPTED: Final = (*hostile_controls.CASES, *hostile_metadata.NO_PKCE, *hostile_keys.ACCEPTED)


def marked() -> Iterator[str]:
    """The cases that tests are marked with."""
    for path in TESTS.rglob("test_*.py"):
        for names in re.findall(r"mark\.hostile\(([^)]*)\)", path.read_text("utf-8")):
            yield from re.findall(r'"([A-J]\d+)"', names)


def case_of(name: str) -> str:
    """The case that a row belongs to."""
    found = NAMED.match(name)
    assert found, name
    return found[1]


PLAYED: Final = {*map(case_of, REFUSED), *map(case_of, ACCEPTED), *marked()}


def test_there_are_sixty() -> None:
    assert len(CASES) == 60
    assert {case[0] for case in CASES} == set(TABLE["sections"])


def test_every_test_plays_a_case_of_the_table() -> None:
    assert CASES.keys() >= PLAYED


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_played_or_has_its_reason_why_not(case: str) -> None:
    assert (case in PLAYED) != ("reason" in CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_a_case_ends_in_faults_that_there_are(case: str) -> None:
    assert set(CASES[case]["faults"]) <= set(Fault)


def test_a_row_ends_in_a_fault_of_its_case() -> None:
    others = {name: fault for name, fault in REFUSED.items() if fault not in CASES[case_of(name)]["faults"]}
    assert others == {}


def test_what_must_be_accepted_says_so_in_its_name() -> None:
    assert [name for name in ACCEPTED if "+" not in name.split(" ")[0]] == []
    assert [name for name in REFUSED if "+" in name.split(" ")[0]] == []
