"""Adapter: aiohttp's server, where a proxy needs it to behave otherwise than for an application.

What cannot be parsed is refused with an answer that is always the same (aiohttp's own quotes the request)
and with the status that says why, which its sender gets to read. A body that turns out broken is broken for
whoever reads it, and a body whose browser has left is not waited for (aiohttp waits). There is no start on
the lenient parser in Python.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy, RawRequestMessage
from aiohttp.typedefs import Handler

READ_AHEAD: Final = 64 * 1024
"""Octets of a request's body that are held for a slow upstream, more or less."""

_LAST_WORD: Final = 2.0
"""Seconds in which who sent what cannot be read comes to read the refusal."""

_REFUSAL_FIELDS: Final = {
    "Server": "proconnect-gateway",  # aiohttp's own would say which version of what is to be attacked
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a browser may send, and how slowly.

    Args:
        idle: seconds for which its connection is kept open, and in which the head of a request has to come.
        line: octets of a request line, and of one field.
        fields: how many fields.
        linger: seconds for which the rest of a body that nobody wants is read, so that its browser, which may
            still be sending it, comes to read the answer.
    """

    idle: float = 75
    line: int = 16 * 1024
    fields: int = 128
    linger: float = 30


class FrontProtocol(web.RequestHandler):
    """One browser's connection."""

    __slots__ = ("_gone", "_unreadable")

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - aiohttp keeps the types private
        super().__init__(*args, **settings)
        self._unreadable = False
        self._gone: asyncio.Event | None = None

    def data_received(self, data: bytes) -> None:
        """Read what came; if it cannot be read on, a body that is still awaited never comes."""
        if self._unreadable:
            return
        super().data_received(data)
        if not self._messages:
            return
        if not self._end_behind_an_upgrade():
            self._unreadable = True
            request = self._current_request
            awaited = [] if request is None else [request.content]
            for payload in [*awaited, *(payload for _, payload in self._messages)]:
                if not payload.is_eof():
                    payload.set_exception(web.RequestPayloadError())
                    payload.feed_eof()

    def _end_behind_an_upgrade(self) -> bool:
        """Let a request that asks for an upgrade be the last, unless aiohttp keeps what came behind it.

        It keeps that for WebSockets only; behind any other it would go on in the middle of something.

        Returns:
            Whether the newest message is a request at all.
        """
        message, payload = self._messages[-1]
        if not isinstance(message, RawRequestMessage):
            return False
        if message.upgrade and not self._upgraded and not message.should_close:
            self._messages[-1] = (message._replace(should_close=True), payload)
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note the end; if it came behind an early answer, nobody will send the rest of the request."""
        reading_on = self._task_handler if self._current_request is None else None
        super().connection_lost(exc)
        if reading_on is not None:
            reading_on.cancel()
        if self._gone is not None:
            self._gone.set()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer, unless another has gone out: two answers would be the next request's too."""
        if request.writer.output_size > 0 and not resp.prepared:
            self.force_close()
            return resp, True
        finished = await super().finish_response(request, resp, start_time)
        if self._messages:
            self._end_behind_an_upgrade()  # it came behind a request for an upgrade that was declined
        if self._unreadable and not resp.keep_alive:
            await self._linger()
        return finished

    async def _linger(self) -> None:
        """Close, and drop what comes for a moment: a reset would take the answer away (RFC 9112 9.6)."""
        if self.transport is None:
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.resume_reading()
        self._gone = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORD):
                await self._gone.wait()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's, and it quotes the request
    ) -> web.StreamResponse:
        """Refuse what is no request, or end what failed unforeseen.

        Raises:
            ConnectionError: an answer is under way already; only closing is left.
        """
        if request.writer.output_size > 0:
            raise ConnectionError
        if exc is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log_exception("unexpected", exc_info=exc)
        refusal = web.Response(status=_status(status, exc), headers=_REFUSAL_FIELDS)
        refusal.force_close()
        return refusal


def _status(status: int, exc: BaseException | None) -> int:
    """The status that says why a head cannot be read (RFC 9110 section 15.5.15, RFC 6585 section 5)."""
    match exc:
        # aiohttp's parser keeps the request line in a bytearray, a field in bytes.
        case LineTooLong(args=(bytearray(), *_)):
            return HTTPStatus.REQUEST_URI_TOO_LONG
        case LineTooLong() | BadHttpMessage(message="Too many headers received"):
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        case _:
            return status


class FrontServer(web.Server):
    """Makes a FrontProtocol for each connection.

    Args:
        handler: answers a request.
        request_factory: makes the request that the handler gets; None for aiohttp's plain one.
        bounds: what a browser may send, and how slowly.
    """

    def __init__(self, handler: Any, *, request_factory: Any = None, bounds: Bounds) -> None:  # noqa: ANN401 - aiohttp keeps the types private
        super().__init__(
            handler,
            request_factory=request_factory,
            access_log=None,
            # A body goes to the application as it came, compressed or not.
            auto_decompress=False,
            keepalive_timeout=bounds.idle,
            lingering_time=bounds.linger,
            max_field_size=bounds.line,
            max_headers=bounds.fields,
            max_line_size=bounds.line,
            read_bufsize=READ_AHEAD,
        )

    def __call__(self) -> FrontProtocol:
        """A protocol for a new connection."""
        return FrontProtocol(self, loop=self._loop, **self._kwargs)


def parser_is_lenient() -> bool:
    """Whether aiohttp reads requests in Python, for want of its parser in C."""
    return HttpRequestParser is HttpRequestParserPy


class FrontRunner(web.AppRunner):
    """Runs an application for browsers.

    Args:
        app: the application.
        entrance: given how the application answers, makes what each request is given to; None for that alone.
        shutdown_timeout: seconds that requests under way are given at the end.
        bounds: what a browser may send, and how slowly.
        danger_python_parser: start although aiohttp's parser in C is missing.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        entrance: Callable[[Handler], Handler] | None = None,
        shutdown_timeout: float,
        bounds: Bounds | None = None,
        danger_python_parser: bool = False,
    ) -> None:
        super().__init__(app, handle_signals=False, shutdown_timeout=shutdown_timeout)
        self._entrance = entrance
        self._bounds = bounds or Bounds()
        self._allowed = danger_python_parser or not parser_is_lenient()

    async def _make_server(self) -> web.Server:
        if not self._allowed:
            raise RuntimeError("aiohttp's HTTP parser in C is missing; the one in Python is too lenient")
        made = await super()._make_server()
        answer = cast("Handler", made.request_handler)
        handler = answer if self._entrance is None else self._entrance(answer)
        return FrontServer(handler, request_factory=made.request_factory, bounds=self._bounds)
