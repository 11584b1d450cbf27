"""A load balancer of a few lines: TLS ends at it, and a test says where the next connection goes on to."""

from __future__ import annotations

import asyncio
import contextlib
from ssl import SSLContext
from types import TracebackType
from typing import Self

from tests.support.processes import LOOPBACK
from tests.support.raw import CHUNK


class Balancer:
    """Start it with `async with`.

    Args:
        tls: what it needs in order to be `localhost`.
    """

    def __init__(self, tls: SSLContext) -> None:
        self._tls = tls
        self._server: asyncio.Server
        self._tasks: set[asyncio.Task[None]] = set()
        self.to = 0
        """The port on loopback that the next connection is carried to."""

    @property
    def port(self) -> int:
        """Its own port."""
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """What browsers call it."""
        return f"https://localhost:{self.port}"

    async def _serve(self, browser: asyncio.StreamReader, to_browser: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError):
                gateway, to_gateway = await asyncio.open_connection(LOOPBACK, self.to)
                with contextlib.closing(to_gateway):
                    await asyncio.gather(_carry(browser, to_gateway), _carry(gateway, to_browser))
        finally:
            to_browser.close()
            self._tasks.discard(task)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0, ssl=self._tls)
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


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry octets one way until they end."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()
