"""A small page for somebody signed in, through the gateway and through nginx, each with one worker."""

from __future__ import annotations

from typing import Final

from bench.contest import interleaved
from bench.effort import Effort
from bench.figures import Better, Target, figure, ratios
from bench.load.wrk import Load, full_load
from bench.row import Measured, Row
from bench.stage import Stage

GATEWAY, NGINX, KEPT = "gateway", "nginx", "nginx with upstream keep-alive"
_MICROSECONDS: Final = 1e6


def _seconds(effort: Effort) -> float:
    return 6 + effort.rounds * 3 * (effort.load_seconds + 0.2)


def _measure(stage: Stage) -> Measured:
    pages, seconds = stage.pages(), stage.effort.load_seconds
    sides = {
        GATEWAY: stage.gateway(upstream=pages, redis=stage.redis()),
        NGINX: stage.nginx(upstream=pages),
        KEPT: stage.nginx(upstream=pages, keep_alive=True),
    }
    for front in sides.values():
        full_load(front, seconds=1)
    found = interleaved(stage, stage.effort.rounds, sides, lambda front: full_load(front, seconds=seconds))
    rates = {name: [load.rate for load in loads] for name, loads in found.items()}
    return Measured(
        figures=(
            figure(
                "gateway : nginx proxy_pass",
                "x",
                ratios(rates[GATEWAY], rates[NGINX]),
                Target(must=0.33, aim=0.5, better=Better.MORE),
            ),
            figure("gateway : nginx with upstream keep-alive", "x", ratios(rates[GATEWAY], rates[KEPT])),
            *(figure(name, "requests/s", samples) for name, samples in rates.items()),
            *(figure(f"{name}, processor", "µs/request", _processor(loads)) for name, loads in found.items()),
        )
    )


def _processor(loads: list[Load]) -> list[float]:
    return [load.processor * _MICROSECONDS for load in loads]


ROW: Final = Row(
    name="small-page",
    title="Small page, signed in, sessions in Redis, one worker each",
    seconds=_seconds,
    measure=_measure,
)
