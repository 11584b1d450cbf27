"""Adapter: one HTTP/1.1 connection to an upstream, with flow control in both directions.

It carries one exchange at a time and knows nothing of pools or retries. Whether it may carry another exchange
is a question with one answer, `reusable`, which is yes only after two whole messages.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Final, Protocol, cast

from gateway.errors import Fault, GatewayError, UpstreamError
from gateway.proxy.answer import AnswerReader, Head
from gateway.proxy.clock import Clock
from gateway.proxy.limits import Limits

BODY_HIGH: Final = 64 * 1024
"""Octets of body held for the browser before reading from the upstream pauses."""


class Browser(Protocol):
    """The other side of an exchange, as far as this module looks at it; aiohttp's server protocol is one."""

    @property
    def connected(self) -> bool:
        """Whether the browser's connection is open."""


class Connection(asyncio.Protocol):
    """One connection to an upstream.

    Args:
        loop: the running event loop.
        lost: called once, when the connection is gone.

    Attributes:
        reader: what the upstream answers.
        clock: how long the exchange has been waiting.
        sent: whether the whole request was sent.
        error: what ended the exchange under way.
    """

    __slots__ = (
        "_asked",
        "_browser",
        "_busy",
        "_drain",
        "_exchanges",
        "_idle_since",
        "_loop",
        "_lost",
        "_reading_paused",
        "_transport",
        "_waiter",
        "_writing_paused",
        "clock",
        "error",
        "reader",
        "sent",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[Connection], None]) -> None:
        self._loop = loop
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._asked: asyncio.Future[Head] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self.error: GatewayError | None = None
        self._browser: Browser | None = None
        self._idle_since = 0.0
        self._reading_paused = False
        self._writing_paused = False
        self._busy = False
        self._exchanges = 0
        self.sent = True
        self.reader = AnswerReader()
        self.clock = Clock(loop.time)

    # What a caller does with it

    def ask(
        self,
        octets: bytes,
        *,
        head_only: bool,
        upgrade: bool,
        whole: bool,
        browser: Browser,
        limits: Limits,
    ) -> asyncio.Future[Head]:
        """Send the head of a request, with its body if that is at hand.

        Args:
            octets: what to send.
            head_only: whether the method is HEAD.
            upgrade: whether 101 may be the answer.
            whole: whether these octets are the whole request; if not, `uploaded` says when it is.
            browser: for whom; when it leaves, the exchange fails.
            limits: how long it may take.

        Returns:
            The head of the answer, once it is there; or an UpstreamError, when the connection fails or what
            came is no answer.
        """
        self.reader.expect(head_only=head_only, upgrade=upgrade)
        self._browser = browser
        self.clock.start(first=limits.first_byte, total=limits.total)
        self._busy = True
        self._exchanges += 1
        self.sent = whole
        self._asked = asked = self._loop.create_future()
        if self._transport is None:
            self.fail(UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="closed before it was asked"))
        else:
            self._transport.write(octets)
        return asked

    def write(self, data: bytes) -> None:
        """Send octets of the request; on a connection that is gone they are nobody's."""
        if self._transport is not None:
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the upstream takes more of the request.

        Raises:
            GatewayError: the exchange has failed.
        """
        while self._writing_paused and self.error is None and self._transport is not None:
            self._drain = self._loop.create_future()
            await self._drain
        if self.error is not None:
            raise self.error

    async def may_continue(self) -> bool:
        """Wait until the upstream asks for the body; False when it answers or fails instead."""
        while self.reader.head is None and not self.reader.may_continue and self.error is None:
            await self._wait()
        return self.reader.may_continue and self.reader.head is None

    async def read(self) -> bytes:
        """Wait for octets of the body; none at all means that it is whole.

        Raises:
            GatewayError: the exchange has failed, or the body is malformed or cut short.
        """
        while not self.reader.body and not self.reader.complete:
            if self.error is not None:
                raise self.error
            await self._wait()
        return self.take()

    def take(self) -> bytes:
        """The octets of the body that are here."""
        body = self.reader.body
        if not body:
            return b""
        data = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()
        return data

    @property
    def alive(self) -> bool:
        """Whether the connection is open, as far as this side knows."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether both messages ended cleanly, so that another exchange cannot be mixed up with this one."""
        return self.reader.reusable and self.reader.complete and self.sent and self.alive

    @property
    def stale(self) -> bool:
        """Whether the failure may be that of an idle connection which the upstream was closing anyway."""
        return self._exchanges > 1 and not self.reader.started

    def heard_from(self) -> bool:
        """Whether something that nobody asked for is waiting to be read; mostly, that the upstream closed."""
        if self._transport is None:
            return True
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN | select.POLLRDHUP)
        return bool(poll.poll(0))

    def look(self, now: float, *, keep_alive: float) -> None:
        """End what has lasted too long at `now` (loop time), and what is done for a browser that left."""
        if not self._busy:
            announced = self.reader.keep_alive
            if announced is not None:
                # A second less, so that it is we who close, and not both at once.
                keep_alive = min(keep_alive, announced - 1)
            if now - self._idle_since > keep_alive:
                self.close()
        elif self._browser is not None and not self._browser.connected:
            self.fail(UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="browser left"))
        elif (error := self.clock.overdue(now)) is not None:
            self.fail(error)

    def release(self) -> None:
        """Note that nothing is asked of it for now: whatever comes is one octet too many."""
        self._busy = False
        self._browser = None
        self._idle_since = self._loop.time()

    def fail(self, error: GatewayError) -> None:
        """End the exchange with an error, and the connection with it."""
        if self.error is None:
            self.error = error
        self.close()
        self._wake()

    def close(self) -> None:
        """Close at once: nothing that is still unsent matters any more."""
        if self._transport is not None:
            self._transport.abort()

    def hand_over(self) -> asyncio.Transport | None:
        """The socket itself, for a tunnel, unless it is gone; from now on this object has none."""
        transport = self._transport if self.alive else None
        self._transport = None
        self._busy = False
        return transport

    # What the event loop tells it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if not self._busy:
            self.close()
            return
        reader = self.reader
        try:
            reader.feed(data)
        except UpstreamError as error:
            self.fail(error)
            return
        asked = self._asked
        if asked is not None and reader.head is not None:
            self._asked = None
            if not asked.done():
                asked.set_result(reader.head)
        if self._waiter is not None:
            self._wake()
        if not reader.complete and not self._reading_paused and sum(map(len, reader.body)) > BODY_HIGH:
            self._reading_paused = True
            if self._transport is not None:
                self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Hold the upload."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Go on with the upload."""
        self._writing_paused = False
        self._wake()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note the end, which ends an answer whose length nobody told."""
        self._transport = None
        if self._busy and self.error is None:
            self.error = self._ended(exc)
        self._lost(self)
        self._wake()

    def _ended(self, exc: BaseException | None) -> GatewayError | None:
        """What the end of the connection means for the exchange under way."""
        if not self.reader.started:
            return UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="closed before it answered")
        if exc is not None and not self.reader.complete:
            return UpstreamError(Fault.UPSTREAM_MALFORMED, why="connection reset")
        try:
            self.reader.end()
        except UpstreamError as error:
            return error
        return None

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        """Let whoever waits look again."""
        for waiter in (self._waiter, self._drain):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        if self.error is not None and self._asked is not None:
            if not self._asked.done():
                self._asked.set_exception(self.error)
            self._asked = None
