"""Where WebSocket frames end (RFC 6455 section 5.2), so that a close frame can be put between two of them.

Messages are not read: a frame's payload is only counted, whatever its size, compression or extension.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

CLOSE: Final = 0x8
SHORT_MAX: Final = 125
TWO_OCTETS: Final = 126
EIGHT_OCTETS: Final = 127


class CloseCode(IntEnum):
    """Why the gateway closes a WebSocket (RFC 6455 section 7.4.1)."""

    GOING_AWAY = 1001
    POLICY_VIOLATION = 1008


def close_frame(code: CloseCode) -> bytes:
    """An unmasked close frame, as a server sends it."""
    return b"\x88\x02" + code.to_bytes(2, "big")


class Frames:
    """Follows the frames of one direction.

    Attributes:
        closed: whether a close frame was seen; nothing may come after it.
    """

    __slots__ = ("_header", "_left", "closed")

    def __init__(self) -> None:
        self._header = b""
        self._left = 0
        self.closed = False

    @property
    def between(self) -> bool:
        """Whether the last octet seen ended a frame, or none was seen."""
        return not self._left and not self._header

    def follow(self, data: bytes, *, one: bool = False) -> int:
        """Follow the frames through `data`.

        Args:
            data: the next octets.
            one: stop at the first end of a frame.

        Returns:
            How many octets were followed: all, unless `one`.
        """
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
            else:
                at += self._open(data, at)
            if one and self.between:
                break
        return at

    def _open(self, data: bytes, at: int) -> int:
        """Read a frame's header, or what there is of it; returns the octets taken."""
        known = len(self._header)
        header = self._header + data[at : at + 14]
        size = _header_size(header)
        if size is None or len(header) < size:
            self._header = header
            return len(header) - known
        self._header = b""
        self._left = _payload_size(header)
        self.closed = self.closed or header[0] & 0x0F == CLOSE
        return size - known


def _header_size(header: bytes) -> int | None:
    if len(header) < 2:  # noqa: PLR2004 - the part that says how long the rest is
        return None
    length = header[1] & 0x7F
    extended = {TWO_OCTETS: 2, EIGHT_OCTETS: 8}.get(length, 0)
    return 2 + extended + (4 if header[1] & 0x80 else 0)


def _payload_size(header: bytes) -> int:
    length = header[1] & 0x7F
    if length <= SHORT_MAX:
        return length
    return int.from_bytes(header[2 : 4 if length == TWO_OCTETS else 10], "big")
