"""Adapter: what is open for long is looked after here, so that it ends with its session.

Whoever ends a session says so, and `sessions.record_cache` hears it. What nobody says is found by looking:
a lifetime that passes while a stream is open, a session that ended before its stream began, a lost message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from gateway.errors import StoreError
from gateway.sessions.directory import Directory
from gateway.sessions.record_cache import DEAF_AGE, RecordCache
from gateway.sessions.session import Lifetimes
from gateway.sessions.summary import By

PERIOD: Final = 0.5
"""Seconds between two rounds."""

_BELIEVED: Final = 60  # seconds; longer than a session in the cache, for a stream asks nothing by itself
_AT_ONCE: Final = 16  # questions to the store


@dataclass(slots=True)
class _Watched:
    """One session with something open. Times are Unix seconds.

    Args:
        look_at: when to ask the store again.
        ends_at: when its absolute lifetime has passed, if that is known.
        answered_at: when the store was last asked in vain for the first time, or has answered.
    """

    look_at: float
    ends_at: float | None
    answered_at: float


class Watch:
    """Ends what is open for long once its session has ended, wherever that was.

    A session whose store does not answer goes on as in the cache: for the stale lifetime.

    Args:
        directory: finds sessions by their ids.
        cache: knows whether endings are heard of.
        open_for: the ids of the sessions that something is open for.
        end: ends what is open for one of them.
        lifetimes: the lifetimes of sessions opened at a host.
        clock: Unix seconds.
        stale_lifetime: seconds for which a session goes on when the store does not answer.
    """

    def __init__(
        self,
        *,
        directory: Directory,
        cache: RecordCache,
        open_for: Callable[[], Collection[str]],
        end: Callable[[str], object],
        lifetimes: Callable[[str], Lifetimes],
        clock: Callable[[], int],
        stale_lifetime: int,
    ) -> None:
        self._directory = directory
        self._cache = cache
        self._open_for = open_for
        self._end = end
        self._lifetimes = lifetimes
        self._clock = clock
        self._stale_lifetime = stale_lifetime
        self._watched: dict[str, _Watched] = {}
        self._era = cache.era

    async def run(self) -> None:
        """Look after everything, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(PERIOD)

    async def look(self) -> None:
        """One round."""
        now = self._clock()
        if self._era != self._cache.era:
            # Something may have ended unheard.
            self._era = self._cache.era
            for watched in self._watched.values():
                watched.look_at = now
        open_for = self._open_for()
        for gone in self._watched.keys() - open_for:
            del self._watched[gone]
        for session in open_for:
            self._watched.setdefault(session, _Watched(look_at=now, ends_at=None, answered_at=now))
        due = [session for session, watched in self._watched.items() if watched.look_at <= now]
        for first in range(0, len(due), _AT_ONCE):
            await asyncio.gather(*(self._ask(session, now) for session in due[first : first + _AT_ONCE]))

    async def _ask(self, session: str, now: int) -> None:
        watched = self._watched[session]
        try:
            found = [summary async for _, summary in self._directory.find(By.ID, session)]
        except StoreError:
            over = watched.ends_at is not None and watched.ends_at <= now
            if over or watched.answered_at + self._stale_lifetime <= now:
                self._end(session)
            return
        watched.answered_at = now
        until = 0
        for summary in found:
            lifetimes = self._lifetimes(summary.host)
            until = lifetimes.end(signed_in_at=summary.signed_in_at, last_seen=summary.last_seen)
            watched.ends_at = summary.signed_in_at + lifetimes.absolute
        if until <= now:
            self._end(session)
        else:
            watched.look_at = min(until, now + (_BELIEVED if self._cache.hearing else DEAF_AGE))
