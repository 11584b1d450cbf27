from __future__ import annotations

from pathlib import Path

import pytest

from bench.effort import FULL, QUICK, Effort
from bench.rows import ROWS, websockets
from bench.stage import Stage

LEAST = Effort(
    name="least",
    rounds=1,
    load_seconds=1,
    paced_seconds=1,
    transfer_rounds=1,
    transfer_octets=1 << 20,
    sockets=400,
    sign_ins=1,
    sessions=100,
    cold_seconds=1,
    believed_seconds=1,
)
TWO_MINUTES, A_QUARTER = 120, 15 * 60


def test_no_two_rows_have_one_name() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_rows_are_all_in_the_readme() -> None:
    readme = Path(websockets.__file__).parent.parent.joinpath("README.md").read_text("utf-8")
    assert [row.name for row in ROWS if f"| `{row.name}` |" not in readme] == []


def test_a_run_is_planned_for_a_quarter_of_an_hour_and_a_quick_one_for_two_minutes() -> None:
    assert sum(row.seconds(QUICK) for row in ROWS) < TWO_MINUTES
    assert sum(row.seconds(FULL) for row in ROWS) < A_QUARTER


@pytest.mark.real
def test_a_row_is_measured_through_a_gateway_with_somebody_signed_in(tmp_path: Path) -> None:
    steps: list[str] = []
    with Stage(LEAST, tmp_path, lambda done, of, said: steps.append(f"{done}/{of} {said}")) as stage:
        measured = websockets.ROW.measure(stage)
    memory, *_ = measured.figures
    assert memory.spread.minimum > 0
    assert len(steps) == len(memory.samples)
