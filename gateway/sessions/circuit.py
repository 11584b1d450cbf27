"""Adapter: whether a server is known to be away, so that nobody waits for it until it is back.

What is asked of the server, and which failures mean that it is away, is the caller's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gateway.errors import StoreError

PAUSE: Final = 0.25
"""Seconds between two looks whether the server is back."""


class Circuit:
    """One server's state. It is taken for well until `open` says otherwise.

    Args:
        told: of the error when the server is found away, and None when it is back.
    """

    __slots__ = ("_away", "_probing", "_told", "_waiting")

    def __init__(self, told: Callable[[StoreError | None], object]) -> None:
        self._told = told
        self._away: StoreError | None = None
        self._probing: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Timeout] = set()

    def check(self) -> None:
        """Let a question pass.

        Raises:
            StoreError: the server is known to be away.
        """
        if self._away is not None:
            raise StoreError(self._away.fault, **self._away.facts)

    @contextmanager
    def waiting(self, limit: asyncio.Timeout) -> Iterator[None]:
        """While a question waits for its answer; when the server is found silent, its time is up."""
        self._waiting.add(limit)
        try:
            yield
        finally:
            self._waiting.discard(limit)

    def open(self, error: StoreError, probe: Callable[[], Awaitable[object]], *, silent: bool) -> None:
        """Let nothing pass until the server is back.

        Args:
            error: why, and what everybody gets who asks meanwhile.
            probe: asks the server something; raises StoreError as long as it is away.
            silent: whether it says nothing at all, so that those who wait now wait in vain.
        """
        if self._away is not None:
            return
        self._away = error
        self._told(error)
        self._probing = asyncio.create_task(self._until_back(probe))
        if silent:
            now = asyncio.get_running_loop().time()
            for limit in self._waiting:
                if not limit.expired():
                    limit.reschedule(now)

    async def close(self) -> None:
        """Look no more."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])

    async def _until_back(self, probe: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await probe()
            except StoreError as error:
                self._away = error
                await asyncio.sleep(PAUSE)
            else:
                break
        self._away = None
        self._told(None)
