"""Whatever an application answers: one answer with one end, however it is cut, or none."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.proxy.answer import AnswerReader
from gateway.proxy.framing import response_head
from tests.fuzz.mangled import mangled

ANSWERS = mangled(
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nSet-Cookie: a=b\r\n\r\nuntil the end",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x00",
    words=(
        b"\r\n",
        b"\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"0\r\n\r\n",
        b"Connection: close\r\n",
        b"chunked",
        b"-1",
    ),
)


def read(pieces: list[bytes], *, head_only: bool, upgrade: bool) -> tuple[Any, ...] | None:
    """What is made of an answer; None when it is refused."""
    reader = AnswerReader()
    reader.expect(head_only=head_only, upgrade=upgrade)
    try:
        for piece in pieces:
            if not reader.complete:
                reader.feed(piece)
        reader.end()
    except UpstreamError:
        return None
    return reader.head, b"".join(reader.body)


@given(octets=ANSWERS, data=st.data(), head_only=st.booleans(), upgrade=st.booleans())
def test_an_answer_does_not_depend_on_its_pieces(
    octets: bytes, data: st.DataObject, *, head_only: bool, upgrade: bool
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(octets) - 1)), max_size=6)))
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    in_pieces = read([piece for piece in pieces if piece], head_only=head_only, upgrade=upgrade)
    whole = read([octets] if octets else [], head_only=head_only, upgrade=upgrade)
    # Octets behind an answer are seen at once, or only after it was passed on whole.
    assert in_pieces == whole or whole is None


@given(ANSWERS)
@example(b"HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n")
def test_a_head_that_is_let_in_can_be_written_again(octets: bytes) -> None:
    told = read([octets] if octets else [], head_only=False, upgrade=False)
    if told is not None:
        head = told[0]
        assert 200 <= head.status <= 999
        response_head(head.status, head.reason, head.fields)
