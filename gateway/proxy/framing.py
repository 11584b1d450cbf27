"""Where messages begin and end: the strict reading of RFC 9112, towards the browser and towards an upstream.

A request passes `check_request` before anything is decided about it; what the parser beneath lets through
and another server could read differently is refused here. Which fields cross is the work of `fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from gateway.errors import Fault, GatewayError, MethodNotAllowedError, RequestError
from gateway.proxy.fields import RawFields
from gateway.proxy.names import TOKEN, ByName, folded

REFUSED_METHODS: Final = frozenset(
    {
        "CONNECT",  # RFC 9110 section 9.3.6: asks for a tunnel to anywhere
        "TRACE",  # RFC 9110 section 9.3.8: shows the fields that the gateway adds
        "PRI",  # RFC 9113 section 3.4: the start of HTTP/2, not a request
    }
)

METHOD: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
VERSIONS: Final = frozenset({(1, 0), (1, 1)})
HTTP_1_1: Final = (1, 1)
LENGTH_DIGITS_MAX: Final = 18

FRAMING_FIELDS: Final = frozenset(
    {b"connection", b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"}
)
LENGTHS: Final = frozenset(map(len, ("content-length", "transfer-encoding", "keep-alive")))
HOST: Final = frozenset(b"-.0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz")
NEVER_UPGRADED: Final = frozenset({b"h2c", b"h2"})  # RFC 9113 section 3.1: HTTP/2 would leave our sight


class Message(Protocol):
    """The head of a request, as aiohttp's request object gives it."""

    @property
    def method(self) -> str:
        """The method as sent."""

    @property
    def version(self) -> tuple[int, int]:
        """The protocol's major and minor number."""

    @property
    def raw_headers(self) -> RawFields:
        """Names and values as sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How a checked request goes on after its head; only `check_request` makes one.

    Args:
        length: octets of body; 0 without a body, None when chunked.
        upgrade: the protocol asked for in `Upgrade`, to be offered to the upstream; None for none.
        expects_continue: whether the browser holds its body back until told to go on.
    """

    length: int | None = 0
    upgrade: bytes | None = None
    expects_continue: bool = False


NO_BODY: Final = Framing()


def check_request(message: Message) -> Framing:
    """Check the head of a request, and say how the request goes on.

    Raises:
        MethodNotAllowedError: a method that no application behind a gateway can mean.
        RequestError: request-malformed, for a head that two servers could read as two messages. The
            connection must end with the answer to it.
    """
    version = message.version
    if version not in VERSIONS:
        raise _malformed("version")
    check_method(message.method)
    seen: dict[str, bytes] = {}
    for name, value in message.raw_headers:
        known = _KNOWN[name]
        if known is not None:
            # Sent twice, it is a list (RFC 9110 section 5.3), which no Host, length or coding is.
            seen[known] = value if known not in seen else seen[known] + b"," + value
    _HOSTS[seen.get("host", b"")]
    length = _body_length(seen.get("content-length"), seen.get("transfer-encoding"), version=version)
    if length == 0 and "upgrade" not in seen:
        return NO_BODY
    modern = version == HTTP_1_1
    return Framing(
        length=length,
        # A request with a body is answered before anything else is agreed.
        upgrade=_upgrade(seen) if modern and length == 0 else None,
        expects_continue=modern and length != 0 and seen.get("expect", b"").lower() == b"100-continue",
    )


def check_method(method: str) -> None:
    """Check a method (RFC 9110 section 9.1).

    Raises:
        MethodNotAllowedError: it is none, as all are in upper case, or no application behind a gateway can
            mean it.
    """
    if method in REFUSED_METHODS or not METHOD.issuperset(method) or not method:
        raise MethodNotAllowedError(Fault.METHOD_NOT_ALLOWED, method=method)


def _known(name: bytes) -> str | None:
    """The field in lower case if it has to do with framing, else None."""
    lower = name.lower()
    if lower in FRAMING_FIELDS:
        return lower.decode()
    # `Content_Length` is a length to whoever folds names, and none to whoever does not.
    if not name or not TOKEN.issuperset(name) or folded(name).encode() in FRAMING_FIELDS:
        raise _malformed("field name")
    return None


_KNOWN: Final = ByName(_known)


def _check_host(host: bytes) -> None:
    """Refuse what is no host with an optional port, by its octets (RFC 9110 section 7.2)."""
    if not host or not HOST.issuperset(host):
        raise _malformed("Host")


