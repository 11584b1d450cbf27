"""What is shown while the bench runs: what, which round, what came of it, and how long it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Progress:
    """Writes one line for each step.

    Args:
        plan: each row's name, and about how many seconds it takes, in the order measured.
        clock: monotonic seconds.
        write: takes a line.
    """

    def __init__(
        self, plan: Mapping[str, float], *, clock: Callable[[], float], write: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._names = list(plan)
        self._clock = clock
        self._write = write
        self._began = clock()
        self._row = ""

    def begin(self, row: str) -> None:
        """Tell that a row begins."""
        self._row = row
        self.step(0, 1, "starting the servers")

    def step(self, done: int, of: int, said: str) -> None:
        """Tell what was done last.

        Args:
            done: how many steps of the row are done.
            of: how many it has.
            said: what came of the last one.
        """
        place = self._names.index(self._row)
        later = sum(self._plan[name] for name in self._names[place + 1 :])
        left = later + self._plan[self._row] * (1 - done / of)
        head = f"{_minutes(self._clock() - self._began)}  [{place + 1}/{len(self._names)}] {self._row}"
        self._write(f"{head}: {said}  (about {_minutes(left)} left)")


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"
