"""How many of the requests of people who are at work touch Redis."""

from __future__ import annotations

import secrets
from itertools import cycle
from typing import Final

from bench.effort import Effort
from bench.figures import Better, Target, figure
from bench.load.paced import paced_load
from bench.row import Measured, Row
from bench.servers.crowd import crowd_like
from bench.servers.redis_counts import commands, forget_commands
from bench.stage import Stage
from gateway.secret import Secret

_PEOPLE: Final = 100
_RATE: Final = 2000  # requests a second, of all of them together
_MOST_ROUNDS: Final = 3
_PERCENT: Final = 100


def _rounds(effort: Effort) -> int:
    return min(_MOST_ROUNDS, effort.rounds)


def _seconds(effort: Effort) -> float:
    return 4 + _rounds(effort) * (effort.believed_seconds + 0.2)


def _measure(stage: Stage) -> Measured:
    redis, secret, seconds = stage.redis(), Secret(secrets.token_urlsafe(48)), stage.effort.believed_seconds
    front = stage.gateway(upstream=stage.pages(), redis=redis, secret=secret)
    crowd = crowd_like(front, redis.port, secret)
    crowd.write(redis.port, range(_PEOPLE))
    cookies = [crowd.cookie(number) for number in range(_PEOPLE)]
    paced_load(front, rate=_RATE, seconds=1, seed=0, cookies=cycle(cookies))
    shares, seen, rounds = [], set[str](), _rounds(stage.effort)
    for number in range(rounds):
        forget_commands(redis.port)
        times = paced_load(front, rate=_RATE, seconds=seconds, seed=number + 1, cookies=cycle(cookies))
        counted = commands(redis.port)
        seen |= counted.keys()
        shares.append(counted.total() / len(times) * _PERCENT)
        stage.step(number + 1, rounds, f"round {number + 1}: {shares[-1]:.3f} % of {len(times)}")
    target = Target(must=1, aim=0.1, better=Better.LESS)
    return Measured(
        figures=(figure("requests that touch Redis", "%", shares, target),),
        notes=(
            f"{_PEOPLE} people with {_RATE // _PEOPLE} requests a second each, {seconds} seconds a round.",
            f"Every command counts, whoever sent it; there were {', '.join(sorted(seen)) or 'none'}.",
        ),
    )


ROW: Final = Row(
    name="store-requests",
    title="Requests that touch Redis, people at work",
    seconds=_seconds,
    measure=_measure,
)
