"""Adapter: a connection that was upgraded, as octets both ways.

What the octets mean is the browser's and the upstream's matter. Only of a WebSocket the frames are counted in one
direction, so that the browser can be told why its tunnel is cut.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

from aiohttp import web

from gateway.proxy.websocket import CloseCode, Frames, close_frame

GRACE: Final = 1.0
"""Seconds between telling a browser that its tunnel is cut and cutting it."""


class Tunnel:
    """Two sockets whose octets go to each other.

    Args:
        loop: the running event loop.
        quiet: seconds without an octet after which the tunnel ends.
        websocket: whether the octets are WebSocket frames.
    """

    __slots__ = ("_frames", "_last", "_loop", "_quiet", "_timer", "browser", "cutting", "over", "upstream")

    def __init__(self, loop: asyncio.AbstractEventLoop, *, quiet: float, websocket: bool) -> None:
        self._loop = loop
        self._quiet = quiet
        self._last = loop.time()
        self._frames = Frames() if websocket else None
        self._timer = loop.call_later(quiet, self._look)
        self.browser = End(self, loop)
        self.upstream = End(self, loop)
        self.browser.peer = self.upstream
        self.upstream.peer = self.browser
        self.cutting: CloseCode | None = None
        self.over: asyncio.Future[None] = loop.create_future()

    def pass_on(self, end: End, data: bytes) -> None:
        """Give what came at one end to the other."""
        self._last = self._loop.time()
        if self.cutting is not None:
            if end is self.upstream and self._frames is not None and not self._frames.between:
                data = data[: self._frames.follow(data, one=True)]
                self.browser.write(data)
                self._say_why(self._frames)
            return
        if end is self.upstream and self._frames is not None:
            self._frames.follow(data)
        end.peer.write(data)

    def cut(self, code: CloseCode) -> None:
        """End the tunnel; a WebSocket's browser is told why, as soon as the frame under way has ended."""
        if self.cutting is not None or self.over.done():
            return
        self.cutting = code
        if self._frames is None:
            self.end()
            return
        self._timer.cancel()
        self._timer = self._loop.call_later(GRACE, self.end)
        if self._frames.between:
            self._say_why(self._frames)

    def _say_why(self, frames: Frames) -> None:
        if self.cutting is not None and frames.between and not frames.closed:
            frames.closed = True
            self.browser.write(close_frame(self.cutting))
        self.upstream.close()

    def ended(self, end: End) -> None:
        """Take note that one end is gone, which ends the other once it has all its octets."""
        if self.cutting is None or end is self.browser:
            end.peer.close()
        if self.browser.gone and self.upstream.gone and not self.over.done():
            self._timer.cancel()
            self.over.set_result(None)

    def end(self) -> None:
        """Close both ends at once."""
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
    """One end of a tunnel."""

    __slots__ = ("_loop", "_transport", "_tunnel", "gone", "peer")

    peer: End

    def __init__(self, tunnel: Tunnel, loop: asyncio.AbstractEventLoop) -> None:
        self._tunnel = tunnel
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self.gone = False

    def take(self, transport: asyncio.Transport) -> None:
        """Become the protocol of a socket that was somebody else's."""
        self._transport = transport
        transport.set_protocol(self)
        if transport.is_closing():
            self._loop.call_soon(self.connection_lost, None)

    def write(self, data: bytes) -> None:
        """Send octets; to an end that is gone they are nobody's."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close, once what was written has gone out."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Give it to the other end."""
        self._tunnel.pass_on(self, data)

    def eof_received(self) -> bool:
        """Half-close the other end if it can be; TLS cannot, so there one end's end is the other's."""
        other = self.peer._transport  # noqa: SLF001 - of the same class
        if other is None or self._transport is None or not other.can_write_eof():
            return False
        if not self._transport.can_write_eof() or self._tunnel.cutting is not None:
            return False
        other.write_eof()
        return True

    def pause_writing(self) -> None:
        """Hold the other end: it is faster than this one reads."""
        other = self.peer._transport  # noqa: SLF001 - of the same class
        if other is not None:
            other.pause_reading()

    def resume_writing(self) -> None:
        """Let the other end go on."""
        other = self.peer._transport  # noqa: SLF001 - of the same class
        if other is not None:
            other.resume_reading()

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's
        """Note the end."""
        if not self.gone:
            self.gone = True
            self._transport = None
            self._tunnel.ended(self)
