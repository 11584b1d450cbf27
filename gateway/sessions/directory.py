"""Adapter: sessions found without their cookies, for people who run the gateway and for providers.

What is listed of a session is `sessions.summary`'s affair; where it stands, that of the stores.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.sessions.store import EndsRecords, SessionIndex
from gateway.sessions.summary import By, Summaries, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Finds sessions and ends them.

    Args:
        index: what the store knows of its sessions.
        records: where they are deleted, in a way that every gateway hears of.
        summaries: opens and names what is listed.
    """

    index: SessionIndex
    records: EndsRecords
    summaries: Summaries

    async def find(self, by: By, value: str) -> AsyncIterator[tuple[str, Summary]]:
        """Go through the sessions that somebody means who says `value`: keys of records, what is listed.

        Raises:
            StoreError: the store did not answer.
        """
        async for key, sealed in self.index.find(self.summaries.indexes(by, value)):
            summary = self.summaries.open(key, sealed)
            if summary is not None and summary.is_found_by(by, value):
                yield key, summary

    async def every(self) -> AsyncIterator[tuple[str, Summary | None]]:
        """Go through all the sessions, in no order: the keys of their records, and what is listed.

        None where it was sealed under no secret that is still held: the record's cookie opens nothing either.

        Raises:
            StoreError: the store did not answer.
        """
        async for key, sealed in self.index.every():
            yield key, self.summaries.open(key, sealed)

    async def end(self, key: str) -> None:
        """End the session whose record is at `key`.

        Raises:
            StoreError: the store did not answer; the session goes on.
        """
        await self.records.delete(key)
