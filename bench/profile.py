"""`python -m bench.profile`: where the time of a small page goes in the gateway, step by step.

py-spy looks at the worker's stack some hundred times a second while it works at full load. Each look counts
for the innermost frame that belongs to a step; the processor time of a request, as the kernel counts it, is
shared out accordingly.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bench.effort import QUICK
from bench.errors import CannotMeasureError
from bench.load.wrk import Load, full_load
from bench.stage import Stage
from bench.usage import family

_LOOKS: Final = 200  # a second
_WARM_UP: Final = 2  # seconds
_MICROSECONDS: Final = 1e6
_FRAME: Final = re.compile(r" \((?:.*/)?((?:gateway|aiohttp|aiohttp_session)/[\w/]+)\.py:\d+\)$")

EVENT_LOOP: Final = "event loop: waiting for sockets, reading them"
_AIOHTTP: Final = "aiohttp: the request read, its objects, its task"
STEPS: Final[dict[str, str]] = {
    "gateway/proxy/server": _AIOHTTP,
    "aiohttp/worker": EVENT_LOOP,
    "aiohttp": _AIOHTTP,
    "gateway/web/front": "entrance: own path or not, request id, log line, count",
    "gateway/web/middlewares": "entrance: own path or not, request id, log line, count",
    "gateway/web/notes": "entrance: own path or not, request id, log line, count",
    "gateway/observe": "entrance: own path or not, request id, log line, count",
    "gateway/web/site": "request checked and read, application found",
    "gateway/access": "request checked and read, application found",
    "gateway/proxy/framing": "request checked and read, application found",
    "gateway/proxy/target": "request checked and read, application found",
    "gateway/access/policy": "rule found, decision",
    "gateway/access/requirements": "rule found, decision",
    "gateway/access/paths": "rule found, decision",
    "gateway/web/gate": "rule found, decision",
    "gateway/sessions": "session found, its lifetimes checked",
    "aiohttp_session": "session found, its lifetimes checked",
    "gateway/access/identity": "fields: dropped, added",
    "gateway/proxy/fields": "fields: dropped, added",
    "gateway/proxy/forwarded": "fields: dropped, added",
    "gateway/proxy/names": "fields: dropped, added",
    "gateway/proxy/connection": "request written to the application (a system call)",
    "gateway/proxy/answer": "answer read",
    "gateway/proxy/relay": "answer written to the browser (a system call)",
    "gateway/proxy": "exchange: connection taken, deadlines, given back",
}
"""The steps by module; of several that fit, the longest counts. What is not here counts for its caller."""


def step_of(stack: str) -> str:
    """The step that a stack, outermost frame first, is in."""
    for frame in reversed(stack.split(";")):
        if (match := _FRAME.search(frame)) is None:
            continue
        fitting = [module for module in STEPS if f"{match[1]}/".startswith(f"{module}/")]
        if fitting:
            return STEPS[max(fitting, key=len)]
    return EVENT_LOOP


def steps(raw: Iterable[str]) -> Counter[str]:
    """How often each step was seen, of py-spy's raw format: a stack and a number on each line."""
    seen: Counter[str] = Counter()
    for line in raw:
        stack, _, count = line.rpartition(" ")
        seen[step_of(stack)] += int(count)
    return seen


def table(seen: Counter[str], each: float) -> list[str]:
    """The steps, the costliest first.

    Args:
        seen: how often each was seen.
        each: seconds of processor time of a request.
    """
    total = seen.total()
    lines = ["| µs | share | step |", "|--:|--:|---|"]
    for step, count in seen.most_common():
        share = count / total
        lines.append(f"| {share * each * _MICROSECONDS:.1f} | {share:.0%} | {step} |")
    return [*lines, f"| {each * _MICROSECONDS:.1f} | 100% | all of it |"]


def main(arguments: Sequence[str]) -> int:
    """Profile, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--seconds", type=int, default=15, help="of profile (default: 15)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="profile-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Stage(QUICK, folder, lambda *_: None) as stage:
            load, seen = _profile(stage, folder / "raw.txt", given.seconds)
    sys.stdout.write("\n".join(table(seen, load.processor)) + "\n")
    return 0


def _profile(stage: Stage, raw: Path, seconds: int) -> tuple[Load, Counter[str]]:
    front = stage.gateway(upstream=stage.pages(), redis=stage.redis())
    full_load(front, seconds=_WARM_UP)
    # Being looked at costs time, so that the two are not done at once.
    load = full_load(front, seconds=seconds)
    *_, worker = family(front.pid)
    py_spy = str(Path(sys.executable).parent / "py-spy")
    command = [py_spy, "record", "--pid", str(worker), "--duration", str(seconds), "--rate", str(_LOOKS)]
    with subprocess.Popen(
        [*command, "--format", "raw", "--output", str(raw)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as profiler:
        full_load(front, seconds=seconds + _WARM_UP)
        _, said = profiler.communicate()
    if profiler.returncode:
        raise CannotMeasureError(f"py-spy: {said.decode(errors='replace').strip()}")
    return load, steps(raw.read_text("utf-8").splitlines())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
