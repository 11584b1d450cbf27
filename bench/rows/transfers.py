"""Large bodies up and down, and what memory they take on their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from bench.contest import interleaved
from bench.effort import MEBIBYTE, Effort
from bench.figures import Better, Figure, Target, figure, ratios
from bench.load.transfer import download, upload
from bench.row import Measured, Row
from bench.servers.front import Front
from bench.stage import Stage
from bench.usage import forget_peak, peak, resident

_AGAINST_NGINX: Final = Target(must=0.4, aim=0.8, better=Better.MORE)
_GROWTH: Final = Target(must=64, aim=16, better=Better.LESS)
_WARM_UP: Final = 16 * MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transfer:
    """One transfer through one front.

    Args:
        speed: octets a second.
        growth: octets by which resident memory grew at most.
    """

    speed: float
    growth: int

    def __str__(self) -> str:
        return f"{self.speed / MEBIBYTE:.0f} MiB/s, memory +{self.growth / MEBIBYTE:.1f} MiB"


def _seconds(effort: Effort) -> float:
    return 5 + effort.transfer_rounds * 4 * effort.transfer_octets / (700 * MEBIBYTE)


def _measure(stage: Stage) -> Measured:
    upstream, size = stage.program("bodies"), stage.effort.transfer_octets
    fronts = (
        stage.gateway(upstream=upstream, redis=stage.redis(), path="/0"),
        stage.nginx(upstream=upstream),
    )
    ways = {"down": download, "up": upload}
    for front in fronts:
        for way in ways.values():
            way(front, _WARM_UP)
    found = interleaved(
        stage,
        stage.effort.transfer_rounds,
        {
            f"{front.name} {name}": partial(_transfer, front, way, size)
            for name, way in ways.items()
            for front in fronts
        },
        lambda transfer: transfer(),
    )
    figures = [figure_ for name in ways for figure_ in _of_one_way(name, found)]
    figures += [figure(name, "MiB/s", (t.speed / MEBIBYTE for t in ts)) for name, ts in found.items()]
    return Measured(figures=tuple(figures), notes=(f"Bodies of {size // MEBIBYTE} MiB, one at a time.",))


def _of_one_way(name: str, found: dict[str, list[_Transfer]]) -> list[Figure]:
    ours, theirs = (found[f"{front} {name}"] for front in ("gateway", "nginx"))
    return [
        figure(
            f"{name}, gateway : nginx",
            "x",
            ratios([t.speed for t in ours], [t.speed for t in theirs]),
            _AGAINST_NGINX,
        ),
        figure(f"{name}, growth of resident memory", "MiB", (t.growth / MEBIBYTE for t in ours), _GROWTH),
    ]


def _transfer(front: Front, way: Callable[[Front, int], float], size: int) -> _Transfer:
    forget_peak(front.pid)
    before = resident(front.pid)
    lasted = way(front, size)
    return _Transfer(speed=size / lasted, growth=peak(front.pid) - before)


ROW: Final = Row(
    name="transfers",
    title="Large bodies, signed in, one worker",
    seconds=_seconds,
    measure=_measure,
)
