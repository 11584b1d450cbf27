"""How the gateway's two applications are served: their sockets, and what aiohttp's server is told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from gateway.app import Gateway
from gateway.proxy.server import FrontRunner
from gateway.settings.urls import ListenAddress

BACKLOG: Final = 1024
_AT_ONCE: Final = 0.1  # seconds; to aiohttp, none at all would be without end


def bind(address: ListenAddress, *, shared: bool = False) -> socket.socket:
    """A listening socket.

    Args:
        address: where; port 0 takes a free one.
        shared: whether other processes listen there too.

    Raises:
        OSError: the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((address.host, address.port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.settimeout(0)
    return listening


def front_runner(gateway: Gateway, *, drain: float) -> web.AppRunner:
    """What serves browsers.

    Args:
        gateway: what answers.
        drain: seconds that requests under way are given at the end.
    """

    async def cut_what_does_not_end(_: web.Application) -> None:
        asyncio.get_running_loop().call_later(drain, gateway.streams.cut_all)

    gateway.front.on_shutdown.append(cut_what_does_not_end)
    return FrontRunner(
        gateway.front,
        entrance=gateway.entrance,
        shutdown_timeout=max(drain, _AT_ONCE),
        bounds=gateway.bounds,
        danger_python_parser=gateway.danger_python_parser,
    )


def observe_runner(gateway: Gateway) -> web.AppRunner:
    """What serves the second address."""
    return web.AppRunner(gateway.observe, access_log=None, handle_signals=False, shutdown_timeout=_AT_ONCE)


@asynccontextmanager
async def serving(
    gateway: Gateway, *, front: socket.socket, observe: socket.socket, drain: float
) -> AsyncIterator[None]:
    """Answer on both sockets, in this process and its loop, while the block runs.

    Args:
        gateway: what answers.
        front: the socket that browsers reach.
        observe: the socket of the second address.
        drain: seconds that requests under way are given at the end.
    """
    runners = (front_runner(gateway, drain=drain), observe_runner(gateway))
    try:
        for runner, listening in zip(runners, (front, observe), strict=True):
            await runner.setup()
            await web.SockSite(runner, listening, backlog=BACKLOG).start()
        yield
    finally:
        for runner in runners:
            await runner.cleanup()
