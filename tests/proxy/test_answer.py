from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Fault, UpstreamError
from gateway.proxy.answer import HEAD_MAX, INTERIM_MAX, AnswerReader, Head

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(*pieces: bytes, head_only: bool = False, upgrade: bool = False, end: bool = False) -> AnswerReader:
    reader = AnswerReader()
    reader.expect(head_only=head_only, upgrade=upgrade)
    for piece in pieces:
        reader.feed(piece)
    if end:
        reader.end()
    return reader


def refused(*pieces: bytes, end: bool = False) -> str:
    with pytest.raises(UpstreamError) as error:
        read(*pieces, end=end)
    assert error.value.fault is Fault.UPSTREAM_MALFORMED
    return str(error.value.facts["why"])


WHOLE = [
    (OK + b"Content-Length: 2\r\n\r\nok", b"ok", True),
    (OK + b"content-length: 0\r\n\r\n", b"", True),
    (OK + b"Content-Length: 2 \t\r\nConnection: close\r\n\r\nok", b"ok", False),
    (CHUNKED + b"2\r\nok\r\n3;x=y\r\nabc\r\n0\r\n\r\n", b"okabc", True),
    (CHUNKED + b"2\r\nok\r\n0\r\nX-Trailer: 1\r\nContent-MD5: y\r\n\r\n", b"ok", True),
    (OK + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", b"", True),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"", True),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", True),
    (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", b"", True),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
    (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
    (b"HTTP/1.1 999 \xe9trange\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok", True),
    (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * 3 + OK + b"Content-Length: 2\r\n\r\nok", b"ok", True),
]


@pytest.mark.parametrize("octets, body, reusable", WHOLE)
def test_an_answer_ends_where_it_says(octets: bytes, body: bytes, *, reusable: bool) -> None:
    reader = read(octets)
    assert reader.complete
    assert b"".join(reader.body) == body
    assert reader.reusable is reusable


@pytest.mark.parametrize("octets, body, reusable", WHOLE)
@given(data=st.data())
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(
    octets: bytes, body: bytes, data: st.DataObject, *, reusable: bool
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(octets) - 1))))
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    reader = read(*pieces)
    assert reader.complete
    assert b"".join(reader.body) == body
    assert reader.reusable is reusable
    assert reader.head == read(octets).head


def test_the_head_is_as_sent() -> None:
    octets = (
        b"HTTP/1.1 404 Not  Here\r\nSERVER: x\r\nEmpty:\r\nX: \xe9 y \t\r\nx: 2\r\nContent-Length: 3\r\n\r\n"
    )
    assert read(octets).head == Head(
        404,
        b"Not  Here",
        [(b"SERVER", b"x"), (b"Empty", b""), (b"X", b"\xe9 y \t"), (b"x", b"2"), (b"Content-Length", b"3")],
        3,
    )


def test_without_length_the_end_of_the_connection_ends_the_answer() -> None:
    reader = read(OK + b"\r\nab", b"cd")
    assert not reader.complete
    reader.end()
    assert reader.complete
    assert b"".join(reader.body) == b"abcd"
    assert not reader.reusable


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        OK + b"X: y\r\n",
        OK + b"Content-Length: 3\r\n\r\nok",
        CHUNKED,
        CHUNKED + b"2\r\nok\r\n",
        CHUNKED + b"2\r\nok\r\n0\r\n",
    ],
)
def test_an_answer_that_is_cut_short_is_none(octets: bytes) -> None:
    assert refused(*([octets] if octets else []), end=True) == "cut short"


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
        b"SSH-2.0-x\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\rX: y\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\x7fK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 99 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
        OK + b"Set-Cookie: a=\x00\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: \x0b\r\nContent-Length: 0\r\n\r\n",
        OK + b"X : y\r\nContent-Length: 0\r\n\r\n",
        OK + b"X y\r\nContent-Length: 0\r\n\r\n",
        OK + b": y\r\nContent-Length: 0\r\n\r\n",
        OK + b"X\xe9: y\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 2\r\n\nok",
        OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        OK + b"Content-Length: 2, 2\r\n\r\nok",
        OK + b"Content-Length: +2\r\n\r\nok",
        OK + b"Content-Length: -2\r\n\r\nok",
        OK + b"Content-Length:\r\n\r\n",
        OK + b"Content-Length: 99999999999999999999\r\n\r\n",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\nok",
        OK + b"Transfer-Encoding: xchunked\r\n\r\nok",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding:\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"11111111111111111\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2;a\nb\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2 \r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2\nok\n0\n\n",
        CHUNKED + b"2\r\nokXX0\r\n\r\n",
        CHUNKED + b"2\r\nok\n\n0\r\n\r\n",
        CHUNKED + b"2\r\nok\r\r0\r\n\r\n",
        CHUNKED + b"2\r\nok0\r\n\r\n",
        OK + b"Content-Length: 2\r\n\r\noktoo much",
        OK + b"Content-Length: 2\r\nConnection: close\r\n\r\noktoo much",
        OK + b"Content-Length: 0\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        CHUNKED + b"0\r\n\r\ntoo much",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 150 What\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 17,
    ],
)
def test_what_two_readers_could_read_differently_is_no_answer(octets: bytes) -> None:
    refused(octets)


