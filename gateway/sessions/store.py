"""Adapter: what a store of sessions must do. Those that do it are `redis_records` and `sqlite_records`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection
from typing import Protocol

from gateway.sessions.summary import Listed


class EndsRecords(Protocol):
    """Whatever ends sessions by the keys of their records."""

    async def delete(self, key: str) -> None:
        """Delete a record, if there is one, and what is listed of it."""


class RecordStore(EndsRecords, Protocol):
    """Sealed records by key, each with its lifetime in seconds (1 or more).

    Every method raises StoreError with STORE_UNREACHABLE when the store does not answer, or not in time.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the record; None when there is none or its lifetime has passed."""

    async def put(self, key: str, record: bytes, *, lifetime: int, listed: Listed | None = None) -> None:
        """Write a record, whatever was there, and what is listed of it; both end together."""

    async def replace(
        self,
        key: str,
        record: bytes,
        *,
        lifetime: int,
        listed: Listed | None = None,
        over: bytes | None = None,
    ) -> bool:
        """Write a record over one that is still there; False, and nothing written, when none is.

        With `over`, also when the one that is there does not begin with these octets: somebody else has
        written meanwhile. What is listed may be newer than the record then.
        """

    async def claim(self, key: str, *, lifetime: int, record: bytes = b"") -> bool:
        """Take a key: True for one caller, False for every other until the lifetime has passed."""

    def endings(self) -> AsyncGenerator[str | None]:
        """Hear of each record that is deleted from now on, by whichever process, within a second.

        The first value is None: what is deleted before it may be missed, nothing that is deleted after it.

        Raises:
            StoreError: something may have been missed. Whoever wants to hear more begins again.
        """

    async def ping(self) -> None:
        """Make sure that the store answers and takes writes."""

    async def close(self) -> None:
        """Let go of the store."""


class SessionIndex(Protocol):
    """What a store can tell of its sessions without their cookies; the same errors as a RecordStore's."""

    def find(self, indexes: Collection[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Go through the sessions that one of these names leads to: key and sealed summary, each once."""

    def every(self) -> AsyncIterator[tuple[str, bytes | None]]:
        """Go through the key of each session, with its sealed summary if it has one, in no order."""


class SessionStore(RecordStore, SessionIndex, Protocol):
    """A whole store."""
