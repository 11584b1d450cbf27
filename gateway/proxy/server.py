"""Adapter: aiohttp's server, where a proxy needs it to behave otherwise than for an application.

Three things: what cannot be parsed is refused with an answer that is always the same (aiohttp's own quotes the
request) and with the status that says why; a body that turns out broken is broken for whoever reads it (aiohttp
lets that reader wait); and there is no start on the parser in Python, which is the more lenient one.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

IDLE_CONNECTION: Final = 75.0
"""Seconds for which a browser's connection is kept open, and in which the head of a request has to come."""

LINE_MAX: Final = 16 * 1024
"""Octets of a request line, and of one field."""

FIELDS_MAX: Final = 128
READ_AHEAD: Final = 64 * 1024
"""Octets of a request's body that are held for a slow upstream, more or less."""

_TOO_MANY_FIELDS: Final = "Too many headers received"


class FrontProtocol(web.RequestHandler):
    """One browser's connection."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Read what came; if it cannot be read on, a body that is still awaited never comes."""
        super().data_received(data)
        if self._messages and not hasattr(self._messages[-1][0], "headers"):
            request = self._current_request
            awaited = [] if request is None else [request.content]
            for payload in [*awaited, *(payload for _, payload in self._messages)]:
                if not payload.is_eof():
                    payload.set_exception(web.RequestPayloadError())
                    payload.feed_eof()

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
        refusal = web.Response(status=_status(status, exc), headers={"Cache-Control": "no-store"})
        refusal.force_close()
        return refusal


def _status(status: int, exc: BaseException | None) -> int:
    """The status that says why a head cannot be read (RFC 9110 section 15.5.15, RFC 6585 section 5)."""
    match exc:
        # aiohttp's parser keeps the request line in a bytearray, a field in bytes.
        case LineTooLong(args=(bytearray(), *_)):
            return HTTPStatus.REQUEST_URI_TOO_LONG
        case LineTooLong() | Exception(args=(("Too many headers received"), *_)):
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        case _:
            return status


class FrontServer(web.Server):
    """Makes a FrontProtocol for each connection."""

    def __call__(self) -> FrontProtocol:
        """A protocol for a new connection."""
        return FrontProtocol(self, loop=self._loop, **self._kwargs)


class FrontRunner(web.AppRunner):
    """Runs an application for browsers.

    Args:
        app: the application.
        shutdown_timeout: seconds that requests under way are given at the end.
        danger_python_parser: start although aiohttp's parser in C is missing.
        **settings: further ones of aiohttp's server.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        shutdown_timeout: float,
        danger_python_parser: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(app, handle_signals=False, shutdown_timeout=shutdown_timeout)
        self._allowed = danger_python_parser or HttpRequestParser is not HttpRequestParserPy
        self._settings = {**SETTINGS, **settings}

    async def _make_server(self) -> web.Server:
        if not self._allowed:
            raise RuntimeError("aiohttp's HTTP parser in C is missing; the one in Python is too lenient")
        made = await super()._make_server()
        return FrontServer(
            made.request_handler,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            **self._settings,
        )


SETTINGS: Final = {
    "access_log": None,
    # A body goes to the application as it came, compressed or not.
    "auto_decompress": False,
    "keepalive_timeout": IDLE_CONNECTION,
    "max_field_size": LINE_MAX,
    "max_headers": FIELDS_MAX,
    "max_line_size": LINE_MAX,
    "read_bufsize": READ_AHEAD,
}
"""What a FrontServer is made with."""
