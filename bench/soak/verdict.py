"""Whether a gateway came through: what it held at work, and what it holds on to afterwards."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from bench.effort import MEBIBYTE
from bench.soak.holdings import Holdings, Kind

_SHARE: Final = 0.1
_BESIDES: Final = 8 * MEBIBYTE
"""Memory is flat if its last quarter exceeds its second by less than this and the share: heaps have holes."""


def memory_fault(memory: Sequence[int]) -> str | None:
    """Why resident memory is not flat, None when it is.

    Args:
        memory: octets, sampled at equal distances over all of the soak; the first quarter warms up.
    """
    quarter = len(memory) // 4
    if quarter == 0:
        return "too few samples of memory"
    early = statistics.median(memory[quarter : 2 * quarter])
    late = statistics.median(memory[-quarter:])
    if late <= early * (1 + _SHARE) + _BESIDES:
        return None
    return f"memory grew from {early / MEBIBYTE:.0f} to {late / MEBIBYTE:.0f} MiB"


def files_fault(before: Holdings, after: Holdings) -> str | None:
    """Which files were left open, None for none.

    Args:
        before: what was held before the soak.
        after: what is held once nobody is there any more.
    """
    kept = [kind for kind in (Kind.BROWSER, Kind.APPLICATION) if after.files.get(kind, 0)]
    if after.files.get(Kind.OTHER, 0) > before.files.get(Kind.OTHER, 0):
        kept.append(Kind.OTHER)
    if not kept:
        return None
    return "left open: " + ", ".join(f"{after.files[kind]} files for {kind}" for kind in kept)
