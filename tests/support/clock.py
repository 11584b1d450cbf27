"""Clocks that a test moves on, for everybody who is given one."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.adapters import now


class Ahead:
    """The time, and some seconds more."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> int:
        """Unix seconds."""
        return now() + self.seconds


@dataclass(slots=True)
class Clock:
    """Stands still, and says the time that it is told."""

    time: int = 1_800_000_000

    def __call__(self) -> int:
        """Unix seconds."""
        return self.time
