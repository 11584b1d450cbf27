"""Many WebSockets that are open at once and say little."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.errors import CannotMeasureError
from bench.servers.front import Front
from tests.support.processes import LOOPBACK

_AT_ONCE: Final = 64
_PATIENCE: Final = 60.0  # seconds
_SWITCHED: Final = b"HTTP/1.1 101 "

WebSocket = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def open_websockets(front: Front, count: int) -> AsyncIterator[list[WebSocket]]:
    """Open WebSockets, some at a time, and close them when the block ends.

    Raises:
        CannotMeasureError: one was not opened.
    """
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one() -> WebSocket:
        async with slots:
            return await _open(front)

    async with asyncio.timeout(_PATIENCE):
        sockets = await asyncio.gather(*(one() for _ in range(count)))
    try:
        yield sockets
    finally:
        for _, writer in sockets:
            writer.close()


async def echo(sockets: list[WebSocket]) -> None:
    """Say something over each one, and hear it come back.

    Raises:
        CannotMeasureError: something else came back.
    """
    async with asyncio.timeout(_PATIENCE):
        for reader, writer in sockets:
            frame = b"\x82\x84" + secrets.token_bytes(
                8
            )  # binary, masked: four octets of key, four of content
            writer.write(frame)
            if await reader.readexactly(len(frame)) != frame:
                raise CannotMeasureError("a WebSocket gave back what was not said over it")


async def _open(front: Front) -> WebSocket:
    reader, writer = await asyncio.open_connection(LOOPBACK, front.port)
    key = b64encode(secrets.token_bytes(16)).decode()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    writer.write(front.head("GET /socket HTTP/1.1", *upgrade, f"Sec-WebSocket-Key: {key}"))
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(_SWITCHED):
        raise CannotMeasureError(f"a WebSocket was answered {head[:15]!r}")
    return reader, writer
