"""What a Redis counts of itself: the commands that came, and the memory that it uses."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import Any, Final

from redis import Redis

_OURS: Final = frozenset({"info", "config|resetstat", "client|setinfo", "hello"})
"""The commands of whoever looks."""


def forget_commands(port: int) -> None:
    """Let `commands` begin anew."""
    with closing(Redis(port=port)) as redis:
        redis.config_resetstat()


def commands(port: int) -> Counter[str]:
    """How often each command came since `forget_commands`, besides those of looking.

    Commands that came together in one round trip count each: there are no more round trips than that.
    """
    stats = _info(port, "commandstats")
    calls = {name.removeprefix("cmdstat_"): int(each["calls"]) for name, each in stats.items()}
    return Counter({name: count for name, count in calls.items() if name not in _OURS})


def process(port: int) -> int:
    """The id of its process."""
    return int(_info(port, "server")["process_id"])


def memory(port: int) -> int:
    """The memory that Redis uses for what it keeps, in octets."""
    return int(_info(port, "memory")["used_memory"])


def _info(port: int, section: str) -> dict[str, Any]:
    with closing(Redis(port=port)) as redis:
        return redis.info(section)
