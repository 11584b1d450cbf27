"""What surrounds every handler: the request id, the log line, and errors turned into answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.errors import Fault, GatewayError, RequestError
from gateway.web.answers import Answers
from gateway.web.notes import NOTES, Notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """The outermost middleware.

    Args:
        answers: makes the answer of an error.
        new_id: draws a request id.
        clock: monotonic seconds, for durations.
        log: writes log lines (`info`, `warning`, `exception`).
    """

    answers: Answers
    new_id: Callable[[], str]
    clock: Callable[[], float]
    log: Any

    def middleware(self) -> Middleware:
        """The middleware in aiohttp's form."""

        @web.middleware
        async def boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
            notes = request[NOTES] = Notes(self.new_id())
            began = self.clock()
            response: web.StreamResponse | None = None
            try:
                response = await self._answer(request, handler, notes)
            finally:
                self._write(request, notes, response, self.clock() - began)
            if not response.prepared and not request.content.is_eof():
                # Nobody reads the rest of the body, so what comes next would be taken for it.
                response.force_close()
            return response

        return boundary

    async def _answer(self, request: web.Request, handler: Handler, notes: Notes) -> web.StreamResponse:
        try:
            return await handler(request)
        except GatewayError as error:
            notes.decision = error.fault.value
            if error.status >= web.HTTPInternalServerError.status_code:
                self.log.warning(
                    "error", request_id=notes.request_id, fault=error.fault.value, facts=_texts(error)
                )
            return self.answers.error(request, error)
        except web.HTTPException:
            # The router's, for the one form of target that nothing here answers: that of CONNECT.
            notes.decision = Fault.REQUEST_MALFORMED.value
            return self.answers.error(request, RequestError(Fault.REQUEST_MALFORMED))
        except Exception:
            notes.decision = Fault.UNEXPECTED.value
            self.log.exception("unexpected", request_id=notes.request_id)
            return self.answers.error(request, GatewayError(Fault.UNEXPECTED))

    def _write(
        self, request: web.Request, notes: Notes, response: web.StreamResponse | None, seconds: float
    ) -> None:
        # The query is left out: it may hold a code, a state, or what a person typed.
        self.log.info(
            "request",
            request_id=notes.request_id,
            client=notes.client or request.remote,
            method=request.method,
            host=request.headers.get("Host"),
            path=request.raw_path.partition("?")[0],
            status=response.status if response is not None else None,
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
