"""What is open for long in a session's name: tunnels, event streams, downloads.

It is cut when the session ends. Nothing here ends a session, and nothing here knows how a stream is cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gateway.proxy.websocket import CloseCode

Cut: TypeAlias = Callable[[CloseCode], None]
"""Cuts one stream, saying why where the stream's protocol has a way to."""


class Streams:
    """The streams that are open, by the session that they were allowed for."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[str | None, dict[object, Cut]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def sessions(self) -> set[str]:
        """The ids of the sessions that have streams."""
        return {session for session in self._open if session is not None}

    def hold(self, session: str | None, cut: Cut) -> Callable[[], None]:
        """Hold a stream in the register while it is open.

        Args:
            session: the session's id; None for a stream that is nobody's.
            cut: how to cut it.

        Returns:
            What to call when it has ended.
        """
        key = object()
        self._open.setdefault(session, {})[key] = cut

        def ended() -> None:
            cuts = self._open[session]
            del cuts[key]
            if not cuts:
                del self._open[session]

        return ended

    def cut(self, session: str) -> int:
        """Cut the streams of a session that has ended; returns how many there were."""
        cuts = list(self._open.get(session, {}).values())
        for cut in cuts:
            cut(CloseCode.POLICY_VIOLATION)
        return len(cuts)

    def cut_all(self) -> int:
        """Cut every stream, because the gateway stops; returns how many there were."""
        cuts = [cut for cuts in self._open.values() for cut in cuts.values()]
        for cut in cuts:
            cut(CloseCode.GOING_AWAY)
        return len(cuts)
