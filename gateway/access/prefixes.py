"""Which of several things is behind a path: the one with the longest path above it, by whole segments.

It is decided on the readings of the path that the policy saw. When two readings lead to different things, two
servers could disagree about where the request belongs, and it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from gateway.access.paths import path_pattern
from gateway.access.readings import Path
from gateway.errors import Fault, RequestError

T = TypeVar("T")


class ByPrefix(Generic[T]):
    """Things by the path beneath which they are.

    Args:
        otherwise: what is behind every path that is not beneath one of these.
        things: by path, percent-decoded; `/api` and `/api/` are alike, and neither covers `/apis`.
    """

    __slots__ = ("_folded", "_otherwise", "_written")

    def __init__(self, otherwise: T, things: Mapping[str, T]) -> None:
        longest = sorted(things.items(), key=lambda item: len(item[0].rstrip("/")), reverse=True)
        self._otherwise = otherwise
        self._written = tuple((path_pattern(path), thing) for path, thing in longest)
        self._folded = tuple((pattern.folded, thing) for pattern, thing in self._written)

    def find(self, path: Path) -> T:
        """The thing behind a path.

        Raises:
            RequestError: target-ambiguous, when two readings of the path lead to different things.
        """
        if not self._written:
            return self._otherwise
        found = next(
            (thing for prefix, thing in self._written if prefix.covers(path.decoded)), self._otherwise
        )
        # A path without other readings is its own case-folding, which a prefix with capitals may be about.
        plain = frozenset({path.decoded}) if any(prefix.folds for prefix, _ in self._written) else frozenset()
        for other in path.others or plain:
            rival = next((thing for prefix, thing in self._folded if prefix.covers(other)), self._otherwise)
            if rival is not found:
                raise RequestError(Fault.TARGET_AMBIGUOUS, why="leads to two upstreams")
        return found

    @property
    def all(self) -> tuple[T, ...]:
        """Every thing."""
        return (self._otherwise, *(thing for _, thing in self._written))
