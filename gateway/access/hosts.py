"""Which of several things answers at a host: one named exactly, or one named by a wildcard.

`*.example.gouv.fr` covers every host below `example.gouv.fr`, one label or more, and not that host itself. An
exact name goes before a wildcard, and a longer wildcard before a shorter one. What is covered by nothing has
nothing: never the first one instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

T = TypeVar("T")

WILDCARD: Final = "*."
REMEMBERED: Final = 1024
"""Hosts below wildcards whose thing is kept; whoever invents more of them only costs themselves time."""

_LONGEST_HOST: Final = 253  # RFC 1035 section 2.3.4, as text
_HOST: Final = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+"
)


class ByHost(Generic[T]):
    """Things by the host at which they answer.

    Args:
        things: by host, in lower case and without port; or by wildcard.
        at: makes, of the thing of a wildcard, the thing for one host that it covers.
    """

    __slots__ = ("_at", "_below", "_exact", "_found")

    def __init__(self, things: Mapping[str, T], *, at: Callable[[T, str], T]) -> None:
        self._exact = {host: thing for host, thing in things.items() if not host.startswith(WILDCARD)}
        below = {host[1:]: thing for host, thing in things.items() if host.startswith(WILDCARD)}
        self._below = sorted(below.items(), key=lambda item: len(item[0]), reverse=True)
        self._at = at
        self._found: dict[str, T] = {}

    def get(self, host: str) -> T | None:
        """The thing that answers at a host in lower case, None when there is none."""
        thing = self._exact.get(host)
        if thing is not None or not self._below:
            return thing
        thing = self._found.get(host)
        return self._find(host) if thing is None else thing

    @property
    def all(self) -> tuple[T, ...]:
        """Every thing, those of wildcards as they were given."""
        return (*self._exact.values(), *(thing for _, thing in self._below))

    def _find(self, host: str) -> T | None:
        if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host):
            return None
        for suffix, of_all in self._below:
            if host.endswith(suffix):
                if len(self._found) >= REMEMBERED:
                    self._found.clear()
                self._found[host] = thing = self._at(of_all, host)
                return thing
        return None
