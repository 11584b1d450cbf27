"""An application of large bodies, on a port that it prints: `GET /N` is N octets, `POST /` counts what came.

A thread for each connection and blocking sockets: nothing in it is slower than what it is asked through.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
from typing import Final

from tests.support.processes import LOOPBACK

_PIECE: Final = memoryview(bytes(1 << 20))
_HEAD: Final = re.compile(rb"(GET|POST) /(\d*)\S* HTTP/1\.[01]\r\n(?:.*\r\n)*?\r\n")
_CLOSE: Final = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)


def main() -> None:
    """Serve until the process is ended."""
    with socket.create_server((LOOPBACK, 0)) as server:
        sys.stdout.write(f"{server.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    buffer = bytearray(len(_PIECE))
    with connection:
        data = b""
        while True:
            while (head := _HEAD.match(data)) is None:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            length = _LENGTH.search(head[0])
            left = (int(length[1]) if length else 0) - (len(data) - head.end())
            data = b""
            while left > 0:
                got = connection.recv_into(buffer, min(len(buffer), left))
                if not got:
                    return
                left -= got
            if head[1] == b"POST":
                answer = length[1] if length else b"0"
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
            else:
                _send(connection, int(head[2] or 0))
            if _CLOSE.search(head[0]):
                return


def _send(connection: socket.socket, size: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    while size > 0:
        connection.sendall(_PIECE[:size])
        size -= len(_PIECE)


if __name__ == "__main__":
    main()
