"""Adapter: an upstream's answer, written into the connection that aiohttp's server holds with the browser.

aiohttp's own StreamResponse makes fields that the upstream did not send (`Date`, `Server`, `Content-Type`),
and orders and spells them its own way. So `Relay` writes through the request's transport, which is public,
and the handler returns a `RelayedAnswer`: a response of which aiohttp only learns that it was sent.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from gateway.errors import GatewayError
from gateway.proxy.answer import SWITCHING_PROTOCOLS, Head
from gateway.proxy.fields import OwnCookies, response_fields, signs_out
from gateway.proxy.framing import HTTP_1_1, LAST_CHUNK, chunk, response_head
from gateway.proxy.rules import AS_SENT, AnswerRules

if TYPE_CHECKING:
    from aiohttp.http import WebSocketReader

NO_CONTENT: Final = 204
CLIENT_CLOSED_REQUEST: Final = 499  # no status of HTTP's: what logs call an answer that nobody waited for


class BrowserLeftError(Exception):
    """There is nobody to write to."""


class AnswerWithheldError(Exception):
    """The answer ends the person's session: the gateway gives another one. Nothing of it was sent.

    Args:
        cookies: what the application has the browser keep or forget, as values of `Set-Cookie`.
    """

    def __init__(self, cookies: list[bytes]) -> None:
        super().__init__()
        self.cookies = cookies


class Parting(Enum):
    """What becomes of an answer by which a person leaves the application."""

    RELAYED = auto()  # it goes to the browser as any other
    IF_TOLD = auto()  # it is withheld if it says itself that the person leaves
    WITHHELD = auto()


class RelayedAnswer(web.StreamResponse):
    """An answer that has gone to the browser already.

    Args:
        status: the upstream's status.
        keep_alive: whether the browser's connection may carry another request.
        sent: octets of the answer, its head included.
        error: what cut the answer short; None when it went out whole.
        signs_out: whether the application says that its person leaves.
    """

    def __init__(
        self,
        status: int,
        *,
        keep_alive: bool,
        sent: int,
        error: GatewayError | None = None,
        signs_out: bool = False,
    ) -> None:
        super().__init__(status=status)
        self.signs_out = signs_out
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


class UpgradedAnswer(RelayedAnswer):
    """A 101 that has gone to the browser; the connection is a tunnel's now.

    Args:
        handler: aiohttp's protocol of that connection, which has to let go of it.
    """

    def __init__(self, handler: web.RequestHandler, *, sent: int) -> None:
        super().__init__(SWITCHING_PROTOCOLS, keep_alive=False, sent=sent)
        self._handler = handler

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - aiohttp's
        """Have aiohttp take its connection for lost, which is the last thing it does with an answer.

        Without a transport it has nothing to close, and frees what it holds: a tunnel lasts.
        """
        self._handler.transport = None
        self._handler.connection_lost(None)


class _Early:
    """What the browser sent before it was answered, in the shape in which aiohttp hands it over."""

    def __init__(self) -> None:
        self.octets = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take octets."""
        self.octets += data
        return False, b""

    def feed_eof(self) -> None:
        """Take the end."""


class Relay:
    """The way to one browser, for one answer.

    Args:
        request: the browser's request.
        own_cookies: the gateway's cookies, which the answer cannot set.
        private: whether the answer is made for a signed-in person.
        rules: what becomes of its fields.
        parting: whether an answer that ends the person's session is withheld; see `check`.

    Attributes:
        keep_alive: whether the browser's connection may carry another request.
        started: whether an octet of the answer was sent.
    """

    __slots__ = (
        "_chunked",
        "_error",
        "_own_cookies",
        "_parting",
        "_private",
        "_request",
        "_rules",
        "_signs_out",
        "_status",
        "_upgraded",
        "keep_alive",
        "started",
    )

    def __init__(
        self,
        request: web.BaseRequest,
        *,
        own_cookies: OwnCookies,
        private: bool,
        rules: AnswerRules,
        parting: Parting = Parting.RELAYED,
    ) -> None:
        self._request = request
        self.keep_alive = request.keep_alive
        self.started = False
        self._own_cookies = own_cookies
        self._private = private
        self._rules = rules
        self._parting = parting
        self._signs_out = False
        self._chunked = False
        self._status = CLIENT_CLOSED_REQUEST
        self._error: GatewayError | None = None
        self._upgraded: web.RequestHandler | None = None

    def check(self, head: Head) -> None:
        """Look whether the answer ends the person's session.

        Raises:
            AnswerWithheldError: it does, and the browser is to get the gateway's own sign-out.
        """
        self._signs_out = signs_out(head.fields)
        if self._parting is Parting.WITHHELD or (self._signs_out and self._parting is Parting.IF_TOLD):
            fields = self._fields(head)
            raise AnswerWithheldError([value for name, value in fields if name.lower() == b"set-cookie"])

    def head(self, head: Head) -> bytes:
        """The head of the answer as octets, framed for this browser (RFC 9112 sections 6.3 and 9.3)."""
        fields = self._fields(head)
        modern = self._request.version == HTTP_1_1
        if head.status == NO_CONTENT:
            # RFC 9110 section 8.6: some send one, and it must not be there.
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

    def whole(self, head: Head, body: bytes, *, uploaded: bool) -> bytes:
        """A whole answer as octets.

        Args:
            head: its head.
            body: its body.
            uploaded: whether the request was sent whole; if not, nobody will read the rest of it.
        """
        self.keep_alive = self.keep_alive and uploaded
        octets = self.head(head)
        return octets + self.body(body, last=True) if body or self._chunked else octets

    def upgrade(self, head: Head, protocol: bytes) -> tuple[asyncio.Transport, bytes]:
        """Answer with a 101, and give the browser's socket away.

        Returns:
            The socket, and what the browser sent behind its request.

        Raises:
            BrowserLeftError: nobody is there.
        """
        agreed = [(b"Connection", b"Upgrade"), (b"Upgrade", protocol)]
        self.send(response_head(head.status, head.reason, self._fields(head) + agreed))
        handler = self._request.protocol
        transport = cast("asyncio.Transport", self._request.transport)
        early = _Early()
        handler.set_parser(cast("WebSocketReader", early))
        self._upgraded = handler
        return transport, early.octets

    def _fields(self, head: Head) -> list[tuple[bytes, bytes]]:
        self._status = head.status
        fields = response_fields(head.fields, own_cookies=self._own_cookies, private=self._private)
        return fields if self._rules is AS_SENT else self._rules.apply(fields)

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
            if not self._request.protocol.connected:
                raise BrowserLeftError
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

    def abort(self, error: GatewayError | None = None) -> None:
        """Close the browser's connection, so that a cut answer is not taken for a whole one.

        Args:
            error: why; the handler finds it in the answer.
        """
        self._error = error
        self.keep_alive = False
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    def answer(self) -> RelayedAnswer:
        """What the handler returns."""
        sent = self._request.writer.output_size
        if self._upgraded is not None:
            return UpgradedAnswer(self._upgraded, sent=sent)
        return RelayedAnswer(
            self._status,
            keep_alive=self.keep_alive,
            sent=sent,
            error=self._error,
            signs_out=self._signs_out,
        )
