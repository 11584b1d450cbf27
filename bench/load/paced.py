"""Load at a fixed rate, and how long each answer took, counted from when its request was due.

Requests are due at random moments, as those of people who know nothing of each other. One that cannot be
sent in time has been waiting since then: a server that stops for a while pays for everybody who came
meanwhile, not for those alone whom it was answering ("coordinated omission").
"""

from __future__ import annotations

import random
import select
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice, repeat
from typing import Final

from bench.errors import CannotMeasureError
from bench.servers.front import Front
from tests.support.processes import LOOPBACK
from tests.support.raw import message_end

CONNECTIONS: Final = 48
"""Few enough for select(), which waits to the microsecond where others count milliseconds."""

_PATIENCE: Final = 10.0  # seconds for the last answers
_CHUNK: Final = 65536
_OK: Final = b"HTTP/1.1 200 "


def due_times(rate: float, seconds: float, *, seed: int) -> Iterator[float]:
    """The moments at which requests are due, in seconds from the start: a Poisson process.

    Args:
        rate: a second, on average.
        seconds: the end.
        seed: the same one gives the same moments.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    due = chance.expovariate(rate)
    while due < seconds:
        yield due
        due += chance.expovariate(rate)


def paced_load(
    front: Front,
    *,
    rate: float,
    seconds: float,
    seed: int,
    target: str = "/",
    cookies: Iterable[str] | None = None,
) -> list[float]:
    """Ask for one target at a rate.

    Args:
        front: whom to ask.
        rate: requests a second.
        seconds: for how long.
        seed: chooses the moments.
        target: what for.
        cookies: the Cookie field of each request; the front's own by default.

    Returns:
        The seconds from when each request was due to the whole of its answer.

    Raises:
        CannotMeasureError: an answer was none of success, or did not come.
    """
    due = list(due_times(rate, seconds, seed=seed))
    people = islice(repeat(front.cookie) if cookies is None else cookies, len(due))
    requests = [replace(front, cookie=cookie).head(f"GET {target} HTTP/1.1") for cookie in people]
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(socket.create_connection((LOOPBACK, front.port))))
            for _ in range(CONNECTIONS)
        ]
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _run(connections, requests, due)


def _run(connections: list[socket.socket], requests: Iterable[bytes], due: list[float]) -> list[float]:
    idle, busy, waiting = list(connections), dict[socket.socket, float](), deque(due)
    asked = iter(requests)
    came: list[float] = []
    began = time.perf_counter()
    end = due[-1] + _PATIENCE
    while len(came) < len(due):
        now = time.perf_counter() - began
        while waiting and waiting[0] <= now and idle:
            connection = idle.pop()
            busy[connection] = waiting.popleft()
            connection.sendall(next(asked))
        pause = waiting[0] - (time.perf_counter() - began) if waiting and idle else end - now
        readable, _, _ = select.select(list(busy), (), (), max(pause, 0))
        for connection in readable:
            _take(connection)
            came.append(time.perf_counter() - began - busy.pop(connection))
            idle.append(connection)
        if now > end:
            raise CannotMeasureError(f"{len(due) - len(came)} answers never came")
    return came


def _take(connection: socket.socket) -> None:
    """Read one answer whole; small ones come in one piece."""
    data = connection.recv(_CHUNK)
    while message_end(data) is None:
        more = connection.recv(_CHUNK)
        if not more:
            raise CannotMeasureError("a connection was closed before it was answered")
        data += more
    if not data.startswith(_OK):
        raise CannotMeasureError(f"an answer was {data[:15]!r}")
