"""Adapter: one holder at a time over all workers and gateways, by a key in the record store.

A lease that is not renewed is over by itself. Who holds one too long does not know it: what is done under it
must be written over nothing but what was read under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from gateway.errors import StoreError
from gateway.sessions.store import RecordStore

LIFETIME: Final = 5
"""Seconds for which a lease is held unless it is renewed."""

_RENEWED_EVERY: Final = 1.5  # seconds
_NAME_LENGTH: Final = 16  # octets
_LOOK_AGAIN: Final = 0.05  # seconds
_HELD: Final = b"held"
_OVER: Final = b"over"
_OVER_FOR: Final = 1  # seconds: the shortest that a store can keep


class Lease:
    """A claim to do something alone.

    Args:
        records: where the key stands.
        key: what is done.
        clock: monotonic seconds.
        random: draws octets for the holder's name.
    """

    def __init__(
        self, records: RecordStore, key: str, *, clock: Callable[[], float], random: Callable[[int], bytes]
    ) -> None:
        self._records = records
        self._key = key
        self._clock = clock
        self._name = random(_NAME_LENGTH)
        self._held_until = 0.0

    @property
    def held(self) -> bool:
        """Whether nobody else can hold it now."""
        return self._clock() < self._held_until

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[bool]:
        """Try to hold it for the time of the block, renewed; False when somebody else does.

        Raises:
            StoreError: the store did not answer, so that nobody knows.
        """
        asked_at = self._clock()
        if not await self._take():
            yield False
            return
        self._held_until = asked_at + LIFETIME
        renewing = asyncio.create_task(self._renew())
        try:
            yield True
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            with suppress(StoreError):
                await self._write(_OVER, over=_HELD, lifetime=_OVER_FOR)

    async def until_over(self) -> None:
        """Wait until whoever holds it has let go of it, or has not renewed it.

        Raises:
            StoreError: the store did not answer.
        """
        while True:
            value = await self._records.get(self._key)
            if value is None or value.startswith(_OVER):
                return
            await asyncio.sleep(_LOOK_AGAIN)

    async def _take(self) -> bool:
        if await self._records.claim(self._key, lifetime=LIFETIME, record=_HELD + self._name):
            return True
        value = await self._records.get(self._key)
        if value is None or not value.startswith(_OVER):
            return False
        return await self._records.replace(self._key, _HELD + self._name, lifetime=LIFETIME, over=value)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEWED_EVERY)
            asked_at = self._clock()
            with suppress(StoreError):
                if not await self._write(_HELD, over=_HELD, lifetime=LIFETIME):
                    self._held_until = 0.0
                    return
                self._held_until = asked_at + LIFETIME

    async def _write(self, state: bytes, *, over: bytes, lifetime: int) -> bool:
        """Write a state of this holder's over another, and over nobody else's."""
        return await self._records.replace(
            self._key, state + self._name, lifetime=lifetime, over=over + self._name
        )
