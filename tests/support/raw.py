"""Bytes on sockets: a client that sends what it is given, and an upstream that records and answers bytes.

Nothing here corrects or refuses anything. Only as much HTTP is known as finds the end of a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Self, TypeAlias

from tests.support.processes import LOOPBACK

CHUNK = 65_536
WAIT_SECONDS = 5.0
BODILESS = re.compile(rb"HTTP/1\.[01] (?:1\d\d|204|304)\b")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n")
TRAILERS = re.compile(rb"(?:[^\r\n]+\r\n)*\r\n")


def message_end(data: bytes) -> int | None:
    """Where the HTTP/1.1 message at the start of `data` ends (RFC 9112 section 6), or None if not in `data`.

    A request without a length has no body; an answer without one lasts as long as its connection.
    """
    if (blank := data.find(b"\r\n\r\n")) < 0:
        return None
    head, start = data[:blank], blank + 4
    fields = head.lower()
    if BODILESS.match(head):
        return start
    if re.search(rb"\r\ntransfer-encoding:[^\r\n]*chunked", fields):
        return _chunked_end(data, start)
    if length := re.search(rb"\r\ncontent-length:[ \t]*(\d+)", fields):
        end = start + int(length[1])
        return end if len(data) >= end else None
    return None if head.startswith(b"HTTP/") else start


def _chunked_end(data: bytes, start: int) -> int | None:
    while size := CHUNK_SIZE.match(data, start):
        if (length := int(size[1], 16)) == 0:
            trailers = TRAILERS.match(data, size.end())
            return trailers.end() if trailers else None
        start = size.end() + length + 2
    return None


@dataclass(frozen=True, slots=True)
class Received:
    """What came, and whether the other side closed its direction after it."""

    data: bytes
    closed: bool


class RawConnection:
    """One connection whose bytes the test chooses; made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._pending = b""

    async def send(self, data: bytes) -> None:
        """Sends the bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    def finish_sending(self) -> None:
        """Closes this side's direction; the other can still be read."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Drops the connection without a farewell."""
        self._writer.transport.abort()

    async def read(self, *, seconds: float = WAIT_SECONDS) -> Received:
        """Everything until the other side closes, or until `seconds` have passed."""
        data, self._pending = bytearray(self._pending), b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while chunk := await self._reader.read(CHUNK):
                    data += chunk
        return Received(bytes(data), self._reader.at_eof())

    async def read_until(self, marker: bytes, *, seconds: float = WAIT_SECONDS) -> bytes:
        """Everything up to and with the marker.

        Raises:
            TimeoutError: it did not come in time.
            EOFError: the other side closed before.
        """
        async with asyncio.timeout(seconds):
            while marker not in self._pending:
                await self._more()
        end = self._pending.index(marker) + len(marker)
        return self._take(end)

    async def read_message(self, *, seconds: float = WAIT_SECONDS) -> bytes:
        """One HTTP/1.1 message, by its length, its chunks, or the connection's end.

        Raises:
            TimeoutError: it did not end in time.
            EOFError: the other side closed before a first byte.
        """
        async with asyncio.timeout(seconds):
            while (end := message_end(self._pending)) is None:
                try:
                    await self._more()
                except EOFError:
                    if not self._pending:
                        raise
                    end = len(self._pending)
                    break
        return self._take(end)

    async def _more(self) -> None:
        chunk = await self._reader.read(CHUNK)
        if not chunk:
            raise EOFError(self._pending)
        self._pending += chunk

    def _take(self, end: int) -> bytes:
        taken, self._pending = self._pending[:end], self._pending[end:]
        return taken

    async def close(self) -> None:
        """Closes both directions."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def connect(
    port: int, *, host: str = LOOPBACK, ssl: SSLContext | None = None, server_hostname: str | None = None
) -> RawConnection:
    """Connects to a port of loopback, with TLS where a context is given."""
    return RawConnection(*await asyncio.open_connection(host, port, ssl=ssl, server_hostname=server_hostname))


async def exchange(port: int, data: bytes, *, seconds: float = WAIT_SECONDS) -> Received:
    """Sends the bytes over a new connection; everything that comes back until it closes or `seconds` pass.

    Ask with `Connection: close`, or the whole of `seconds` passes.
    """
    async with await connect(port) as connection:
        await connection.send(data)
        return await connection.read(seconds=seconds)


Answer: TypeAlias = bytes | Callable[[RawConnection], Awaitable[None]]
"""The bytes that answer a request, or what else to do with its connection once the request has been read."""


class RawUpstream:
    """An upstream that answers each request with given bytes and keeps the exact bytes of each request.

    Args:
        answers: one for each request, over all connections; the last one goes on. None at all: it reads
            requests and never answers.
        close: whether a connection is closed after its answer.
        unix_path: listen on a unix socket instead of a port.
        ssl: speak TLS.
    """

    def __init__(
        self,
        *answers: Answer,
        close: bool = False,
        unix_path: Path | None = None,
        ssl: SSLContext | None = None,
    ) -> None:
        self._answers = list(answers)
        self._close = close
        self._unix_path = unix_path
        self._ssl = ssl
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self._arrival = asyncio.Event()
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []
        self.unfinished: list[bytes] = []
        """What came without being a whole request when its connection ended."""

    @property
    def url(self) -> str:
        """The address, as `apps.upstream` takes it."""
        if self._unix_path is not None:
            return f"unix:{self._unix_path}"
        return f"{'https' if self._ssl else 'http'}://{LOOPBACK}:{self.port}"

    def answer_with(self, *answers: Answer) -> None:
        """Answer otherwise from now on."""
        self._answers = list(answers)

    async def received(self, count: int = 1, *, seconds: float = WAIT_SECONDS) -> list[bytes]:
        """The requests, once there are `count` of them.

        Raises:
            TimeoutError: there are fewer after `seconds`.
        """
        async with asyncio.timeout(seconds):
            while len(self.requests) < count:
                self._arrival.clear()
                await self._arrival.wait()
        return self.requests

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        connection = RawConnection(reader, writer)
        try:
            await self._answer_all(connection)
        except (ConnectionError, EOFError):
            pass
        finally:
            self._tasks.discard(task)
            await connection.close()

    async def _answer_all(self, connection: RawConnection) -> None:
        while True:
            request = await connection.read_message(seconds=60)
            if message_end(request) is None:
                self.unfinished.append(request)
                return
            self.requests.append(request)
            self._arrival.set()
            if not self._answers:
                continue
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if isinstance(answer, bytes):
                await connection.send(answer)
            else:
                await answer(connection)
            if self._close:
                return

    async def __aenter__(self) -> Self:
        if self._unix_path is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._unix_path, ssl=self._ssl)
        else:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, ssl=self._ssl)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
