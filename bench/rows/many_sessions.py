"""What a request costs with few sessions in Redis, and with a million."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.contest import interleaved
from bench.effort import Effort
from bench.figures import Better, Target, figure, ratios
from bench.load.paced import paced_load
from bench.load.wrk import Load, full_load
from bench.row import Measured, Row
from bench.servers.crowd import Crowd, crowd_like
from bench.servers.front import Front
from bench.servers.redis_counts import memory, process
from bench.stage import Stage
from bench.usage import processor_seconds
from gateway.secret import Secret
from tests.support.redis_server import RedisServer

_RATE: Final = 1000  # cold requests a second
_COLD_ROUNDS: Final = 2  # for each round of the others: processor time is counted coarsely
_MARGIN: Final = 1.2  # for moments that are drawn by chance
_WRITTEN: Final = 9000  # sessions a second
_KIBIBYTE: Final = 1024
_MICROSECONDS: Final = 1e6
_TARGET: Final = Target(must=1.1, aim=1.0, better=Better.LESS)


class _Cost(float):
    """Seconds of processor time of gateway and Redis for a request."""

    def __str__(self) -> str:
        return f"{self * _MICROSECONDS:.0f} µs/request"


@dataclass(frozen=True, slots=True)
class _Side:
    """A gateway with a Redis of its own, and people whom it has not seen yet."""

    front: Front
    redis: RedisServer
    strangers: Iterator[str]

    def warm(self, seconds: int) -> Load:
        """Full load in the name of somebody who was."""
        return full_load(self.front, seconds=seconds)

    def cold(self, seconds: float) -> _Cost:
        """Requests of people who were not seen yet."""
        pids = (self.front.pid, process(self.redis.port))
        before = sum(map(processor_seconds, pids))
        times = paced_load(self.front, rate=_RATE, seconds=seconds, seed=0, cookies=self.strangers)
        return _Cost((sum(map(processor_seconds, pids)) - before) / len(times))


def _seconds(effort: Effort) -> float:
    return (
        8 + effort.sessions / _WRITTEN + effort.rounds * 2 * (effort.load_seconds + effort.cold_seconds + 0.2)
    )


def _asked(effort: Effort) -> range:
    """The numbers of the people who are asked for, each once: from everywhere among the many."""
    count = int(effort.rounds * effort.cold_seconds * _RATE * _MARGIN)
    return range(0, effort.sessions, max(effort.sessions // count, 1))


def _measure(stage: Stage) -> Measured:
    effort, secret, pages = stage.effort, Secret(secrets.token_urlsafe(48)), stage.pages()
    asked, many_are = _asked(effort), f"{effort.sessions:,}".replace(",", " ")

    def side(crowd: Crowd | None = None) -> tuple[_Side, Crowd]:
        redis = stage.redis()
        front = stage.gateway(upstream=pages, redis=redis, secret=secret)
        crowd = crowd or crowd_like(front, redis.port, secret)
        return _Side(front, redis, map(crowd.cookie, asked)), crowd

    one, crowd = side()
    many, _ = side(crowd)
    empty = memory(many.redis.port)
    crowd.write(many.redis.port, range(effort.sessions))
    taken = memory(many.redis.port) - empty
    sides = {"1 session": one, f"{many_are} sessions": many}
    lone, lots = sides
    for each in sides.values():
        each.warm(1)
    warm = interleaved(stage, effort.rounds, sides, lambda each: each.warm(effort.load_seconds))
    rates = {name: [load.rate for load in loads] for name, loads in warm.items()}

    # Nobody can be asked for twice and be new both times: these are the fewest that there can be.
    crowd.write(one.redis.port, asked)
    rounds = effort.rounds * _COLD_ROUNDS
    few = f"{len(asked)} sessions"
    sides = {few: one, lots: many}
    cold = interleaved(stage, rounds, sides, lambda each: each.cold(effort.cold_seconds / _COLD_ROUNDS))
    return Measured(
        figures=(
            figure(
                f"time of a warm request, {lots} : {lone}", "x", ratios(rates[lone], rates[lots]), _TARGET
            ),
            figure(f"cost of a cold request, {lots} : {few}", "x", ratios(cold[lots], cold[few]), _TARGET),
            *(figure(f"warm, {name}", "requests/s", samples) for name, samples in rates.items()),
            *(
                figure(f"cold, {name}, processor", "µs/request", _microseconds(costs))
                for name, costs in cold.items()
            ),
            figure("memory of Redis for a session", "KiB", (taken / effort.sessions / _KIBIBYTE,)),
        ),
        notes=(
            f"Redis used {taken / _KIBIBYTE**2:.0f} MiB for {many_are} sessions.",
            "A cold request is one of a person whom the gateway has not seen; it reads the record.",
        ),
    )


def _microseconds(costs: list[_Cost]) -> list[float]:
    return [cost * _MICROSECONDS for cost in costs]


ROW: Final = Row(
    name="many-sessions",
    title="1 and 1 000 000 sessions in Redis, one worker",
    seconds=_seconds,
    measure=_measure,
)
