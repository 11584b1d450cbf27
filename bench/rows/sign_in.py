"""What complete sign-ins cost the gateway, from the first page asked for to the same page behind them."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.effort import Effort
from bench.figures import Better, Target, figure
from bench.row import Measured, Row
from bench.servers.front import Front
from bench.servers.signing_in import WHO, sign_in
from bench.stage import Stage
from bench.usage import processor_seconds
from tests.support.http_browser import HTTPBrowser

_MILLISECONDS: Final = 1000


def _seconds(effort: Effort) -> float:
    return 5 + effort.rounds * effort.sign_ins * 0.02


def _measure(stage: Stage) -> Measured:
    front = stage.gateway(upstream=stage.pages(), redis=stage.redis())
    rounds, count = stage.effort.rounds, stage.effort.sign_ins
    samples = []
    for number in range(rounds):
        before = processor_seconds(front.pid)
        asyncio.run(_sign_ins(front, count))
        samples.append((processor_seconds(front.pid) - before) / count * _MILLISECONDS)
        stage.step(number + 1, rounds, f"round {number + 1}: {samples[-1]:.1f} ms each")
    target = Target(must=8, aim=3, better=Better.LESS)
    return Measured(figures=(figure("gateway's processor time for a sign-in", "ms", samples, target),))


async def _sign_ins(front: Front, count: int) -> None:
    for _ in range(count):
        # A browser of one's own, so that the provider knows nobody either.
        async with HTTPBrowser() as browser:
            await sign_in(browser, front.url + WHO)


ROW: Final = Row(name="sign-in", title="Complete sign-in", seconds=_seconds, measure=_measure)