@pytest.mark.parametrize(
    "octets",
    [
        OK + b"X: " + b"a" * HEAD_MAX,
        OK + b"X: y\r\n" * (HEAD_MAX // 6),
        b"HTTP/1.1 200 " + b"a" * HEAD_MAX,
        CHUNKED + b"2\r\nok\r\n0\r\n" + b"X: y\r\n" * (HEAD_MAX // 5),
        CHUNKED + b"2\r\nok\r\n0\r\nX: " + b"a" * (HEAD_MAX + 1000),
        CHUNKED + b"2;x=" + b"a" * (HEAD_MAX + 1000),
    ],
)
def test_what_is_not_content_is_bounded(octets: bytes) -> None:
    pieces = [octets[at : at + 1000] for at in range(0, len(octets), 1000)]
    assert "too large" in refused(*pieces)


@pytest.mark.parametrize("end", [OK + b"Content-Length: 0\r\n\r\n", b"x"])
def test_octets_behind_a_body_end_the_connection_but_not_the_answer(end: bytes) -> None:
    reader = read(OK + b"Content-Length: 4\r\n\r\nab", b"cd" + end)
    assert b"".join(reader.body) == b"abcd"
    assert reader.complete
    assert not reader.reusable


def test_octets_behind_a_chunked_body_end_the_connection_but_not_the_answer() -> None:
    reader = read(CHUNKED, b"2\r\nok\r\n0\r\n\r\nx")
    assert b"".join(reader.body) == b"ok"
    assert reader.complete
    assert not reader.reusable


@pytest.mark.parametrize(
    "fields", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 0\r\n"]
)
def test_the_answer_to_head_ends_with_its_head(fields: bytes) -> None:
    reader = read(OK + fields + b"\r\n", head_only=True)
    assert reader.complete
    assert reader.reusable
    assert reader.head is not None
    assert reader.head.length == 0
    reader.expect(head_only=False, upgrade=False)
    reader.feed(OK + b"Content-Length: 2\r\n\r\nok")
    assert reader.body == [b"ok"]


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 304 Not Modified\r\n"])
def test_a_body_where_none_can_be_is_dropped_with_its_connection(answer: bytes) -> None:
    reader = read(answer + b"Content-Length: 5\r\n\r\nhello", head_only=answer is OK)
    assert reader.complete
    assert reader.body == []
    assert not reader.reusable


def test_one_reader_reads_the_answers_of_a_connection_one_after_the_other() -> None:
    reader = AnswerReader()
    for octets, body, _ in [case for case in WHOLE if case[2]] * 2:
        reader.expect(head_only=False, upgrade=False)
        reader.feed(octets)
        assert b"".join(reader.body) == body


def test_a_long_body_does_not_end_the_reader() -> None:
    reader = read(OK + b"Content-Length: 6\r\n\r\nab", b"cd", b"ef")
    assert reader.reusable
    reader.expect(head_only=False, upgrade=False)
    reader.feed(OK + b"Content-Length: 2\r\n\r\nok")
    assert reader.body == [b"ok"]
    assert reader.reusable


def test_an_interim_100_lets_the_browser_go_on() -> None:
    reader = read(b"HTTP/1.1 102 Processing\r\n\r\n")
    assert not reader.may_continue
    reader.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert reader.may_continue
    assert reader.head is None


def test_what_follows_an_upgrade_is_kept() -> None:
    octets = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00"
    reader = read(octets, upgrade=True)
    assert reader.head is not None
    assert reader.head.status == 101
    assert reader.rest == b"\x81\x00"
    assert not reader.reusable


def test_a_101_without_a_protocol_is_refused() -> None:
    with pytest.raises(UpstreamError):
        read(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", upgrade=True)


def test_what_the_upstream_says_of_its_idle_connections_is_kept() -> None:
    assert read(OK + b"Keep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n").keep_alive == 5


@given(st.binary())
def test_nothing_but_an_answer_or_a_refusal_comes_of_any_octets(octets: bytes) -> None:
    try:
        reader = read(*([octets] if octets else []), end=True)
    except UpstreamError:
        return
    assert reader.complete


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_has_no_body_has_no_length(status: bytes) -> None:
    reader = read(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n")
    assert reader.head is not None
    assert reader.head.length == 0


def test_nonsense_behind_a_chunk_is_refused_whenever_it_comes() -> None:
    refused(CHUNKED, b"2\r\nok\r\n", b"nonsense\r\n")


@pytest.mark.parametrize("head", [CHUNKED, OK + b"\r\n"])
def test_content_may_be_as_long_as_it_likes(head: bytes) -> None:
    pieces = [b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * (2 * HEAD_MAX // 1000)
    reader = read(head, *pieces)
    assert not reader.complete
    assert sum(map(len, reader.body)) >= 1000 * len(pieces)


def test_a_body_of_known_length_ends_with_its_last_octet() -> None:
    reader = read(OK + b"Content-Length: 6\r\n\r\nab", b"cd")
    assert not reader.complete
    reader.feed(b"ef")
    assert reader.complete


@pytest.mark.parametrize("pieces", [[OK + b"Content-Length: 2\r\n\r\nok"], [CHUNKED, b"0\r\n\r\n"]])
def test_the_end_of_the_connection_takes_nothing_from_a_whole_answer(pieces: list[bytes]) -> None:
    reader = read(*pieces, end=True)
    assert reader.complete
    assert not reader.reusable


def test_an_answer_that_nobody_asked_for_does_not_take_the_place_of_the_first() -> None:
    reader = read(CHUNKED, b"0\r\n\r\nHTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    assert reader.head is not None
    assert reader.head.status == 200
    assert not reader.reusable


def test_an_interim_answer_before_an_upgrade_is_not_the_answer() -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    reader = read(b"HTTP/1.1 103 Early\r\n\r\n" + switch, upgrade=True)
    assert reader.head is not None
    assert reader.head.status == 101


def test_as_many_interim_answers_as_are_allowed_are_allowed() -> None:
    assert read(b"HTTP/1.1 102 Processing\r\n\r\n" * INTERIM_MAX + OK + b"Content-Length: 0\r\n\r\n").complete
