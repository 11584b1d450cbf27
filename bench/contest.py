"""Rounds in which each side is measured, in an order that turns: what disturbs one disturbs all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from bench.stage import Stage

Side = TypeVar("Side")
Result = TypeVar("Result")


def interleaved(
    stage: Stage, rounds: int, sides: Mapping[str, Side], measure: Callable[[Side], Result]
) -> dict[str, list[Result]]:
    """Measure every side once in each round.

    Args:
        stage: is told of each step.
        rounds: how many.
        sides: by their names.
        measure: measures a side once; the result's text is shown.

    Returns:
        The results of each side, one for each round.
    """
    found: dict[str, list[Result]] = {name: [] for name in sides}
    names = list(sides)
    done = 0
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            result = measure(sides[name])
            found[name].append(result)
            done += 1
            stage.step(done, rounds * len(names), f"round {number + 1}, {name}: {result}")
    return found
