"""How long an exchange has been waiting, for what, and whose fault it is when that was too long."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, assert_never

from gateway.errors import Fault, GatewayError, RequestTimeoutError, UpstreamTimeoutError

NEVER: Final = float("inf")


class Wait(Enum):
    """What an exchange is waiting for."""

    ANSWER = "first-byte"
    BODY = "idle"
    UPLOAD = "upload"
    BROWSER = "browser"


class Clock:
    """The clock of the exchanges of one connection, one after the other.

    Args:
        now: seconds that only grow.
    """

    __slots__ = ("_deadline", "_end", "_now", "_what")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._what = Wait.ANSWER
        self._deadline = self._end = NEVER

    def start(self, *, first: float, total: float | None) -> None:
        """Start an exchange, which waits for its answer.

        Args:
            first: seconds to the head of the answer.
            total: seconds for all of it.
        """
        now = self._now()
        self._end = NEVER if total is None else now + total
        self._what = Wait.ANSWER
        self._deadline = min(now + first, self._end)

    def expect_within(self, seconds: float, what: Wait) -> None:
        """Start another wait; the one before has ended."""
        self._what = what
        self._deadline = min(self._now() + seconds, self._end)

    def overdue(self, now: float) -> GatewayError | None:
        """What has lasted too long at `now`, None when nothing has."""
        if now < self._deadline:
            return None
        match self._what:
            case Wait.ANSWER | Wait.BODY | Wait.UPLOAD:
                return UpstreamTimeoutError(Fault.UPSTREAM_SLOW, limit=self._what.value)
            case Wait.BROWSER:
                return RequestTimeoutError(Fault.REQUEST_SLOW)
            case other:
                assert_never(other)
