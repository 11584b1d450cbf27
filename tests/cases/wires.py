"""What a hostile server does to the connection: octets as they are, and as slowly as it likes."""

from __future__ import annotations

import asyncio
from typing import Final

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PAUSE: Final = 0.05  # seconds
HIGH_WATER: Final = 1 << 16  # octets that may wait to be sent
FLOOD: Final = 2_000


async def _until_closed(transport: asyncio.Transport, piece: bytes, *, slowly: bool = False) -> None:
    """Write the same again and again until the other side has had enough."""
    while not transport.is_closing():
        full = transport.get_write_buffer_size() > HIGH_WATER
        await asyncio.sleep(PAUSE if slowly or full else 0)
        if not transport.is_closing() and transport.get_write_buffer_size() <= HIGH_WATER:
            transport.write(piece)


async def a_byte_at_a_time(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Content-Length: 100000\r\n\r\n{")
    await _until_closed(transport, b" ", slowly=True)


async def stalls_inside_the_body(transport: asyncio.Transport) -> None:
    transport.write(OK + b'Content-Length: 1000\r\n\r\n{"access_token":')
    await _until_closed(transport, b"", slowly=True)


async def stalls_inside_the_head(transport: asyncio.Transport) -> None:
    transport.write(OK)
    await _until_closed(transport, b"", slowly=True)


async def fifty_megabytes(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Content-Length: 50000000\r\n\r\n{")
    await _until_closed(transport, b" " * 4096)


async def endless_chunks(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    await _until_closed(transport, b"1000\r\n" + b" " * 4096 + b"\r\n")


async def endless_small_chunks(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    await _until_closed(transport, b"1\r\n \r\n", slowly=True)


async def an_endless_head(transport: asyncio.Transport) -> None:
    transport.write(OK)
    await _until_closed(transport, b"X-Padding: " + b"x" * 1000 + b"\r\n")


async def an_endless_line(transport: asyncio.Transport) -> None:
    transport.write(OK + b"X-Padding: ")
    await _until_closed(transport, b"x" * 4096)


async def a_hundred_fields_of_8_kb(transport: asyncio.Transport) -> None:
    fields = b"".join(b"X-%d: " % number + b"x" * 8192 + b"\r\n" for number in range(100))
    transport.write(OK + fields + b"Content-Length: 2\r\n\r\n{}")


async def a_flood_of_early_hints(transport: asyncio.Transport) -> None:
    transport.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * FLOOD)


async def early_hints_without_end(transport: asyncio.Transport) -> None:
    await _until_closed(transport, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", slowly=True)


async def less_than_announced(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Content-Length: 500\r\n\r\n{}")


async def two_lengths(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ")


async def a_length_and_chunks(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")


async def a_chunk_of_no_size(transport: asyncio.Transport) -> None:
    transport.write(OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n")


async def no_http(transport: asyncio.Transport) -> None:
    transport.write(b"SSH-2.0-OpenSSH_9.2\r\n")


async def nothing(transport: asyncio.Transport) -> None:
    """The connection ends."""
