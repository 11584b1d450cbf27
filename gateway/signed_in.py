"""Who is signed in, for the people who run the gateway: found in the store that the settings name, and ended.

It needs no gateway that runs. How it is asked for and shown is the affair of `cli_sessions` and `listing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from gateway.adapters import open_records
from gateway.errors import StoreError
from gateway.sessions.directory import Directory
from gateway.sessions.seal import Sealer
from gateway.sessions.summary import By, Summaries, Summary
from gateway.settings.model import Settings

_AT_ONCE: Final = 32  # sessions that are ended at the same time


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose sessions are meant.

    Args:
        by: what they are found by; None for every session.
        value: what somebody says who means them.
    """

    by: By | None = None
    value: str = ""


@dataclass(slots=True)
class Ended:
    """How far ending sessions has come.

    Args:
        count: how many have ended.
        error: why it went no further.
    """

    count: int = 0
    error: StoreError | None = None


@asynccontextmanager
async def open_directory(settings: Settings) -> AsyncIterator[Directory]:
    """Open the store of the settings for the time of the block.

    Raises:
        StoreError: it cannot be opened.
    """
    records = await open_records(settings)
    try:
        summaries = Summaries(Sealer(settings.gateway.secret), kept=settings.sessions.idle_lifetime)
        yield Directory(index=records, records=records, summaries=summaries)
    finally:
        await records.close()


async def find(directory: Directory, chosen: Chosen) -> AsyncIterator[tuple[str, Summary | None]]:
    """Go through the sessions that are meant and have not ended: the keys of their records, what is listed.

    Raises:
        StoreError: the store did not answer.
    """
    if chosen.by is None:
        async for key, summary in directory.every():
            yield key, summary
    else:
        async for key, found in directory.find(chosen.by, chosen.value):
            yield key, found


async def end(directory: Directory, chosen: Chosen, *, tell: Callable[[str, Summary | None], None]) -> Ended:
    """End the sessions that are meant, until the store answers no more.

    Args:
        directory: finds and ends them.
        chosen: whose.
        tell: told of each session that has ended: the key of its record, and what was listed.
    """
    ended = Ended()
    page: list[tuple[str, Summary | None]] = []

    async def end_one(key: str, summary: Summary | None) -> None:
        await directory.end(key)
        tell(key, summary)
        ended.count += 1

    async def end_page() -> None:
        results = await asyncio.gather(*(end_one(*one) for one in page), return_exceptions=True)
        page.clear()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    try:
        async for found in find(directory, chosen):
            page.append(found)
            if len(page) == _AT_ONCE:
                await end_page()
        await end_page()
    except StoreError as error:
        ended.error = error
    return ended
