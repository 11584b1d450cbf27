"""One large body up or down, over a socket that costs as little as there is."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import Final

from bench.errors import CannotMeasureError
from bench.servers.front import Front
from tests.support.processes import LOOPBACK

_PIECE: Final = memoryview(bytes(1 << 20))
_PATIENCE: Final = 120.0  # seconds without an octet
_OK: Final = b"HTTP/1.1 200 "
_BLANK: Final = b"\r\n\r\n"


def download(front: Front, size: int) -> float:
    """Get `size` octets of the application `bodies`: seconds from the request to the last octet.

    Raises:
        CannotMeasureError: what came is not that.
    """
    with _connected(front) as connection:
        began = time.perf_counter()
        connection.sendall(front.head(f"GET /{size} HTTP/1.1", "Connection: close"))
        left = size - len(_after_head(connection))
        buffer = bytearray(len(_PIECE))
        while got := connection.recv_into(buffer):
            left -= got
        lasted = time.perf_counter() - began
    if left:
        raise CannotMeasureError(f"{left} octets of {size} are missing")
    return lasted


def upload(front: Front, size: int) -> float:
    """Send `size` octets to the application `bodies`: seconds from the request to its answer.

    Raises:
        CannotMeasureError: it got another number.
    """
    with _connected(front) as connection:
        began = time.perf_counter()
        fields = ("Connection: close", f"Content-Length: {size}")
        connection.sendall(front.head("POST / HTTP/1.1", *fields))
        left = size
        while left > 0:
            connection.sendall(_PIECE[:left])
            left -= len(_PIECE)
        told = _after_head(connection)
        while more := connection.recv(len(_PIECE)):
            told += more
        lasted = time.perf_counter() - began
    if told != str(size).encode():
        raise CannotMeasureError(f"the application was sent {size} octets and got {told[:40]!r}")
    return lasted


def _connected(front: Front) -> closing[socket.socket]:
    return closing(socket.create_connection((LOOPBACK, front.port), timeout=_PATIENCE))


def _after_head(connection: socket.socket) -> bytes:
    """What came behind the head of an answer, which must be of success."""
    data = b""
    while _BLANK not in data:
        more = connection.recv(65536)
        if not more:
            raise CannotMeasureError("no answer")
        data += more
    if not data.startswith(_OK):
        raise CannotMeasureError(f"the answer was {data[:15]!r}")
    return data.partition(_BLANK)[2]
