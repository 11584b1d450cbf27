from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Fault, GatewayError, MethodNotAllowedError, RequestError
from gateway.proxy.framing import (
    NO_BODY,
    AnswerFraming,
    Framing,
    agreed_upgrade,
    answer_framing,
    check_request,
    chunk,
    keep_alive_seconds,
    request_head,
    response_head,
)
from tests.proxy.conftest import Running
from tests.support.framing_tricks import BROKEN_BODIES, IN_DOUBT
from tests.support.raw import RawUpstream

HOST = (b"Host", b"a")
UPGRADE = (b"Connection", b"Upgrade")


@dataclass
class Message:
    raw_headers: list[tuple[bytes, bytes]]
    method: str = "POST"
    version: tuple[int, int] = field(default=(1, 1))


@pytest.mark.parametrize(
    "fields, framing",
    [
        ([], NO_BODY),
        ([(b"X-Odd", b"1"), (b"X-Odd", b"2")], NO_BODY),
        ([(b"Content-Length", b"0")], NO_BODY),
        ([(b"Content-Length", b"9" * 18)], Framing(length=10**18 - 1)),
        ([(b"content-length", b"0012")], Framing(length=12)),
        ([(b"TRANSFER-ENCODING", b"Chunked")], Framing(length=None)),
        ([(b"Expect", b"100-continue")], NO_BODY),
        ([(b"Expect", b"100-Continue"), (b"Content-Length", b"1")], Framing(length=1, expects_continue=True)),
        ([(b"Expect", b"everything"), (b"Content-Length", b"1")], Framing(length=1)),
        ([UPGRADE, (b"Upgrade", b"websocket")], Framing(upgrade=b"websocket")),
        ([UPGRADE, (b"Upgrade", b"websocket,, ")], Framing(upgrade=b"websocket")),
        ([UPGRADE, (b"Upgrade", b"websocket"), (b"Expect", b"100-continue")], Framing(upgrade=b"websocket")),
        (
            [(b"Connection", b"keep-alive"), (b"connection", b"x,\tUPGRADE"), (b"Upgrade", b"a, b/1")],
            Framing(upgrade=b"a, b/1"),
        ),
        ([(b"Upgrade", b"websocket")], Framing()),
        ([(b"Connection", b"notupgrade"), (b"Upgrade", b"websocket")], Framing()),
        ([(b"Connection", b"Upgrade"), (b"Upgrade", b"h2c")], Framing()),
        ([UPGRADE, (b"Upgrade", b"H2C, websocket,h2")], Framing(upgrade=b"websocket")),
        ([UPGRADE, (b"Upgrade", b"websocket"), (b"Content-Length", b"2")], Framing(length=2)),
    ],
)
def test_a_head_says_how_the_request_goes_on(fields: list[tuple[bytes, bytes]], framing: Framing) -> None:
    assert check_request(Message([HOST, *fields])) == framing


