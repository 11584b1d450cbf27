"""Bodies that tell whose they are: a token over and over, so that an octet of another body shows at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from bench.errors import CannotMeasureError

PIECE: Final = 64 * 1024
TOKEN: Final = re.compile(r"[0-9a-f]{16}")


class MixedUpError(CannotMeasureError):
    """A body holds octets that are not its own."""


def new_token(random: Callable[[int], bytes]) -> str:
    """A token that no other body has; `random` draws that many octets."""
    return random(8).hex()


class Body:
    """The body of one token, written or checked piece by piece.

    Args:
        token: whose it is.

    Attributes:
        size: octets so far.
    """

    __slots__ = ("_block", "_period", "size", "token")

    def __init__(self, token: str) -> None:
        self.token = token
        line = f"{token}\n".encode("ascii")
        self._period = len(line)
        self._block = line * (PIECE // self._period + 2)
        self.size = 0

    def next(self, size: int) -> bytes:
        """The next octets, at most `PIECE` of them."""
        start = self.size % self._period
        piece = self._block[start : start + min(size, PIECE)]
        self.size += len(piece)
        return piece

    def check(self, data: bytes) -> None:
        """Check the next octets.

        Raises:
            MixedUpError: they are not what comes next.
        """
        while data:
            at = self.size
            piece, data = data[:PIECE], data[PIECE:]
            if piece != self.next(len(piece)):
                raise MixedUpError(f"the body of {self.token} holds {piece[:60]!r} behind {at} octets")


def pieces(token: str, size: int) -> Iterator[bytes]:
    """The body of a token, of `size` octets, in pieces."""
    body = Body(token)
    while body.size < size:
        yield body.next(size - body.size)


def whole(token: str, size: int) -> bytes:
    """The same in one piece."""
    return b"".join(pieces(token, size))
