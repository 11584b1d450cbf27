"""Adapter: sessions to their records, for all who write over one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.sessions.cookie import SessionCookie
from gateway.sessions.record_cache import Kept, RecordCache
from gateway.sessions.seal import Sealer
from gateway.sessions.session import Lifetimes, Session, SignedIn
from gateway.sessions.summary import Listed, Sighting, Summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Seals sessions, and what is listed of them.

    Args:
        cache: the sessions read lately, before the store.
        sealer: seals and opens records.
        lifetimes: the lifetimes of sessions opened at a host.
        summaries: makes what is listed of a session.
        random: draws octets for nonces.
    """

    cache: RecordCache
    sealer: Sealer
    lifetimes: Callable[[str], Lifetimes]
    summaries: Summaries
    random: Callable[[int], bytes]

    def sealed(self, cookie: SessionCookie, session: SignedIn) -> bytes:
        """The record that a cookie leads to."""
        return cookie.seal(session, sealer=self.sealer, random=self.random)

    def opener(self, cookie: SessionCookie) -> Callable[[bytes], Session]:
        """What opens it."""
        return lambda record: cookie.open(record, sealer=self.sealer)

    def listed(self, cookie: SessionCookie, session: SignedIn, seen: Sighting) -> Listed:
        """What stands beside it."""
        return self.summaries.listed(session, seen, key=cookie.key, random=self.random)

    async def replace(self, cookie: SessionCookie, kept: Kept, session: SignedIn, sighting: Sighting) -> bool:
        """Write a session, made of what is kept this moment, over its record; see `RecordCache.replace`.

        Raises:
            StoreError: the store did not answer.
        """
        return await self.cache.replace(
            cookie.key,
            kept,
            session,
            self.sealed(cookie, session),
            lifetime=self.lifetimes(session.host).remaining(session, now=session.last_seen),
            listed=self.listed(cookie, session, sighting),
        )
