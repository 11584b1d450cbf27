"""A line to a server that a test may slow, reset, cut and mend: a TCP relay on loopback."""

from __future__ import annotations

import asyncio
from random import Random
from types import TracebackType
from typing import Self

from tests.support.processes import LOOPBACK
from tests.support.raw import CHUNK


class Relay:
    """Open it with `async with`.

    Args:
        to: the server's port on loopback.

    Attributes:
        delay: the least and the most seconds that each piece takes on its way back.
        connections: how many there were so far.
    """

    def __init__(self, to: int, *, delay: tuple[float, float] = (0, 0)) -> None:
        self._to = to
        self.delay = delay
        self.connections = 0
        self._is_cut = False
        self._random = Random("relay")  # noqa: S311 - the same moments in each run
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    @property
    def port(self) -> int:
        """Its own port on loopback."""
        return int(self._server.sockets[0].getsockname()[1])

    def reset(self) -> None:
        """Cut every connection that is open; new ones go through."""
        for writer in list(self._open):
            writer.transport.abort()

    def cut(self) -> None:
        """Cut every connection, and each new one as soon as it comes, until `mend`."""
        self._is_cut = True
        self.reset()

    def mend(self) -> None:
        """Let new connections through again."""
        self._is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            if self._is_cut:
                return
            up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._to)
            self._open.add(up_writer)
            try:
                await asyncio.gather(
                    self._carry(reader, up_writer, back=False), self._carry(up_reader, writer, back=True)
                )
            finally:
                self._open.discard(up_writer)
                up_writer.close()
        except (OSError, asyncio.CancelledError):
            pass  # a line says nothing of its end but by ending
        finally:
            self._open.discard(writer)
            writer.transport.abort()
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        while data := await reader.read(CHUNK):
            if back and self.delay[1]:
                await asyncio.sleep(self._random.uniform(*self.delay))
            writer.write(data)
            await writer.drain()
        writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
