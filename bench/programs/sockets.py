"""An application of WebSockets, on a port that it prints: it echoes what comes, frames and all.

The echo is of masked frames, which no real server sends; nothing on the way reads them.
"""

from __future__ import annotations

import asyncio
import re
import sys
from base64 import b64encode
from hashlib import sha1
from typing import Final, cast

import uvloop

from bench.limits import allow_many_files
from tests.support.processes import LOOPBACK

_KEY: Final = re.compile(rb"\r\nsec-websocket-key:[ \t]*(\S+)", re.IGNORECASE)
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_BACKLOG: Final = 1024


class _Echo(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_head", "_open", "_transport")

    def __init__(self) -> None:
        self._head = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._open:
            self._transport.write(data)
            return
        self._head += data
        if b"\r\n\r\n" not in self._head:
            return
        key = _KEY.search(self._head)
        self._head = b""
        if key is None:
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        self._open = True
        accept = b64encode(sha1(key[1] + _GUID, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
        )


async def main() -> None:
    """Serve until the process is ended."""
    allow_many_files()
    server = await asyncio.get_running_loop().create_server(_Echo, LOOPBACK, 0, backlog=_BACKLOG)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
