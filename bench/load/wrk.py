"""Full load with wrk, and the processor time that a front spends on it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import Final

from bench.errors import CannotMeasureError
from bench.servers.front import Front
from bench.usage import processor_seconds
from tests.support.processes import find_program

CONNECTIONS: Final = 32
_REQUESTS: Final = re.compile(r"^\s*(\d+) requests in ([\d.]+)(m?s|m)\b", re.MULTILINE)
_FAILURES: Final = re.compile(r"^\s*(?:Socket errors|Non-2xx or 3xx responses):.*$", re.MULTILINE)
_CLOSED: Final = re.compile(r"^\s*Socket errors: connect 0, read \d+, write \d+, timeout 0$", re.MULTILINE)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}
_GRACE: Final = 30  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of full load.

    Args:
        rate: requests a second.
        processor: processor time of the front and its descendants for each request, in seconds.
    """

    rate: float
    processor: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f} requests/s".replace(",", " ")


def full_load(front: Front, *, seconds: int, target: str = "/", connections: int = CONNECTIONS) -> Load:
    """Ask for one target over and over, as fast as answers come.

    Args:
        front: whom to ask.
        seconds: for how long.
        target: what for.
        connections: how many there are, each with one request under way.

    Raises:
        CannotMeasureError: an answer was none of success, or a connection failed.
    """
    command = [find_program("wrk", package="wrk"), "-t1", f"-c{connections}", f"-d{seconds}s"]
    cookie = ["-H", f"Cookie: {front.cookie}"] if front.cookie else []
    before = processor_seconds(front.pid)
    ran = subprocess.run(
        [*command, *cookie, front.url + target],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + _GRACE,
    )
    spent = processor_seconds(front.pid) - before
    if ran.returncode:
        raise CannotMeasureError(f"{front.name}: wrk: {ran.stderr.strip()}")
    requests, lasted = read_wrk(_CLOSED.sub("", ran.stdout) if front.closes else ran.stdout, whom=front.name)
    return Load(rate=requests / lasted, processor=spent / requests)


def read_wrk(text: str, *, whom: str) -> tuple[int, float]:
    """Requests and seconds out of what wrk prints of a load on `whom`.

    Raises:
        CannotMeasureError: something failed, or nothing was answered.
    """
    if failed := _FAILURES.search(text):
        raise CannotMeasureError(f"{whom}: wrk: {failed[0].strip()}")
    match = _REQUESTS.search(text)
    if match is None or match[1] == "0":
        raise CannotMeasureError(f"{whom}: wrk had no answer:\n{text}")
    return int(match[1]), float(match[2]) * _SECONDS[match[3]]
