from __future__ import annotations

import json

import pytest

from bench.effort import QUICK
from bench.figures import Better, Target, figure
from bench.report import Circumstances, Found, as_json, as_text, number
from bench.row import Measured, Row
from bench.stage import Stage

ON = Circumstances(
    date="2026-01-02T03:04:05+00:00",
    effort="quick",
    processor="Some processor",
    cores=2,
    busy=0.25,
    versions={"gateway": "0.1.0", "nginx": "1.22.1"},
)


def never(_: Stage) -> Measured:
    raise AssertionError


ROW = Row(name="pages", title="Small pages", seconds=lambda effort: effort.rounds, measure=never)
MEASURED = Found(
    row=ROW,
    measured=Measured(
        figures=(
            figure("ours : theirs", "x", [0.5, 0.25, 0.3], Target(must=0.33, aim=0.5, better=Better.MORE)),
            figure("ours", "requests/s", [12_345, 999, 100]),
        ),
        notes=("A note.",),
    ),
)
FAILED = Found(row=ROW, measured=None, why="wrk is not installed")


def test_a_table_has_the_spread_the_targets_and_what_became_of_them() -> None:
    assert as_text([MEASURED], ON).splitlines() == [
        "Measured 2026-01-02T03:04:05+00:00 (quick run) on 2 cores, Some processor;",
        "0.2 processes wanted to run before it began.",
        "gateway 0.1.0, nginx 1.22.1",
        "",
        "Small pages",
        "                 minimum  median  maximum  unit        must  aim",
        "  ours : theirs     0.25    0.30     0.50  x           0.33  0.5  MISSED",
        "  ours               100     999   12 345  requests/s",
        "  A note.",
    ]


def test_what_could_not_be_measured_says_why() -> None:
    assert "  NOT MEASURED: wrk is not installed" in as_text([FAILED], ON).splitlines()
    assert as_json([FAILED], ON)["rows"]["pages"]["not_measured"] == "wrk is not installed"


def test_the_json_has_every_sample() -> None:
    read = json.loads(json.dumps(as_json([MEASURED], ON)))
    ratio, ours = read["rows"]["pages"]["figures"]
    assert ratio["samples"] == [0.5, 0.25, 0.3]
    assert (ratio["median"], ratio["must"], ratio["mark"]) == (0.3, 0.33, "MISSED")
    assert "mark" not in ours


@pytest.mark.parametrize(
    "value,text",
    [
        (0.123, "0.12"),
        (9.999, "10.00"),
        (12.34, "12.3"),
        (99.95, "100.0"),
        (123.4, "123"),
        (1234567.0, "1 234 567"),
        (-0.5, "-0.50"),
    ],
)
def test_a_number_has_as_many_digits_as_it_deserves(value: float, text: str) -> None:
    assert number(value) == text


def test_a_row_tells_how_long_it_takes() -> None:
    assert ROW.seconds(QUICK) == QUICK.rounds
