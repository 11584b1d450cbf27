"""An upstream that answers as soon as it has the head of a request, and leaves the body to its answer."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from types import TracebackType
from typing import Self

from tests.support.processes import LOOPBACK
from tests.support.raw import WAIT_SECONDS, RawConnection


class LongConnection(RawConnection):
    """A connection that can carry more than memory holds, and knows the head that came last."""

    head = b""

    async def skip(self, size: int) -> int:
        """Read that many octets and keep none; returns a checksum of their values."""
        taken = self._take(min(size, len(self._pending)))
        checksum, size = zlib.crc32(taken), size - len(taken)
        while size and (taken := await self._reader.read(min(size, 65_536))):
            checksum, size = zlib.crc32(taken, checksum), size - len(taken)
        return checksum


Answer = Callable[[LongConnection], Awaitable[None]]


class HeadsUpstream:
    """Reads heads, and calls one answer after the other; a connection goes on until its answer ends it.

    Args:
        answers: for each request, over all connections.
        ssl: speak TLS.
    """

    def __init__(self, *answers: Answer, ssl: SSLContext | None = None) -> None:
        self._answers = list(answers)
        self._ssl = ssl
        self._server: asyncio.Server
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrival = asyncio.Condition()
        self.port = 0
        self.connections = 0
        self.heads: list[bytes] = []

    @property
    def url(self) -> str:
        """The address, as `read_address` takes it."""
        return f"{'https' if self._ssl else 'http'}://{LOOPBACK}:{self.port}"

    async def arrived(self, count: int) -> None:
        """Wait until that many heads have come."""
        async with asyncio.timeout(WAIT_SECONDS), self._arrival:
            await self._arrival.wait_for(lambda: len(self.heads) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        connection = LongConnection(reader, writer)
        # A test's end cancels what still waits; nobody listens to a connection's task.
        with contextlib.suppress(ConnectionError, EOFError, TimeoutError, asyncio.CancelledError):
            while self._answers:
                connection.head = await connection.read_until(b"\r\n\r\n", seconds=60)
                self.heads.append(connection.head)
                async with self._arrival:
                    self._arrival.notify_all()
                await self._answers.pop(0)(connection)
        writer.close()
        self._tasks.discard(task)

    async def __aenter__(self) -> Self:
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
