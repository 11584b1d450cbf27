from __future__ import annotations

import pytest

from bench.figures import Better, Figure, Mark, Spread, Target, figure, percentile, ratios

FASTER = Target(must=0.33, aim=0.5, better=Better.MORE)
SMALLER = Target(must=40, aim=15, better=Better.LESS)


@pytest.mark.parametrize(
    "target,value,mark",
    [
        (FASTER, 0.6, Mark.AIM),
        (FASTER, 0.5, Mark.AIM),
        (FASTER, 0.4, Mark.MUST),
        (FASTER, 0.33, Mark.MUST),
        (FASTER, 0.32, Mark.MISSED),
        (SMALLER, 14, Mark.AIM),
        (SMALLER, 15, Mark.AIM),
        (SMALLER, 16, Mark.MUST),
        (SMALLER, 40, Mark.MUST),
        (SMALLER, 41, Mark.MISSED),
    ],
)
def test_reaching_a_target_exactly_is_enough(target: Target, value: float, mark: Mark) -> None:
    assert target.mark(value) is mark


def test_a_target_is_judged_by_the_median() -> None:
    slow_once = figure("x", "x", [0.1, 0.6, 0.6], FASTER)
    assert slow_once.spread == Spread(0.1, 0.6, 0.6)
    assert slow_once.mark is Mark.AIM
    assert slow_once.reached


@pytest.mark.parametrize(
    "of,reached",
    [(figure("a", "x", [0.2], FASTER), False), (figure("a", "x", [0.2]), True)],
    ids=["missed", "without-target"],
)
def test_a_figure_without_a_target_misses_none(of: Figure, *, reached: bool) -> None:
    assert of.reached is reached


def test_a_ratio_is_taken_within_its_round() -> None:
    assert ratios([10, 4], [20, 16]) == [0.5, 0.25]


def test_rounds_that_lack_a_side_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1, 2], [1])


@pytest.mark.parametrize(
    "share,expected", [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1), (0.985, 99), (0.01, 1)]
)
def test_a_percentile_is_a_sample_that_so_many_do_not_exceed(share: float, expected: int) -> None:
    assert percentile(range(100, 0, -1), share) == expected
