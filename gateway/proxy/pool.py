"""Adapter: the connections to one upstream, at one or several addresses: opened, kept, bounded, given up.

What is said over a connection is not its matter; `upstream` acquires one and releases it. A connection that
is not fit for another exchange is closed on release.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from typing import Final

from gateway.errors import Fault, UpstreamBusyError, UpstreamError, UpstreamTimeoutError
from gateway.proxy.connection import Connection
from gateway.proxy.limits import Limits
from gateway.proxy.target import UpstreamAddress

SWEEP_MAX: Final = 0.5
SWEEP_MIN: Final = 0.01
"""Seconds between two looks at the deadlines: one timer for all exchanges costs less than one for each."""


class Place:
    """One address, with its idle connections, the newest last."""

    __slots__ = ("address", "away_until", "idle")

    def __init__(self, address: UpstreamAddress) -> None:
        self.address = address
        self.idle: list[Connection] = []
        self.away_until = 0.0


class Pool:
    """The connections to one upstream.

    Args:
        addresses: where it listens; asked in turn.
        limits: its bounds.
        tls: how to speak TLS; None trusts the system's authorities.
        server_name: the name that its certificate must show, when that is not the address's.
    """

    def __init__(
        self,
        addresses: Sequence[UpstreamAddress],
        *,
        limits: Limits,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        if not addresses:
            raise ValueError("an upstream needs an address")
        if tls is None and any(address.tls for address in addresses):
            tls = ssl.create_default_context()
        self._places = [Place(address) for address in addresses]
        self._limits = limits
        self._tls = tls
        self._server_name = server_name
        self._turn = 0
        self._members: dict[Connection, Place] = {}
        self._opening = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._sweeping: asyncio.TimerHandle | None = None
        self._sweep_every = min(SWEEP_MAX, max(SWEEP_MIN, _shortest(limits) / 8))
        self._closed: asyncio.Event | None = None

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._members)

    def take(self, *, surely_alive: bool) -> Connection | None:
        """An idle connection, if there is one and nobody was waiting before.

        Args:
            surely_alive: whether the request could not be repeated on another connection. Then the kernel is
                asked whether the upstream closed this one in this very moment.
        """
        if self._waiting:
            return None
        place = self._next_place()
        while place.idle:
            connection = place.idle.pop()
            if connection.alive and not (surely_alive and connection.heard_from()):
                return connection
            connection.close()
        return None

    async def acquire(self) -> Connection:
        """An idle connection, or a new one, after a wait for a place if need be.

        Raises:
            UpstreamBusyError: there are too many connections, and no place for another came free in time.
            UpstreamError: no address could be reached.
        """
        if self._closed is not None:
            raise UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="closing")
        if self._waiting or len(self._members) + self._opening >= self._limits.connections:
            connection = self._any_idle() or await self._wait()
            if connection is not None and connection.alive:
                return connection
            if connection is None:
                self._opening -= 1  # the place that `_free` kept for us
        return await self.open()

    async def open(self) -> Connection:
        """A new connection, whatever the bound.

        Raises:
            UpstreamError: no address could be reached; the error of the last one tried.
        """
        now = asyncio.get_running_loop().time()
        self._opening += 1
        try:
            in_turn = self._places[self._turn :] + self._places[: self._turn]
            for place in sorted(in_turn, key=lambda place: place.away_until > now):
                try:
                    return await self._open(place)
                except UpstreamError as error:
                    place.away_until = now + self._limits.set_aside
                    last = error
            raise last
        finally:
            self._opening -= 1
            self._free()

    def release(self, connection: Connection) -> None:
        """Give a connection back; one that is not fit for another exchange is closed."""
        if not connection.reusable or self._closed is not None:
            connection.close()
            return
        connection.release()
        if self._waiting and self._pass_on(connection):
            return
        place = self._members.get(connection)
        if place is not None:
            place.idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """Let go of a connection whose socket is a tunnel's now."""
        if self._members.pop(connection, None) is not None:
            self._free()

    async def close(self) -> None:
        """Close every connection, and refuse new ones."""
        self._closed = asyncio.Event()
        if self._sweeping is not None:
            self._sweeping.cancel()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="closing"))
        self._waiting.clear()
        for connection in list(self._members):
            connection.fail(UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="closing"))
        if self._members:
            await self._closed.wait()

    def _next_place(self) -> Place:
        """The place whose turn it is, of those that are not set aside; if all are, of all."""
        places = self._places
        if len(places) > 1:
            now = asyncio.get_running_loop().time()
            for _ in places:
                self._turn = (self._turn + 1) % len(places)
                if places[self._turn].away_until <= now:
                    break
        return places[self._turn]

    def _any_idle(self) -> Connection | None:
        if self._waiting:
            return None
        return next((place.idle.pop() for place in self._places if place.idle), None)

    async def _wait(self) -> Connection | None:
        """Wait for a connection, or for the right to open one (None)."""
        if len(self._waiting) >= self._limits.waiting:
            raise UpstreamBusyError(Fault.UPSTREAM_BUSY, waiting=len(self._waiting))
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._limits.wait):
                return await waiter
        except BaseException as error:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not waiter.cancelled() and waiter.exception() is None:
                # It came at the very moment when nobody waited for it any more.
                self._give_back(waiter.result())
            if isinstance(error, TimeoutError):
                raise UpstreamBusyError(Fault.UPSTREAM_BUSY, waited=self._limits.wait) from None
            raise

    def _give_back(self, connection: Connection | None) -> None:
        if connection is None:
            self._opening -= 1
            self._free()
        else:
            self.release(connection)

    def _pass_on(self, connection: Connection | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _free(self) -> None:
        """Let the first of those that wait open a connection, and keep the place for it until it does."""
        if len(self._members) + self._opening < self._limits.connections and self._pass_on(None):
            self._opening += 1

    async def _open(self, place: Place) -> Connection:
        address = place.address
        loop = asyncio.get_running_loop()

        def factory() -> Connection:
            return Connection(loop, self._lost)

        try:
            async with asyncio.timeout(self._limits.connect):
                if address.socket is not None:
                    _, connection = await loop.create_unix_connection(factory, address.socket)
                elif address.tls:
                    _, connection = await loop.create_connection(
                        factory,
                        address.host,
                        address.port,
                        ssl=self._tls,
                        server_hostname=self._server_name or address.host,
                    )
                else:
                    _, connection = await loop.create_connection(factory, address.host, address.port)
        except TimeoutError as error:
            raise UpstreamTimeoutError(Fault.UPSTREAM_SLOW, address=str(address), limit="connect") from error
        except ssl.SSLError as error:
            why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
            raise UpstreamError(Fault.UPSTREAM_TLS, address=str(address), why=why) from error
        except OSError as error:
            raise UpstreamError(
                Fault.UPSTREAM_UNREACHABLE, address=str(address), why=type(error).__name__
            ) from error
        if self._closed is not None:
            connection.close()
        if not connection.alive:
            raise UpstreamError(Fault.UPSTREAM_UNREACHABLE, address=str(address), why="closed at once")
        place.away_until = 0.0
        self._members[connection] = place
        if self._sweeping is None:
            self._sweeping = loop.call_later(self._sweep_every, self._sweep)
        return connection

    def _lost(self, connection: Connection) -> None:
        place = self._members.pop(connection, None)
        if place is None:
            return
        if connection in place.idle:
            place.idle.remove(connection)
        self._free()
        if self._closed is not None and not self._members:
            self._closed.set()

    def _sweep(self) -> None:
        """Fail the exchanges that are past their deadline, and close connections that were idle too long."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._members):
            connection.look(now, keep_alive=self._limits.keep_alive)
        self._sweeping = loop.call_later(self._sweep_every, self._sweep) if self._members else None


def _shortest(limits: Limits) -> float:
    return min(limits.first_byte, limits.idle, limits.quiet, limits.keep_alive, limits.total or limits.idle)
