"""nginx that asks about each request, answered by the gateway and by another nginx that always says yes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bench.contest import interleaved
from bench.effort import Effort
from bench.figures import Better, Target, figure, ratios
from bench.load.wrk import full_load
from bench.row import Measured, Row
from bench.stage import Stage

GATEWAY, CONSTANT = "nginx that asks the gateway", "nginx that asks for a constant"


def _seconds(effort: Effort) -> float:
    return 6 + effort.rounds * 2 * (effort.load_seconds + 0.2)


def _measure(stage: Stage) -> Measured:
    pages, seconds = stage.pages(), stage.effort.load_seconds
    gateway = stage.gateway(upstream=pages, redis=stage.redis())
    sides = {
        GATEWAY: replace(stage.asking_nginx(upstream=pages, asked=gateway.port), cookie=gateway.cookie),
        CONSTANT: replace(stage.asking_nginx(upstream=pages, asked=pages), cookie=gateway.cookie),
    }
    for front in sides.values():
        full_load(front, seconds=1)
    found = interleaved(stage, stage.effort.rounds, sides, lambda front: full_load(front, seconds=seconds))
    rates = {name: [load.rate for load in loads] for name, loads in found.items()}
    target = Target(must=0.3, aim=0.5, better=Better.MORE)
    return Measured(
        figures=(
            figure("gateway : constant", "x", ratios(rates[GATEWAY], rates[CONSTANT]), target),
            *(figure(name, "requests/s", samples) for name, samples in rates.items()),
        )
    )


ROW: Final = Row(
    name="forward-auth",
    title="nginx with auth_request, signed in, sessions in Redis, one worker each",
    seconds=_seconds,
    measure=_measure,
)
