"""Adapter: an upstream's answer, written into the connection that aiohttp's server holds with the browser.

aiohttp's own StreamResponse makes fields that the upstream did not send (`Date`, `Server`, `Content-Type`), and
orders and spells them its own way. So `Relay` writes through the request's transport, which is public, and the
handler returns a `RelayedAnswer`: a response of which aiohttp only learns that it was sent.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from gateway.errors import GatewayError
from gateway.proxy.answer import BODILESS, Head
from gateway.proxy.fields import OwnCookies, response_fields
from gateway.proxy.framing import LAST_CHUNK, chunk, response_head

HTTP_1_1: Final = (1, 1)
NO_CONTENT: Final = 204


class BrowserLeftError(Exception):
    """There is nobody to write to."""


class RelayedAnswer(web.StreamResponse):
    """An answer that has gone to the browser already.

    Args:
        status: the upstream's status.
        keep_alive: whether the browser's connection may carry another request.
        sent: octets of the answer, its head included.
        error: what cut the answer short; None when it went out whole.
    """

    def __init__(
        self, status: int, *, keep_alive: bool, sent: int, error: GatewayError | None = None
    ) -> None:
        super().__init__(status=status)
        self._keep_alive = keep_alive
        self._body_length = sent
        self.error = error

    @property
    def prepared(self) -> bool:
        """Whether the head was sent: always, so that nobody tries to add a field."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:  # noqa: ARG002 - aiohttp's
        """Do nothing: the answer was sent."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the answer was sent."""


class Relay:
    """The way to one browser, for one answer.

    Args:
        request: the browser's request.
    """

    __slots__ = ("_chunked", "_request", "keep_alive", "started", "status")

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._chunked = False
        self.keep_alive = request.keep_alive
        self.started = False
        self.status = 0

    def head(self, head: Head, *, own_cookies: OwnCookies, private: bool) -> bytes:
        """The head of the answer as octets, framed for this browser (RFC 9112 sections 6.3 and 9.3)."""
        request = self._request
        fields = response_fields(head.fields, own_cookies=own_cookies, private=private)
        modern = request.version >= HTTP_1_1
        self.status = head.status
        if head.status == NO_CONTENT:
            fields = [pair for pair in fields if pair[0].lower() != b"content-length"]
        elif head.length is None:
            if modern:
                self._chunked = True
                fields.append((b"Transfer-Encoding", b"chunked"))
            else:
                self.keep_alive = False
        if modern and not self.keep_alive:
            fields.append((b"Connection", b"close"))
        elif self.keep_alive and not modern:
            fields.append((b"Connection", b"keep-alive"))
        return response_head(head.status, head.reason, fields)

    def body(self, data: bytes, *, last: bool) -> bytes:
        """Octets of the body, framed as `head` announced them."""
        if not self._chunked:
            return data
        framed = chunk(data) if data else b""
        return framed + LAST_CHUNK if last else framed

    def send(self, data: bytes) -> None:
        """Write to the browser.

        Raises:
            BrowserLeftError: nobody is there.
        """
        request = self._request
        transport = request.transport
        if transport is None or transport.is_closing():
            raise BrowserLeftError
        self.started = True
        # aiohttp refuses to write an error page behind octets that it knows of.
        request.writer.output_size += len(data)
        transport.write(data)

    async def drained(self, limit: float) -> None:
        """Wait until the browser reads on.

        Args:
            limit: seconds in which it must read at least something.

        Raises:
            BrowserLeftError: it reads nothing any more.
        """
        while self.full:
            unread = self._unread()
            try:
                async with asyncio.timeout(limit):
                    await self._request.writer.drain()
            except TimeoutError:
                if self._unread() >= unread:
                    raise BrowserLeftError from None
            except ConnectionError:
                raise BrowserLeftError from None

    def _unread(self) -> int:
        transport = self._request.transport
        return 0 if transport is None else transport.get_write_buffer_size()

    @property
    def full(self) -> bool:
        """Whether the browser is slower than what was written."""
        return self._request.protocol.writing_paused

    def abort(self) -> None:
        """Close the browser's connection, so that a cut answer is not taken for a whole one."""
        self.keep_alive = False
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    def answer(self, error: GatewayError | None = None) -> RelayedAnswer:
        """What the handler returns."""
        return RelayedAnswer(
            self.status, keep_alive=self.keep_alive, sent=self._request.writer.output_size, error=error
        )


def bodiless(method: str, head: Head) -> bool:
    """Tell whether the answer ends with its head, whatever its fields say (RFC 9112 section 6.3)."""
    return method == "HEAD" or head.status in BODILESS
