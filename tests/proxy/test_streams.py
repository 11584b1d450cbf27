from __future__ import annotations

from collections.abc import Callable

from gateway.proxy.streams import Cut, Streams
from gateway.proxy.websocket import CloseCode


def test_a_sessions_streams_are_cut_and_no_others() -> None:
    streams = Streams()
    cut: list[tuple[str, CloseCode]] = []

    def cutter(name: str) -> Cut:
        return lambda code: cut.append((name, code))

    for session, name in (("alice", "a1"), ("alice", "a2"), ("bob", "b1"), (None, "public")):
        streams.hold(session, cutter(name))
    assert len(streams) == 4
    assert streams.sessions() == {"alice", "bob"}
    assert streams.cut("alice") == 2
    assert cut == [("a1", CloseCode.POLICY_VIOLATION), ("a2", CloseCode.POLICY_VIOLATION)]
    assert streams.cut("carol") == 0
    assert streams.cut_all() == 4
    assert {name for name, code in cut if code is CloseCode.GOING_AWAY} == {"a1", "a2", "b1", "public"}


def test_a_stream_that_has_ended_is_forgotten() -> None:
    streams = Streams()
    first, second = streams.hold("alice", lambda _: None), streams.hold("alice", lambda _: None)
    second()
    assert len(streams) == 1
    first()
    assert len(streams) == 0
    assert streams.cut("alice") == 0


def test_streams_may_end_while_they_are_cut() -> None:
    streams = Streams()
    ended: list[Callable[[], None]] = []
    ended += [streams.hold("alice", lambda _: ended.pop()()) for _ in range(3)]
    assert streams.cut("alice") == 3
    assert len(streams) == 0
