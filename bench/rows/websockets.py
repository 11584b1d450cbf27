"""Many WebSockets open at once, and the memory that each takes in the gateway."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.effort import Effort
from bench.errors import CannotMeasureError
from bench.figures import Better, Target, figure
from bench.limits import allow_many_files
from bench.load.websockets import echo, open_websockets
from bench.row import Measured, Row
from bench.servers.front import Front
from bench.stage import Stage
from bench.usage import resident

_KIBIBYTE: Final = 1024
_MOST_ROUNDS: Final = 3
_FILES_EACH: Final = 2  # in the gateway: the browser's side and the application's
_FILES_BESIDES: Final = 500


def _seconds(effort: Effort) -> float:
    return _rounds(effort) * (3 + effort.sockets * 0.0015)


def _rounds(effort: Effort) -> int:
    return min(_MOST_ROUNDS, effort.rounds)


def _measure(stage: Stage) -> Measured:
    count = stage.effort.sockets
    if allow_many_files() < count * _FILES_EACH + _FILES_BESIDES:
        raise CannotMeasureError(f"{count} WebSockets need a higher limit of open files (ulimit -Hn)")
    samples, rounds = [], _rounds(stage.effort)
    for number in range(rounds):
        # A new process each time: memory that the first took would serve the next for nothing.
        front = stage.gateway(upstream=stage.program("sockets"), redis=stage.redis(), path="/")
        samples.append(asyncio.run(_memory_each(front, count)) / _KIBIBYTE)
        stage.step(number + 1, rounds, f"round {number + 1}: {samples[-1]:.1f} KiB each")
    target = Target(must=40, aim=15, better=Better.LESS)
    return Measured(
        figures=(figure("gateway's memory for a WebSocket", "KiB", samples, target),),
        notes=(f"{count} open at once, each used once.",),
    )


async def _memory_each(front: Front, count: int) -> float:
    async with open_websockets(front, 1) as sockets:
        await echo(sockets)
        before = resident(front.pid)
        async with open_websockets(front, count) as many:
            await echo(many)
            return (resident(front.pid) - before) / count


ROW: Final = Row(name="websockets", title="Open WebSockets", seconds=_seconds, measure=_measure)
