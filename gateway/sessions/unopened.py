"""Adapter: tells of records that do not open, once each, whichever gateway reads them and however often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.sessions.cookie import SessionCookie
from gateway.sessions.store import RecordStore

_TOLD: Final = "gateway:unopened:"
_TOLD_FOR: Final = 86_400  # seconds; nearly every session is over by then


@dataclass(frozen=True, slots=True)
class Unopened:
    """Nobody is behind such a record; somebody may have changed it, or its secret was withdrawn.

    Args:
        records: remembers which were told of.
        tell: told the request that led to it, and what logs call the session.
    """

    records: RecordStore
    tell: Callable[[web.Request, str], object]

    async def found(self, request: web.Request, cookie: SessionCookie) -> None:
        """Tell of the record that a cookie leads to, if nobody has.

        Raises:
            StoreError: the store did not answer, so that nobody knows whether it was told of.
        """
        if await self.records.claim(_TOLD + cookie.session_id, lifetime=_TOLD_FOR):
            self.tell(request, cookie.session_id)
