"""What an upstream answers, read strictly: octets in, one head and the octets of its body out.

No socket and no clock here; `connection` feeds what it receives. One reader serves the exchanges of a
connection one after the other, and says after each whether the connection is fit for another.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.errors import Fault, UpstreamError
from gateway.proxy.framing import answer_framing

HEAD_MAX: Final = 64 * 1024
"""Octets of a head, of the interim answers before it, and of anything in a body that is not its content."""

INTERIM_MAX: Final = 16
"""Interim answers (RFC 9110 section 15.2) before the one that counts."""

CONTINUE: Final = 100
SWITCHING_PROTOCOLS: Final = 101
FIRST_FINAL: Final = 200
BODILESS: Final = frozenset({204, 304})  # RFC 9112 section 6.3

_CONTROLS: Final = bytes((*range(0x09), *range(0x0A, 0x20), 0x7F))


class Head(NamedTuple):
    """The head of an answer.

    Args:
        status: 200 to 999, or 101 for an upgrade that was asked for.
        reason: as sent; may be empty.
        fields: names and values as sent.
        length: octets of body, 0 when there is none; None when only the end tells.
    """

    status: int
    reason: bytes
    fields: list[tuple[bytes, bytes]]
    length: int | None


class AnswerReader:
    """Reads the answers of one connection.

    Attributes:
        head: the head of the answer, once it is whole.
        body: the octets of the body that came and were not taken yet, in pieces.
        complete: whether the answer is whole.
        reusable: whether the connection may carry another exchange, once the answer is whole.
        may_continue: whether an interim 100 came.
        started: whether a single octet came.
        rest: after a 101, what came behind its head.
        keep_alive: seconds for which the upstream said it keeps an idle connection; None when it did not.
    """

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_excess",
        "_fields",
        "_head_only",
        "_interim",
        "_left",
        "_parser",
        "_reason",
        "_refused",
        "_seen",
        "_upgrade",
        "body",
        "complete",
        "head",
        "keep_alive",
        "may_continue",
        "rest",
        "reusable",
        "started",
    )

    def __init__(self) -> None:
        self._parser: HttpResponseParser | None = None
        self._head_only = False
        self.keep_alive: int | None = None
        self.expect(head_only=False, upgrade=False)

    def expect(self, *, head_only: bool, upgrade: bool) -> None:
        """Make ready for the answer to the next request.

        Args:
            head_only: the request was HEAD, so the answer has no body whatever its fields say.
            upgrade: the request asked for an upgrade, so that 101 may be the answer.
        """
        if self._head_only:
            # It waits for the body that the fields of the last answer spoke of.
            self._parser = None
        self._head_only = head_only
        self._upgrade = upgrade
        self._fields: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._refused = ""
        self._excess = False
        self._bodiless = False
        self._chunked = False
        self._seen = 0
        self._interim = 0
        self._left = -1
        self.head: Head | None = None
        self.body: list[bytes] = []
        self.complete = False
        self.reusable = False
        self.may_continue = False
        self.started = False
        self.rest = b""

    def feed(self, data: bytes) -> None:
        """Read what came.

        Raises:
            UpstreamError: upstream-malformed; nothing more can be read from this connection.
        """
        if self._left >= 0:
            self._count(data)
            return
        if not self.started:
            self.started = True
            if data[0] != ord("H"):  # the parser passes over empty lines
                raise _malformed("no status line")
        first = self.head is None
        pieces = len(self.body)
        self._parse(data)
        if self._excess:
            self._parser = None
            self.reusable = False
            # Applications that answer HEAD as they answer GET are many; else there are two answers at once.
            if first and not self._bodiless:
                raise _malformed("octets behind the answer")
        elif not self.complete:
            self._incomplete(len(data), progress=len(self.body) > pieces)

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self._parser = HttpResponseParser(self)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as switch:
            self.rest = data[switch.args[0] :]
        except HttpParserError as error:
            if not self.complete:
                raise _malformed(self._refused or str(error)) from error
            self._excess = True
        if self._refused:
            raise _malformed(self._refused)

    def _incomplete(self, size: int, *, progress: bool) -> None:
        if self.head is not None and self.head.length is not None:
            # From here on there is only counting to do, which needs no parser.
            self._left = self.head.length - sum(map(len, self.body))
            self._parser = None
        elif progress:
            self._seen = 0
        else:
            self._seen += size
            if self._seen > HEAD_MAX:
                raise _malformed("head, chunk extension or trailer section too large")

    def _count(self, data: bytes) -> None:
        """Take what came as the octets of a body whose length is known."""
        left = self._left - len(data)
        if left < 0:
            self.reusable = False
            data = data[:left]
        if data:
            self.body.append(data)
        if left <= 0:
            self.complete = True
        self._left = max(left, 0)

    def end(self) -> None:
        """Read the end of the connection.

        Raises:
            UpstreamError: upstream-malformed, when the answer lacks some of its octets.
        """
        self.reusable = False
        if not self.complete:
            if self.head is None or self.head.length is not None or self._chunked:
                raise _malformed("cut short")
            self.complete = True

    # What the parser calls. A refusal is kept until the parser returns, for no exception passes through it.

    def on_message_begin(self) -> None:
        """Start another message: the answer, an interim one before it, or one that nobody asked for."""
        if self.complete:
            self._excess = True
        else:
            self._fields = []
            self._reason = b""

    def on_status(self, reason: bytes) -> None:
        """Take a part of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head, or of a trailer section, which goes nowhere (RFC 9110 section 6.5.1)."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the head as a whole."""
        parser = self._parser
        if self.complete or parser is None:
            return
        status = parser.get_status_code()
        reason = self._reason
        if parser.get_http_version() not in {"1.1", "1.0"}:
            self._refused = "version"
        elif status < CONTINUE:
            self._refused = "status"
        elif reason != b"OK" and reason.translate(None, _CONTROLS) != reason:
            self._refused = "control character in the reason phrase"
        elif status >= FIRST_FINAL or (status == SWITCHING_PROTOCOLS and self._upgrade):
            self._final(status, parser)
        elif status == SWITCHING_PROTOCOLS:
            self._refused = "101 that nobody asked for"
        else:
            self._interim_answer(status)

    def _final(self, status: int, parser: HttpResponseParser) -> None:
        framing = answer_framing(self._fields, old=parser.get_http_version() == "1.0")
        if framing is None:
            self._refused = "Transfer-Encoding"
            return
        self._chunked = framing.chunked
        self.keep_alive = framing.keep_alive
        if status == SWITCHING_PROTOCOLS and not parser.should_upgrade():
            self._refused = "101 without Upgrade"
        self._bodiless = self._head_only or status in BODILESS
        self.reusable = parser.should_keep_alive() and status != SWITCHING_PROTOCOLS
        self.head = Head(status, self._reason, self._fields, 0 if self._bodiless else framing.length)
        self._fields = []
        if self._bodiless:
            self.complete = True

    def _interim_answer(self, status: int) -> None:
        self._interim += 1
        if self._interim > INTERIM_MAX:
            self._refused = "too many interim answers"
        elif any(name.lower() in {b"content-length", b"transfer-encoding"} for name, _ in self._fields):
            self._refused = "interim answer with a body"
        elif status == CONTINUE:
            self.may_continue = True

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        if self.complete:
            self._excess = True
        else:
            self.body.append(data)

    def on_message_complete(self) -> None:
        """Take the end of a message; that of an interim answer, or of another than ours, ends nothing."""
        if self.head is not None:
            self.complete = True


def _malformed(why: str) -> UpstreamError:
    return UpstreamError(Fault.UPSTREAM_MALFORMED, why=why)
