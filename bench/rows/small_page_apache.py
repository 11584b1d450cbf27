"""The same small page through Apache with mod_auth_openidc and its Redis cache; both may use every core."""

from __future__ import annotations

import os
from typing import Final

from bench.contest import interleaved
from bench.effort import Effort
from bench.figures import Better, Target, figure, ratios
from bench.load.wrk import full_load
from bench.row import Measured, Row
from bench.stage import Stage

GATEWAY, APACHE = "gateway", "Apache"


def _seconds(effort: Effort) -> float:
    return 6 + effort.rounds * 2 * (effort.load_seconds + 0.2)


def _measure(stage: Stage) -> Measured:
    pages, seconds, workers = stage.pages(), stage.effort.load_seconds, os.cpu_count() or 1
    sides = {
        GATEWAY: stage.gateway(upstream=pages, redis=stage.redis(), workers=workers),
        APACHE: stage.apache(upstream=pages, redis=stage.redis()),
    }
    for front in sides.values():
        full_load(front, seconds=1)
    found = interleaved(stage, stage.effort.rounds, sides, lambda front: full_load(front, seconds=seconds))
    rates = {name: [load.rate for load in loads] for name, loads in found.items()}
    return Measured(
        figures=(
            figure(
                "gateway : Apache with mod_auth_openidc",
                "x",
                ratios(rates[GATEWAY], rates[APACHE]),
                Target(must=3, aim=6, better=Better.MORE),
            ),
            *(figure(name, "requests/s", samples) for name, samples in rates.items()),
        ),
        notes=(f"The gateway had {workers} workers, Apache's event module Debian's settings.",),
    )


ROW: Final = Row(
    name="small-page-apache",
    title="Small page, signed in, sessions in Redis, every core",
    seconds=_seconds,
    measure=_measure,
)
