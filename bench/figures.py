"""What is done with samples: spreads, percentiles, ratios, targets. Nothing is measured here."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    """Which way a figure gets better."""

    MORE = "more"
    LESS = "less"


class Mark(StrEnum):
    """What became of a target."""

    AIM = "aim reached"
    MUST = "must reached"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class Spread:
    """The least, the middle and the greatest of some samples."""

    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach, and what it had better reach, in the figure's unit."""

    must: float
    aim: float
    better: Better

    def mark(self, value: float) -> Mark:
        """Which of the two `value` reaches; reaching it exactly is enough."""
        if self._reaches(value, self.aim):
            return Mark.AIM
        return Mark.MUST if self._reaches(value, self.must) else Mark.MISSED

    def _reaches(self, value: float, bound: float) -> bool:
        return value >= bound if self.better is Better.MORE else value <= bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity.

    Args:
        what: its name in the table.
        unit: of the samples; "x" for a ratio.
        samples: one for each round, in the order measured; at least one.
        target: what is asked of the median, if anything.
    """

    what: str
    unit: str
    samples: tuple[float, ...]
    target: Target | None = None

    @property
    def spread(self) -> Spread:
        """Minimum, median and maximum of the samples."""
        return Spread(min(self.samples), statistics.median(self.samples), max(self.samples))

    @property
    def mark(self) -> Mark | None:
        """What became of the target, judged by the median; None without one."""
        return None if self.target is None else self.target.mark(self.spread.median)

    @property
    def reached(self) -> bool:
        """Whether the median is what it must be; also without a target."""
        return self.mark is not Mark.MISSED


def figure(what: str, unit: str, samples: Iterable[float], target: Target | None = None) -> Figure:
    """A `Figure`, in fewer words."""
    return Figure(what=what, unit=unit, samples=tuple(samples), target=target)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours by theirs, round for round: what slows a whole round down slows both sides of its ratio.

    Raises:
        ValueError: the two have not the same number of rounds.
    """
    return [our / their for our, their in zip(ours, theirs, strict=True)]


def percentile(samples: Sequence[float], share: float) -> float:
    """The least sample that `share` of all samples do not exceed (nearest rank).

    Args:
        samples: in any order; at least one.
        share: above 0, at most 1.
    """
    ordered = sorted(samples)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]