_HOSTS: Final = ByName(_check_host)


def _body_length(length: bytes | None, coding: bytes | None, *, version: tuple[int, int]) -> int | None:
    """RFC 9112 section 6.3, without its tolerances."""
    if coding is not None:
        if length is not None:
            raise _malformed("Content-Length with Transfer-Encoding")
        if coding.lower() != b"chunked" or version != HTTP_1_1:
            raise _malformed("Transfer-Encoding")
        return None
    if length is None:
        return 0
    # bytes.isdigit knows ASCII digits only.
    if not length.isdigit() or len(length) > LENGTH_DIGITS_MAX:
        raise _malformed("Content-Length")
    return int(length)


def _upgrade(seen: Mapping[str, bytes]) -> bytes | None:
    """The protocols to offer (RFC 9110 section 7.8): asked for, and named in Connection."""
    if b"upgrade" not in {option.strip(b" \t").lower() for option in seen.get("connection", b"").split(b",")}:
        return None
    protocols = [protocol.strip(b" \t") for protocol in seen["upgrade"].split(b",")]
    return b", ".join(p for p in protocols if p and p.lower() not in NEVER_UPGRADED) or None


class AnswerFraming(NamedTuple):
    """How an answer goes on after its head, by its fields alone.

    Args:
        length: octets of body; None when only the end tells.
        chunked: whether the end is a last chunk, and not the connection's.
        keep_alive: seconds for which the upstream said it keeps an idle connection; None when it did not.
    """

    length: int | None
    chunked: bool
    keep_alive: int | None


def answer_framing(fields: RawFields, *, old: bool) -> AnswerFraming | None:
    """Read the framing of an answer (RFC 9112 section 6); None when its end is in doubt.

    Args:
        fields: as the parser let them through: at most one Content-Length, and none beside Transfer-Encoding.
        old: whether the answer is HTTP/1.0, which has no chunks.
    """
    length: int | None = None
    chunked = False
    keep_alive: int | None = None
    for name, value in fields:
        # Most names are none of these by their length alone, which spares them a copy.
        if len(name) in LENGTHS:
            match name.lower():
                case b"content-length":
                    length = int(value)
                case b"transfer-encoding":
                    if chunked or old or value.strip().lower() != b"chunked":
                        return None
                    chunked = True
                case b"keep-alive":
                    keep_alive = keep_alive_seconds(value)
                case _:
                    pass
    return AnswerFraming(length, chunked, keep_alive)


def keep_alive_seconds(value: bytes) -> int | None:
    """The `timeout` of a `Keep-Alive` field, None without one."""
    for parameter in value.lower().split(b","):
        name, _, number = parameter.partition(b"=")
        if name.strip() == b"timeout" and number.strip().isdigit():
            return int(number)
    return None


def agreed_upgrade(framing: Framing, answer: RawFields) -> bytes | None:
    """The protocol of a 101, as the upstream names it; None unless it is one of those that were offered."""
    if framing.upgrade is None:
        return None
    offered = {protocol.strip().lower() for protocol in framing.upgrade.split(b",")}
    named = [value for name, value in answer if name.lower() == b"upgrade"]
    return named[0] if len(named) == 1 and named[0].lower() in offered else None


def request_head(method: str, target: str, fields: RawFields) -> bytes:
    """A request's head as octets.

    Raises:
        GatewayError: a field holds a line break or NUL. Nothing that is let in can, so this is ours.
    """
    return _head(f"{method} {target} HTTP/1.1".encode("ascii"), fields)


def response_head(status: int, reason: bytes, fields: RawFields) -> bytes:
    """An answer's head as octets.

    Raises:
        GatewayError: as for `request_head`.
    """
    return _head(b"HTTP/1.1 %d %b" % (status, reason), fields)


def _head(start: bytes, fields: RawFields) -> bytes:
    head = b"\r\n".join((start, *map(b": ".join, fields), b"", b""))
    lines = len(fields) + 2
    # The last defence against a field that would become two: as many line ends as lines.
    if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
        raise GatewayError(Fault.UNEXPECTED, why="line break in a field")
    return head


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK: Final = b"0\r\n\r\n"


def _malformed(why: str) -> RequestError:
    return RequestError(Fault.REQUEST_MALFORMED, why=why)
