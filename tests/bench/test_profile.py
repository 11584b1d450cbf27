from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.profile import EVENT_LOOP, STEPS, step_of, steps, table

SITE = "/srv/.venv/lib/python3.11/site-packages"
WORKER = f"run (gateway/cli.py:120);run ({SITE}/aiohttp/worker.py:64)"
GATE = f"{WORKER};_handle_request ({SITE}/aiohttp/web_protocol.py:577);handle (gateway/web/gate.py:40)"


@pytest.mark.parametrize(
    "stack,step",
    [
        (WORKER, EVENT_LOOP),
        (f"{WORKER};start ({SITE}/aiohttp/web_protocol.py:677)", STEPS["aiohttp"]),
        (GATE, STEPS["gateway/web/gate"]),
        (f"{GATE};decide (/srv/gateway/access/policy.py:200)", STEPS["gateway/access/policy"]),
        (f"{GATE};read_path (gateway/access/readings.py:60)", STEPS["gateway/access"]),
        (
            f"{GATE};read_cookies (gateway/sessions/cookie.py:80);b64decode (base64.py:80)",
            STEPS["gateway/sessions"],
        ),
        (f"{GATE};ask (gateway/proxy/connection.py:122)", STEPS["gateway/proxy/connection"]),
        (f"{GATE};acquire (gateway/proxy/pool.py:99)", STEPS["gateway/proxy"]),
        ("<module> (somewhere.py:1)", EVENT_LOOP),
    ],
)
def test_a_stack_counts_for_its_innermost_step(stack: str, step: str) -> None:
    assert step_of(stack) == step


def test_the_time_of_a_request_is_shared_out() -> None:
    seen = steps([f"{GATE} 30", f"{WORKER} 60", f"{GATE} 10"])
    assert seen == Counter({EVENT_LOOP: 60, STEPS["gateway/web/gate"]: 40})
    assert table(seen, 0.0001) == [
        "| µs | share | step |",
        "|--:|--:|---|",
        f"| 60.0 | 60% | {EVENT_LOOP} |",
        f"| 40.0 | 40% | {STEPS['gateway/web/gate']} |",
        "| 100.0 | 100% | all of it |",
    ]


def test_every_step_is_still_in_the_code() -> None:
    root = Path(__file__).parents[2]
    ours = [name for name in STEPS if name.startswith("gateway/")]
    assert [name for name in ours if not (root / name).is_dir() and not (root / f"{name}.py").exists()] == []
