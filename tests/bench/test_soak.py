from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from bench.effort import MEBIBYTE, QUICK
from bench.soak.__main__ import soak
from bench.soak.holdings import Holdings, Kind, holdings
from bench.soak.token import PIECE, Body, MixedUpError, pieces, whole
from bench.soak.verdict import files_fault, memory_fault
from bench.stage import Stage

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"
BEFORE = Holdings(memory=0, files={Kind.OTHER: 20, Kind.STORE: 1})


@pytest.mark.parametrize("size", [0, 1, 17, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5])
def test_a_body_may_come_in_other_pieces_than_it_was_sent_in(size: int) -> None:
    sent = whole(OURS, size)
    assert (len(sent), sent[:17]) == (size, b"0123456789abcdef\n"[:size])
    for step in (1000, 2 * PIECE):
        body = Body(OURS)
        for start in range(0, size, step):
            body.check(sent[start : start + step])
        assert body.size == size


@pytest.mark.parametrize("at", [0, 5, PIECE, 2 * PIECE + 3])
def test_an_octet_of_another_body_shows(at: int) -> None:
    sent = b"".join(pieces(OURS, 3 * PIECE))
    with pytest.raises(MixedUpError, match=OURS):
        Body(OURS).check(sent[:at] + whole(THEIRS, 1) + sent[at + 1 :])


@pytest.mark.parametrize(
    "memory,flat",
    [
        ([10, 100, 101, 102, 100, 99, 103, 101], True),
        ([10, 20, 100, 100, 110, 110, 117, 117], True),
        ([10, 20, 100, 100, 110, 110, 120, 120], False),
        ([1, 2, 3], False),
    ],
    ids=["flat", "holes", "grows", "too-short"],
)
def test_memory_must_be_flat_once_warm(memory: list[int], *, flat: bool) -> None:
    assert (memory_fault([size * MEBIBYTE for size in memory]) is None) is flat


@pytest.mark.parametrize(
    "files,fault",
    [
        ({Kind.OTHER: 20, Kind.STORE: 9}, None),
        ({Kind.OTHER: 20, Kind.BROWSER: 1}, "left open: 1 files for browsers"),
        ({Kind.OTHER: 20, Kind.APPLICATION: 2}, "left open: 2 files for application"),
        ({Kind.OTHER: 21}, "left open: 21 files for others"),
    ],
    ids=["the-store's-are-kept", "browser", "application", "other"],
)
def test_what_is_left_open_is_told(files: dict[Kind, int], fault: str | None) -> None:
    assert files_fault(BEFORE, Holdings(memory=0, files=files)) == fault


@pytest.mark.real
def test_people_work_behind_a_gateway_for_seconds(tmp_path: Path) -> None:
    with Stage(QUICK, tmp_path, lambda *_: None) as stage:
        application, redis = stage.program("tokens"), stage.redis()
        front = stage.gateway(upstream=application, redis=redis, path="/")
        look = partial(holdings, front.pid, front=front.port, application=application, store=redis.port)
        assert asyncio.run(soak(front, look, seconds=5, seed=1)) == []
