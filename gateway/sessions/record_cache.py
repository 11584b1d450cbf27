"""Adapter: the sessions read lately, kept before a store, so that a warm one costs no round trip.

What is kept is the opened session, found by the whole key of its record; nobody has that key without the
cookie. Whether a session still counts, by its host and its lifetimes, is the affair of `sessions.storage`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from gateway.errors import StoreError
from gateway.sessions.keys import session_id
from gateway.sessions.seal import version
from gateway.sessions.session import Session, SignedIn
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Listed

_T = TypeVar("_T")

HEARING_AGE: Final = 20.0
"""Seconds for which a session is believed while the cache hears of those that end."""

DEAF_AGE: Final = 1.0
"""Seconds for which it is believed while the cache does not."""

_MOST: Final = 16_384
_MOST_OCTETS: Final = 64 << 20
_OVERHEAD: Final = 2_048  # octets: the objects that one session is made of
_GROWTH: Final = 4  # how much longer a record's texts are, opened and written into fields
_AGAIN: Final = 0.25  # seconds
_NEVER: Final = -1  # an era that is none


@dataclass(slots=True, eq=False)
class Kept:
    """One session as it is kept.

    Args:
        session: the session, as of its last confirmation or write.
        version: of the record that says so.
        octets: what it takes, roughly.
        confirmed_at: when the store was last asked, by the cache's clock.
        fresh_until: until when it need not be asked again.
    """

    session: SignedIn
    version: bytes
    octets: int
    confirmed_at: float
    fresh_until: float
    _derived: dict[str, Any] = field(default_factory=dict)

    def derived(self, name: str, make: Callable[[SignedIn], _T]) -> _T:
        """What follows from the session's claims, made once and kept as long as they stay the same."""
        found: _T | None = self._derived.get(name)
        if found is None:
            found = self._derived[name] = make(self.session)
        return found


@dataclass(slots=True, eq=False)
class _Question:
    """One reading of a record under way.

    Args:
        asked_at: when, by the cache's clock.
        era: the cache's era then.
        answer: to be.
        ended: whether the session ended meanwhile, whatever the answer says.
    """

    asked_at: float
    era: int
    answer: asyncio.Task[Kept | None] | None = None
    ended: bool = False


