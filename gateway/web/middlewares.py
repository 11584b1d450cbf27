"""What surrounds every handler: the request id, the log line, and errors turned into answers."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.errors import Fault, GatewayError, RequestError
from gateway.proxy.relay import CLIENT_CLOSED_REQUEST as NOT_ANSWERED
from gateway.web.answers import Answers
from gateway.web.notes import NOTES, Notes

IN_DOUBT: Final = frozenset({Fault.REQUEST_MALFORMED, Fault.TARGET_AMBIGUOUS, Fault.METHOD_NOT_ALLOWED})
"""After these the connection ends: another server might read another request behind this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """The outermost middleware.

    Args:
        answers: makes the answer of an error.
        new_id: draws a request id.
        clock: monotonic seconds, for durations.
        log: writes log lines.
        count: counts the request: its app, what ended it, the status, the seconds it took.
    """

    answers: Answers
    new_id: Callable[[], str]
    clock: Callable[[], float]
    log: Any
    count: Callable[[str | None, str | None, int, float], None]

    def middleware(self) -> Middleware:
        """The middleware in aiohttp's form."""

        @web.middleware
        async def boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.around(request, handler)

        return boundary

    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What a handler answers, or the answer to the error that it raises."""
        notes = request[NOTES] = Notes(self.new_id())
        began = self.clock()
        response: web.StreamResponse | None = None
        try:
            try:
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - nothing is lost: `_error` logs what nobody foresaw
                response = self._error(request, error, notes)
        finally:
            self._write(request, notes, response, self.clock() - began)
        if not response.prepared and not request.content.is_eof():
            # Nobody reads the rest of the body, so what comes next would be taken for it.
            response.force_close()
        return response

    def _error(self, request: web.Request, error: Exception, notes: Notes) -> web.StreamResponse:
        match error:
            case GatewayError():
                if error.status >= web.HTTPInternalServerError.status_code:
                    self.log.warning(
                        "error", request_id=notes.request_id, fault=error.fault.value, facts=_texts(error)
                    )
                answered = error
            case web.HTTPException():
                # The router's, for the one form of target that nothing here answers: that of CONNECT.
                answered = RequestError(Fault.REQUEST_MALFORMED)
            case _:
                self.log.error("unexpected", request_id=notes.request_id, exc_info=error)
                answered = GatewayError(Fault.UNEXPECTED)
        notes.decision = answered.fault.value
        answer = self.answers.error(request, answered)
        if answered.fault in IN_DOUBT:
            answer.force_close()
        return answer

    def _write(
        self, request: web.Request, notes: Notes, response: web.StreamResponse | None, seconds: float
    ) -> None:
        status = NOT_ANSWERED if response is None else response.status
        self.count(notes.app, notes.decision, status, seconds)
        if not self.log.is_enabled_for(logging.INFO):
            return
        # The query is left out: it may hold a code, a state, or what a person typed.
        self.log.info(
            "request",
            request_id=notes.request_id,
            client=notes.client or request.remote,
            method=request.method,
            host=request.headers.get("Host"),
            path=request.raw_path.partition("?")[0],
            status=status,
            decision=notes.decision,
            app=notes.app,
            session=notes.session,
            ms=round(seconds * 1000, 1),
        )


def request_ids(prefix: str) -> Callable[[], str]:
    """Draw request ids as unique as `prefix`: it and a count, cheap enough for each request."""
    count = itertools.count(1)
    return lambda: f"{prefix}-{next(count):x}"


def _texts(error: GatewayError) -> dict[str, str]:
    return {name: str(value) for name, value in error.facts.items()}
