"""What a row of the bench is: a name, a way to measure it, and what comes of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.effort import Effort
from bench.figures import Figure
from bench.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a row has found.

    Args:
        figures: at least one, those with targets first.
        notes: what a reader must know of this very run.
    """

    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One subject of the bench.

    Args:
        name: for the command line and the JSON.
        title: for the table.
        seconds: about how long it takes on an idle machine.
        measure: measures it on a stage of its own; raises when it cannot.
    """

    name: str
    title: str
    seconds: Callable[[Effort], float]
    measure: Callable[[Stage], Measured]