@pytest.mark.parametrize(
    "fields",
    [[UPGRADE, (b"Upgrade", b"websocket")], [(b"Expect", b"100-continue"), (b"Content-Length", b"1")]],
)
def test_an_old_browser_neither_upgrades_nor_waits(fields: list[tuple[bytes, bytes]]) -> None:
    framing = check_request(Message([HOST, *fields], version=(1, 0)))
    assert framing.upgrade is None
    assert not framing.expects_continue


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [(b"Host", b"")],
        [(b"Host", b"a b")],
        [(b"Host", b"user@a")],
        [(b"Host", b"a/b")],
        [(b"Host", b"a, b")],
        [(b"Host", b"\xc3\xa9")],
        [HOST, HOST],
        [HOST, (b"host", b"b")],
        [HOST, (b"Content-Length", b"2"), (b"content-length", b"2")],
        [HOST, (b"Content-Length", b"2"), (b"Transfer-Encoding", b"chunked")],
        [HOST, (b"Content-Length", b"")],
        [HOST, (b"Content-Length", b"+5")],
        [HOST, (b"Content-Length", b"5, 5")],
        [HOST, (b"Content-Length", b"-1")],
        [HOST, (b"Content-Length", b"0x5")],
        [HOST, (b"Content-Length", b"\xd9\xa5")],
        [HOST, (b"Content-Length", b"9" * 19)],
        [HOST, (b"Transfer-Encoding", b"")],
        [HOST, (b"Transfer-Encoding", b"xchunked")],
        [HOST, (b"Transfer-Encoding", b"identity")],
        [HOST, (b"Transfer-Encoding", b"gzip, chunked")],
        [HOST, (b"Transfer-Encoding", b"chunked, identity")],
        [HOST, (b"Transfer-Encoding", b"\x0bchunked")],
        [HOST, (b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")],
        [HOST, (b"Content_Length", b"2")],
        [HOST, (b"Transfer.Encoding", b"chunked")],
        [HOST, (b"X ", b"1")],
        [HOST, (b"", b"1")],
        [HOST, (b"X\xe9", b"1")],
        [HOST, (b"X:", b"1")],
    ],
)
def test_a_head_that_two_servers_could_read_differently_is_refused(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(RequestError) as refusal:
        check_request(Message(fields))
    assert refusal.value.fault is Fault.REQUEST_MALFORMED


@pytest.mark.parametrize("version", [(0, 9), (1, 2), (2, 0)])
def test_only_the_versions_that_were_ever_agreed_on_are_read(version: tuple[int, int]) -> None:
    with pytest.raises(RequestError):
        check_request(Message([HOST], version=version))


def test_chunks_from_an_old_browser_are_refused() -> None:
    with pytest.raises(RequestError):
        check_request(Message([HOST, (b"Transfer-Encoding", b"chunked")], version=(1, 0)))


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PRI", "get", "GE T", ""])
def test_methods_that_are_no_applications_are_refused(method: str) -> None:
    with pytest.raises(MethodNotAllowedError):
        check_request(Message([HOST], method=method))


@pytest.mark.parametrize(
    "offered, answered, agreed",
    [
        (b"websocket", [(b"Upgrade", b"WebSocket")], b"WebSocket"),
        (b"a, b/1", [(b"upgrade", b"b/1")], b"b/1"),
        (b"websocket", [(b"X-Odd", b"1"), (b"Upgrade", b"websocket")], b"websocket"),
        (b"websocket", [(b"Upgrade", b"h2c")], None),
        (b"websocket", [], None),
        (b"websocket", [(b"Upgrade", b"websocket"), (b"Upgrade", b"websocket")], None),
        (None, [(b"Upgrade", b"websocket")], None),
        (None, [(b"Upgrade", b"")], None),
    ],
)
def test_only_a_protocol_that_was_offered_is_agreed_on(
    offered: bytes | None, answered: list[tuple[bytes, bytes]], agreed: bytes | None
) -> None:
    assert agreed_upgrade(Framing(upgrade=offered), answered) == agreed


def test_heads_are_written_line_by_line() -> None:
    assert request_head("GET", "/x", [HOST, (b"X", b"")]) == b"GET /x HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
    assert response_head(404, b"No", [(b"X", b"\xe9")]) == b"HTTP/1.1 404 No\r\nX: \xe9\r\n\r\n"
    assert response_head(200, b"", []) == b"HTTP/1.1 200 \r\n\r\n"
    assert chunk(b"0123456789abcdef") == b"10\r\n0123456789abcdef\r\n"


@given(st.binary(), st.sampled_from([b"\r\n", b"\r", b"\n", b"\0"]), st.binary())
def test_nothing_can_be_written_that_would_be_another_line(
    before: bytes, line_end: bytes, after: bytes
) -> None:
    for pair in ((b"X", before + line_end + after), (before + line_end + after, b"x")):
        with pytest.raises(GatewayError):
            request_head("GET", "/", [HOST, pair])
        with pytest.raises(GatewayError):
            response_head(200, before + line_end + after, [HOST])


@pytest.mark.parametrize(
    "value, seconds",
    [(b"timeout=5", 5), (b"max=100, Timeout = 7", 7), (b"timeout=x", None), (b"max=100", None), (b"", None)],
)
def test_an_upstream_may_say_how_long_it_keeps_a_connection(value: bytes, seconds: int | None) -> None:
    assert keep_alive_seconds(value) == seconds


@pytest.mark.parametrize("request_", IN_DOUBT)
async def test_a_doubt_about_a_request_ends_its_connection_and_nothing_goes_up(
    running: Running, request_: bytes
) -> None:
    async with RawUpstream(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(request_ + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            answered = await browser.read()
        assert answered.data.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b"HTTP/1.1 405 "))
        assert answered.data.count(b"HTTP/1.") == 1
        assert answered.closed
        assert (upstream.requests, upstream.connections) == ([], 0)


@pytest.mark.parametrize("body", BROKEN_BODIES)
async def test_a_broken_chunked_body_is_never_sent_as_a_whole_one(running: Running, body: bytes) -> None:
    async with RawUpstream(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
            answered = await browser.read()
        assert answered.data.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
        assert answered.closed
        assert upstream.requests == []


async def test_pipelined_requests_are_answered_one_by_one_in_order(running: Running) -> None:
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number for number in range(5)]
    async with RawUpstream(*answers) as upstream:
        front = await running(upstream.url)
        async with await front.connect() as browser:
            await browser.send(
                b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(5))
            )
            assert [(await browser.read_message())[-1:] for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
        assert [request.split()[1] for request in upstream.requests] == [b"/0", b"/1", b"/2", b"/3", b"/4"]
        assert upstream.connections == 1


CHUNKED = (b"Transfer-Encoding", b"chunked")


def told(*, length: int | None = None, chunked: bool = False, keep_alive: int | None = None) -> AnswerFraming:
    return AnswerFraming(length, chunked, keep_alive)


@pytest.mark.parametrize(
    "fields, old, framing",
    [
        ([], False, told()),
        ([(b"Content-Length", b"7")], False, told(length=7)),
        ([(b"content-length", b"7")], True, told(length=7)),
        ([CHUNKED], False, told(chunked=True)),
        ([(b"transfer-encoding", b" Chunked ")], False, told(chunked=True)),
        ([(b"Keep-Alive", b"timeout=5, max=9")], False, told(keep_alive=5)),
        ([(b"X-Other-Lengt", b"7")], False, told()),
        ([CHUNKED], True, None),
        ([CHUNKED, CHUNKED], False, None),
        ([(b"Transfer-Encoding", b"gzip, chunked")], False, None),
        ([(b"Transfer-Encoding", b"identity")], False, None),
        ([(b"Transfer-Encoding", b"")], False, None),
    ],
    ids=str,
)
def test_an_answers_fields_say_how_it_goes_on(
    fields: list[tuple[bytes, bytes]], framing: AnswerFraming | None, *, old: bool
) -> None:
    assert answer_framing(fields, old=old) == framing
