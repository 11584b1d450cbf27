"""Adapter: one HTTP/1.1 connection to an upstream, with flow control in both directions.

It carries one exchange at a time and knows nothing of browsers' requests, of pools or of retries. Whether
it may carry another exchange is a question with one answer, `reusable`, which is yes only after two whole
messages.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol, assert_never, cast

from gateway.errors import Fault, GatewayError, RequestTimeoutError, UpstreamError, UpstreamTimeoutError
from gateway.proxy.answer import AnswerReader, Head

BODY_HIGH: Final = 64 * 1024
"""Octets of body held for the browser before reading from the upstream pauses."""

NEVER: Final = float("inf")


class Wait(Enum):
    """What an exchange is waiting for."""

    ANSWER = "first-byte"
    BODY = "idle"
    UPLOAD = "upload"
    BROWSER = "browser"


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
        exchanges: how many exchanges began on it.
        sent: whether the whole request was sent.
    """

    __slots__ = (
        "_browser",
        "_busy",
        "_deadline",
        "_drain",
        "_end",
        "_error",
        "_idle_since",
        "_loop",
        "_lost",
        "_reading_paused",
        "_transport",
        "_wait_for",
        "_waiter",
        "_writing_paused",
        "exchanges",
        "reader",
        "sent",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[Connection], None]) -> None:
        self._loop = loop
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._error: GatewayError | None = None
        self._browser: Browser | None = None
        self._wait_for = Wait.ANSWER
        self._deadline = self._end = NEVER
        self._idle_since = 0.0
        self._reading_paused = False
        self._writing_paused = False
        self._busy = False
        self.sent = True
        self.reader = AnswerReader()
        self.exchanges = 0

    # What a caller does with it

    def begin(
        self,
        head: bytes,
        *,
        head_only: bool,
        upgrade: bool,
        whole: bool,
        browser: Browser,
        total: float | None,
    ) -> None:
        """Send the head of a request, with its body if that is at hand.

        Args:
            head: the octets to send.
            head_only: whether the method is HEAD.
            upgrade: whether 101 may be the answer.
            whole: whether these octets are the whole request; if not, `uploaded` says when it is.
            browser: for whom; when it leaves, the exchange fails.
            total: seconds for the whole exchange.
        """
        self._browser = browser
        self._end = NEVER if total is None else self._loop.time() + total
        self.reader.expect(head_only=head_only, upgrade=upgrade)
        self._busy = True
        self.sent = whole
        self.exchanges += 1
        self.write(head)

    def write(self, data: bytes) -> None:
        """Send octets of the request; on a connection that is gone they are nobody's."""
        if self._transport is not None:
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the upstream takes more of the request.

        Raises:
            UpstreamError: the connection failed.
        """
        while self._writing_paused and self._error is None and self._transport is not None:
            self._drain = self._loop.create_future()
            await self._drain
        if self._error is not None:
            raise self._error

    def uploaded(self) -> None:
        """Note that the whole request was sent."""
        self.sent = True

    async def answered(self) -> Head:
        """Wait for the head of the answer.

        Raises:
            UpstreamError: the connection failed, or what came is no answer.
        """
        while self.reader.head is None:
            await self._wait()
        if self._error is not None:
            raise self._error
        return self.reader.head

    async def may_continue(self) -> bool:
        """Wait until the upstream asks for the body; False when it answers instead.

        Raises:
            UpstreamError: as for `answered`.
        """
        while self.reader.head is None and not self.reader.may_continue:
            await self._wait()
        return self.reader.head is None

    async def read(self) -> bytes:
        """Wait for octets of the body; none at all means that it is whole.

        Raises:
            UpstreamError: the connection failed, or the body is malformed or cut short.
        """
        while not self.reader.body:
            if self.reader.complete:
                return b""
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
        return self.exchanges > 1 and not self.reader.started

    def heard_from(self) -> bool:
        """Whether something that nobody asked for is waiting to be read; mostly, that the upstream closed."""
        transport = self._transport
        if transport is None:
            return True
        poll = select.poll()
        poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN | select.POLLRDHUP)
        return bool(poll.poll(0))

    def expect_within(self, seconds: float, what: Wait) -> None:
        """Start the clock of a wait; the one before has ended."""
        self._wait_for = what
        self._deadline = min(self._loop.time() + seconds, self._end)

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
        elif now >= self._deadline:
            self._overdue()

    def _overdue(self) -> None:
        match self._wait_for:
            case Wait.ANSWER | Wait.BODY | Wait.UPLOAD:
                self.fail(UpstreamTimeoutError(Fault.UPSTREAM_SLOW, limit=self._wait_for.value))
            case Wait.BROWSER:
                self.fail(RequestTimeoutError(Fault.REQUEST_SLOW))
            case other:
                assert_never(other)

    def release(self) -> None:
        """Note that nothing is asked of it for now: whatever comes is one octet too many."""
        self._busy = False
        self._browser = None
        self._deadline = NEVER
        self._idle_since = self._loop.time()

    def fail(self, error: GatewayError) -> None:
        """End the exchange with an error, and the connection with it."""
        if self._error is None:
            self._error = error
        self.close()
        self._wake()

    def close(self) -> None:
        """Close at once: nothing that is still unsent matters any more."""
        if self._transport is not None:
            self._transport.abort()

    def hand_over(self) -> asyncio.Transport:
        """The socket itself, for a tunnel; from now on this object has none.

        Raises:
            UpstreamError: it is gone already.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="closed")
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
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if not reader.complete and not self._reading_paused and sum(map(len, reader.body)) > BODY_HIGH:
            self._reading_paused = True
            if self._transport is not None:
                self._transport.pause_reading()

    def eof_received(self) -> None:
        """Let the transport close: an upstream that will not send needs nothing more from us."""

    def pause_writing(self) -> None:
        """Hold the upload."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Go on with the upload."""
        self._writing_paused = False
        self._wake_upload()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note the end, which ends an answer whose length nobody told."""
        self._transport = None
        if self._busy and self._error is None:
            if not self.reader.started:
                self._error = UpstreamError(
                    Fault.UPSTREAM_UNREACHABLE, why="closed before it answered", cause=type(exc).__name__
                )
            elif exc is not None and not self.reader.complete:
                self._error = UpstreamError(Fault.UPSTREAM_MALFORMED, why="connection reset")
            else:
                try:
                    self.reader.end()
                except UpstreamError as error:
                    self._error = error
        self._lost(self)
        self._wake()

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._wake_upload()

    def _wake_upload(self) -> None:
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)