class RecordCache:
    """Keeps sessions, as many as its bounds let it, and forgets each that ends anywhere.

    A session is believed for `HEARING_AGE`, so that a lost message costs no more than that; for `DEAF_AGE`
    while no messages come. What is not there is not remembered: unknown cookies take no room.

    Args:
        store: where the records are.
        clock: monotonic seconds.
        stale_lifetime: seconds for which a session goes on when the store does not answer, after it last did.
        ended: told the id of each session that ends, perhaps more than once.
        report: told why messages no longer come.
        most: the most sessions.
        most_octets: the most that they may take together.

    Attributes:
        hits: sessions found here and believed.
        misses: questions to the store.
        stale: sessions that went on although the store did not answer.
        evictions: sessions that went for want of room.
        octets: what is kept takes, roughly.
        hearing: whether messages come.
        era: another number after each moment in which a message may have been lost.
    """

    def __init__(
        self,
        store: RecordStore,
        *,
        clock: Callable[[], float],
        stale_lifetime: float,
        ended: Callable[[str], object],
        report: Callable[[StoreError], object],
        most: int = _MOST,
        most_octets: int = _MOST_OCTETS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._stale_lifetime = stale_lifetime
        self._tell_ended = ended
        self._report = report
        self._most = most
        self._most_octets = most_octets
        # In the order of their confirmation: a session in use is confirmed again and again.
        self._kept: dict[str, Kept] = {}
        self._questions: dict[str, _Question] = {}
        self.hits = self.misses = self.stale = self.evictions = self.octets = self.era = 0
        self.hearing = False

    def __len__(self) -> int:
        return len(self._kept)

    def warm(self, key: str) -> Kept | None:
        """The session whose record is at `key`, if it is kept and the store need not be asked."""
        kept = self._kept.get(key)
        if kept is None or self._clock() >= kept.fresh_until:
            return None
        self.hits += 1
        return kept

    async def read(self, key: str, opened: Callable[[bytes], Session]) -> Kept | None:
        """Ask the store, once for all who ask at the same time; None for nobody's record.

        A caller that is cancelled cancels nobody else.

        Args:
            key: of the record.
            opened: opens it, for the cookie that leads to this key.

        Raises:
            StoreError: the store did not answer, and has not for too long.
        """
        question = self._questions.get(key)
        if question is None or question.answer is None:
            self.misses += 1
            question = self._questions[key] = _Question(self._clock(), self.era)
            question.answer = asyncio.create_task(self._ask(key, question, opened))
            question.answer.add_done_callback(partial(self._answered, key))
        kept = await asyncio.shield(question.answer)
        return None if question.ended else kept

    async def read_anew(self, key: str, opened: Callable[[bytes], Session]) -> Kept | None:
        """Ask the store now, whatever was asked before; what it says is believed for a moment.

        Raises:
            StoreError: the store did not answer.
        """
        # An ending may be heard of while nobody knows that this is asked.
        question = _Question(self._clock(), _NEVER)
        return self._answer(key, await self._store.get(key), question, opened)

    async def replace(
        self, key: str, kept: Kept, session: SignedIn, record: bytes, *, lifetime: int, listed: Listed
    ) -> bool:
        """Write a session over what is kept of it; False, and nothing written, when it has ended.

        One with a grant is written over nothing but what is kept: a grant is used once, so that an older one
        must never come back. False then also means that another gateway has written.

        Raises:
            StoreError: the store did not answer.
        """
        over = None if session.grant is None else kept.version
        there = await self._store.replace(key, record, lifetime=lifetime, listed=listed, over=over)
        if there:
            if kept.session.claims != session.claims:
                kept._derived.clear()  # noqa: SLF001 - of the same module
            kept.session, kept.version = session, version(record)
        elif over is None:
            self._end(key)
        return there

    async def delete(self, key: str) -> None:
        """Delete a record, if there is one; what is kept of it goes at once.

        Raises:
            StoreError: the store did not answer; the session goes on.
        """
        try:
            await self._store.delete(key)
        except BaseException:
            # It may be deleted all the same.
            if (kept := self._kept.get(key)) is not None:
                kept.fresh_until = 0
            raise
        self._end(key)

    async def listen(self) -> None:
        """Hear of sessions that end elsewhere, until cancelled."""
        while True:
            try:
                async with aclosing(self._store.endings()) as endings:
                    async for key in endings:
                        if key is None:
                            self._hear()
                        else:
                            self._end(key)
            except StoreError as error:
                if self.hearing:
                    self._report(error)
            self._doubt()
            await asyncio.sleep(_AGAIN)

    async def close(self) -> None:
        """Wait for what is asked. The store is closed by whoever opened it."""
        answers = (question.answer for question in self._questions.values())
        await asyncio.gather(*(answer for answer in answers if answer), return_exceptions=True)

    async def _ask(self, key: str, question: _Question, opened: Callable[[bytes], Session]) -> Kept | None:
        try:
            record = await self._store.get(key)
        except StoreError:
            kept = self._kept.get(key)
            if kept is None or self._clock() >= kept.confirmed_at + self._stale_lifetime:
                raise
            self.stale += 1
            return kept
        return self._answer(key, record, question, opened)

    def _answer(
        self, key: str, record: bytes | None, question: _Question, opened: Callable[[bytes], Session]
    ) -> Kept | None:
        session = None if record is None or question.ended else opened(record)
        if record is None or not isinstance(session, SignedIn):
            self._end(key)
            return None
        return self._keep(key, session, record, question)

    def _answered(self, key: str, answer: asyncio.Task[Kept | None]) -> None:
        del self._questions[key]
        if not answer.cancelled():
            # If nobody waits any more, it is nobody's failure.
            answer.exception()

    def _keep(self, key: str, session: SignedIn, record: bytes, question: _Question) -> Kept:
        # Only if every ending was heard of since the question was asked.
        age = HEARING_AGE if self.hearing and question.era == self.era else DEAF_AGE
        octets = _OVERHEAD + _GROWTH * len(record)
        kept = Kept(session, version(record), octets, question.asked_at, question.asked_at + age)
        if (before := self._kept.get(key)) is not None:
            if before.session.claims == session.claims:
                kept._derived = before._derived  # noqa: SLF001 - of the same class
            self._drop(key)
        self._kept[key] = kept
        self.octets += kept.octets
        self._make_room()
        return kept

    def _make_room(self) -> None:
        useless = self._clock() - max(self._stale_lifetime, HEARING_AGE)
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            if oldest.confirmed_at >= useless:
                if len(self._kept) <= self._most and self.octets <= self._most_octets:
                    return
                self.evictions += 1
            self._drop(key)

    def _drop(self, key: str) -> None:
        self.octets -= self._kept.pop(key).octets

    def _end(self, key: str) -> None:
        if key in self._kept:
            self._drop(key)
        if (question := self._questions.get(key)) is not None:
            question.ended = True
        self._tell_ended(session_id(key))

    def _hear(self) -> None:
        self.era += 1
        self.hearing = True

    def _doubt(self) -> None:
        self.era += 1
        self.hearing = False
        for kept in self._kept.values():
            kept.fresh_until = 0
