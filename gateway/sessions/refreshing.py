"""Adapter: sessions whose provider is asked again and again whether it still stands by them.

One request asks for all the others, in this process and, by a lease, over all workers and gateways: a refresh
token may be good for one use only. What is asked and believed is the affair of whoever refreshes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from gateway.errors import GatewayError, ProviderError, SessionRefusedError, StoreError
from gateway.sessions.cookie import SessionCookie
from gateway.sessions.lease import Lease
from gateway.sessions.record_cache import Kept
from gateway.sessions.session import Grant, SignedIn
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import Sighting
from gateway.sessions.writer import Writer

PATIENCE: Final = 3.0
"""Seconds for which a request waits for the provider; then it goes on as before."""

_LEASES: Final = "gateway:refresh:"
_AGAIN: Final = 30  # seconds until a provider that did not answer is asked again about the same session
_ATTEMPTS: Final = 20  # at writing what the provider gave, which cannot be had again
_PAUSE: Final = 0.5  # seconds between two of them


class Refreshes(Protocol):
    """Whoever can ask a provider about a session."""

    async def refresh(self, session: SignedIn) -> SignedIn:
        """The session as the provider now has it, its grant the next one.

        Raises:
            SessionRefusedError: the session is to end.
            ProviderError: the provider did not answer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshing:
    """Asks, writes down what came of it, and ends sessions that the provider does not stand by.

    Args:
        records: where leases are.
        writer: writes sessions.
        providers: those that are asked, by their names.
        refused: told of each session that ended, and why.
        report: told of what was not answered or not written: the session goes on.
        clock: Unix seconds.
        monotonic: seconds that pass alike.
    """

    records: RecordStore
    writer: Writer
    providers: Mapping[str, Refreshes]
    refused: Callable[[SignedIn, SessionRefusedError], object]
    report: Callable[[GatewayError], object]
    clock: Callable[[], int]
    monotonic: Callable[[], float]
    _asking: dict[str, asyncio.Task[Kept | None]] = field(default_factory=dict)

    def due(self, session: SignedIn) -> Grant | None:
        """The grant to be used now, if there is one."""
        grant = session.grant
        due = grant is not None and session.provider in self.providers and self.clock() >= grant.due_at
        return grant if due else None

    async def refreshed(self, cookie: SessionCookie, kept: Kept, sighting: Sighting) -> Kept | None:
        """Ask, once for all the requests that find it due; None when the session has ended.

        It outlives its request: what the provider gives for a token must be kept, whoever went away.
        """
        task = self._asking.get(cookie.key)
        if task is None:
            task = self._asking[cookie.key] = asyncio.create_task(self._alone(cookie, kept, sighting))
            task.add_done_callback(lambda _: self._asking.pop(cookie.key))
        await asyncio.wait({task}, timeout=PATIENCE)
        return task.result() if task.done() else kept

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._asking.values())

    async def _alone(self, cookie: SessionCookie, kept: Kept, sighting: Sighting) -> Kept | None:
        lease = Lease(
            self.records, _LEASES + cookie.session_id, clock=self.monotonic, random=self.writer.random
        )
        try:
            async with lease.taken() as mine:
                if not mine:
                    await lease.until_over()
                # Only now: whoever held it before may have used the grant that was kept here.
                fresh = await self._anew(cookie)
                if fresh is None or not mine:
                    return fresh
                return await self._ask(cookie, fresh, sighting, lease)
        except StoreError as error:
            # Nothing was used up. Who was just read is still who they are.
            self.report(error)
            return kept

    async def _anew(self, cookie: SessionCookie) -> Kept | None:
        return await self.writer.cache.read_anew(cookie.key, self.writer.opener(cookie))

    async def _ask(self, cookie: SessionCookie, kept: Kept, sighting: Sighting, lease: Lease) -> Kept | None:
        session = kept.session
        grant = self.due(session)
        if grant is None or not lease.held:
            return kept
        try:
            after = await self.providers[session.provider].refresh(session)
        except SessionRefusedError as error:
            return await self._end(cookie, session, grant, error)
        except ProviderError as error:
            self.report(error)
            after = replace(session, grant=replace(grant, due_at=self.clock() + _AGAIN))
        return await self._write(cookie, kept, grant, after, sighting)

    async def _end(
        self, cookie: SessionCookie, session: SignedIn, grant: Grant, error: SessionRefusedError
    ) -> Kept | None:
        fresh = await self._anew(cookie)
        if fresh is None or _number(fresh) != grant.number:
            # What was refused is no longer what the session stands on.
            return fresh
        await self.writer.cache.delete(cookie.key)
        self.refused(session, error)
        return None

    async def _write(
        self, cookie: SessionCookie, kept: Kept, grant: Grant, after: SignedIn, sighting: Sighting
    ) -> Kept | None:
        """Write what came of it, as long as nobody has written a newer grant; None when the session ended."""
        for _ in range(_ATTEMPTS):
            after = after.seen(max(self.clock(), kept.session.last_seen))
            try:
                if await self.writer.replace(cookie, kept, after, sighting):
                    return kept
                fresh = await self._anew(cookie)
            except StoreError as error:
                self.report(error)
                await asyncio.sleep(_PAUSE)
                continue
            if fresh is None or _number(fresh) != grant.number:
                return fresh
            kept = fresh
        kept.session = after
        return kept


def _number(kept: Kept) -> int | None:
    return None if kept.session.grant is None else kept.session.grant.number
