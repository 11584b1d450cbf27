"""How many forms may be kept at once: places that are taken in the store and come free by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.sessions.store import RecordStore

_PLACES: Final = "gateway:form-place:"
_MOST_OF_ONE: Final = 3
_TRIES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPlaces:
    """Three places for the forms of one session, and a number of them for everybody's.

    Args:
        records: where a place is taken, by one form alone.
        most: forms of everybody together.
        lifetime: seconds after which a place is free again.
        random: draws octets.
    """

    records: RecordStore
    most: int
    lifetime: int
    random: Callable[[int], bytes]

    async def take(self, session: str) -> tuple[str, ...]:
        """The places of one more form of a session; none when there is no room for it.

        Where to look among everybody's is drawn, and looking ends soon: nearly full is full.

        Raises:
            StoreError: the store did not answer.
        """
        own = await self._first_free(f"{session}:{number}" for number in range(_MOST_OF_ONE))
        if own is None:
            return ()
        start = int.from_bytes(self.random(4), "big")
        tried = (str((start + number) % self.most) for number in range(min(_TRIES, self.most)))
        shared = await self._first_free(tried)
        if shared is None:
            await self.free((own,))
            return ()
        return own, shared

    async def free(self, places: Iterable[str]) -> None:
        """Give places back.

        Raises:
            StoreError: the store did not answer; they come free later.
        """
        for place in places:
            await self.records.delete(place)

    async def _first_free(self, names: Iterable[str]) -> str | None:
        for name in names:
            if await self.records.claim(_PLACES + name, lifetime=self.lifetime):
                return _PLACES + name
        return None
