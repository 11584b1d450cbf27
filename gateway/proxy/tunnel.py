"""Adapter: a connection that was upgraded, as octets both ways.

What the octets mean is the browser's and the upstream's matter. Only of a WebSocket the frames are counted,
in one direction, so that the browser can be told why its tunnel is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.proxy.websocket import CloseCode, Frames, close_frame

GRACE: Final = 1.0
"""Seconds between telling a browser that its tunnel is cut and cutting it."""


class Tunnel:
    """Two sockets whose octets go to each other; it lives on its own, in the loop, until both are closed.

    Args:
        quiet: seconds without an octet after which the tunnel ends.
        websocket: whether the octets are WebSocket frames.
        ended: called once, when both sockets are closed.
    """

    __slots__ = ("_cutting", "_ended", "_frames", "_last", "_loop", "_quiet", "_timer", "browser", "upstream")

    def __init__(self, *, quiet: float, websocket: bool, ended: Callable[[], None]) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._quiet = quiet
        self._last = loop.time()
        self._frames = Frames() if websocket else None
        self._cutting: CloseCode | None = None
        self._ended = ended
        self._timer = loop.call_later(quiet, self._look)
        self.browser = End(self)
        self.upstream = End(self)
        self.browser.peer = self.upstream
        self.upstream.peer = self.browser

    def start(
        self, browser: asyncio.Transport, upstream: asyncio.Transport | None, *, early: bytes, rest: bytes
    ) -> None:
        """Take both sockets over.

        Args:
            browser: the browser's, which has its answer.
            upstream: the upstream's; None if it has closed its end again already.
            early: what the browser sent behind its request.
            rest: what the upstream sent behind its answer.
        """
        self.browser.take(browser)
        if upstream is not None:
            self.upstream.take(upstream)
        self.pass_on(self.browser, early)
        self.pass_on(self.upstream, rest)
        if upstream is None:
            self.upstream.connection_lost(None)

    def pass_on(self, end: End, data: bytes) -> None:
        """Give what came at one end to the other."""
        self._last = self._loop.time()
        if self._cutting is not None:
            if end is self.upstream:
                self._finish_frame(data)
            return
        if end is self.upstream and self._frames is not None:
            self._frames.follow(data)
        end.peer.write(data)

    def cut(self, code: CloseCode) -> None:
        """End the tunnel; a WebSocket's browser is told why, as soon as the frame under way has ended."""
        if self._cutting is not None:
            return
        self._cutting = code
        if self._frames is None:
            self.end()
            return
        self._timer.cancel()
        self._timer = self._loop.call_later(GRACE, self.end)
        self._finish_frame(b"")

    def _finish_frame(self, data: bytes) -> None:
        """Let the browser have the rest of the frame under way, then say why there are no more."""
        frames, code = self._frames, self._cutting
        if frames is None or code is None:
            return
        if not frames.between:
            self.browser.write(data[: frames.follow(data, one=True)])
        if frames.between:
            if not frames.closed:
                self.browser.write(close_frame(code))
            # A browser has seen the close only once the connection ends, and leaves that to the server
            # (RFC 6455 section 7.1.1). Half of it: what it still sends must not undo what it was told.
            self.browser.end_writing()
            self._frames = None
            self.upstream.abort()

    def lost(self, end: End) -> None:
        """Take note that one end is gone: the other follows, once it has what was sent to it."""
        if self._cutting is None or end is self.browser:
            end.peer.close()
        if self.browser.gone and self.upstream.gone:
            self._timer.cancel()
            self._ended()

    def end(self) -> None:
        """Close both ends at once."""
        self._timer.cancel()
        self.browser.abort()
        self.upstream.abort()

    def _look(self) -> None:
        """End the tunnel if it was quiet for too long, or look again when it could have been."""
        left = self._last + self._quiet - self._loop.time()
        if left <= 0:
            self.end()
        else:
            self._timer = self._loop.call_later(left, self._look)


class End(asyncio.Protocol):
    """One end of a tunnel.

    Attributes:
        gone: whether its socket is closed.
    """

    __slots__ = ("_ended", "_held", "_transport", "_tunnel", "gone", "peer")

    peer: End

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._transport: asyncio.Transport | None = None
        self._ended = False
        self._held = False
        self.gone = False

    def take(self, transport: asyncio.Transport) -> None:
        """Become the protocol of a socket that was somebody else's."""
        self._transport = transport
        transport.set_protocol(self)

    def write(self, data: bytes) -> None:
        """Send octets; to an end that is gone they are nobody's."""
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close, once what was written has gone out."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def hold(self, *, on: bool) -> None:
        """Stop reading from this end, or go on."""
        transport = self._transport
        if transport is None or transport.is_closing() or on is self._held:
            return
        self._held = on
        if on:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def end_writing(self) -> bool:
        """Tell this end that nothing more comes, if that can be told without closing it."""
        transport = self._transport
        if transport is None or transport.is_closing() or not transport.can_write_eof():
            return False
        transport.write_eof()
        return True

    def data_received(self, data: bytes) -> None:
        """Give it to the other end."""
        self._tunnel.pass_on(self, data)

    def eof_received(self) -> bool:
        """Half-close the other end, unless it has ended too; over TLS an end is an end (asyncio's rule)."""
        self._ended = True
        half = self._transport is not None and self._transport.can_write_eof()
        return half and not self.peer._ended and self.peer.end_writing()  # noqa: SLF001 - of the same class

    def pause_writing(self) -> None:
        """Hold the other end, which sends faster than this one reads."""
        self.peer.hold(on=True)

    def resume_writing(self) -> None:
        """Let the other end go on."""
        self.peer.hold(on=False)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's
        """Note the end."""
        self.gone = True
        self._transport = None
        self._tunnel.lost(self)
