"""`python -m bench.soak`: lets people work behind a gateway, and tells whether it came through."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from bench.effort import MEBIBYTE, QUICK
from bench.limits import allow_many_files
from bench.servers.front import Front
from bench.soak.holdings import Holdings, Kind, holdings
from bench.soak.people import Crowd
from bench.soak.verdict import files_fault, memory_fault
from bench.stage import Stage

_LOOKS_EVERY: Final = 1.0  # seconds
_TELLS_EVERY: Final = 10.0
_CALM_WITHIN: Final = 60.0
"""Idle connections to an application are kept for half of this."""

_MOST_TOLD: Final = 20


def main(arguments: Sequence[str]) -> int:
    """Run the soak; the exit status is 1 when something went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes people do other things")
    given = parser.parse_args(arguments)
    allow_many_files()
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as name,
        Stage(QUICK, Path(name), lambda *_: None) as stage,
    ):
        application, redis = stage.program("tokens"), stage.redis()
        front = stage.gateway(upstream=application, redis=redis, path="/")
        look = partial(holdings, front.pid, front=front.port, application=application, store=redis.port)
        wrong = asyncio.run(soak(front, look, seconds=given.minutes * 60, seed=given.seed))
    for line in wrong[:_MOST_TOLD]:
        _show(f"WRONG: {line}")
    _show(f"soak: {len(wrong)} wrong" if wrong else "soak: nothing wrong")
    return 1 if wrong else 0


async def soak(front: Front, look: Callable[[], Holdings], *, seconds: float, seed: int) -> list[str]:
    """Let people work, and watch the gateway meanwhile; everything that went wrong.

    Args:
        front: the gateway.
        look: what it holds at a moment.
        seconds: for how long.
        seed: chooses what people do.
    """
    before = look()
    began = time.monotonic()
    crowd = Crowd(front, seed=seed, until=began + seconds)
    living = asyncio.create_task(crowd.live())
    memory: list[int] = []
    told_at = 0.0
    while not living.done():
        await asyncio.wait((living,), timeout=_LOOKS_EVERY)
        held = look()
        lasted = time.monotonic() - began
        if lasted <= seconds:
            memory.append(held.memory)
        if lasted - told_at >= _TELLS_EVERY:
            told_at = lasted
            _show(
                f"{lasted:4.0f} s  {_said(held)}, {sum(crowd.done.values())} done, {len(crowd.wrong)} wrong"
            )
    await living
    _show("done: " + ", ".join(f"{count} {what}" for what, count in crowd.done.most_common()))
    after = await _calm(before, look)
    _show(f"calm: {_said(after)}")
    return crowd.wrong + [fault for fault in (memory_fault(memory), files_fault(before, after)) if fault]


async def _calm(before: Holdings, look: Callable[[], Holdings]) -> Holdings:
    """What is held once nobody is there any more; connections that are kept get the time to be given up."""
    held = look()
    with suppress(TimeoutError):
        async with asyncio.timeout(_CALM_WITHIN):
            while files_fault(before, held):
                await asyncio.sleep(_LOOKS_EVERY)
                held = look()
    return held


def _said(held: Holdings) -> str:
    files = ", ".join(f"{held.files.get(kind, 0)} for {kind}" for kind in Kind)
    return f"{held.memory / MEBIBYTE:.0f} MiB, files: {files}"


def _show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
