"""Serving a gateway on its two addresses until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
import uvloop
from aiohttp import web

from gateway.app import Gateway, open_gateway
from gateway.observe.log import LogFormat, set_up_log
from gateway.settings.model import Settings, dangers
from gateway.settings.urls import ListenAddress

_BACKLOG: Final = 1024
_IDLE_CONNECTION: Final = 75.0  # seconds that a browser's idle connection is kept
_LONGEST_LINE: Final = 16_384  # octets of a request line, and of one field

log = structlog.get_logger("gateway")


def bind(address: ListenAddress) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.settimeout(0)
    return listening


@asynccontextmanager
async def serving(
    gateway: Gateway, *, front: socket.socket, observe: socket.socket, drain: float
) -> AsyncIterator[None]:
    """Answer on both sockets while the block runs.

    Args:
        gateway: what answers.
        front: the socket that browsers reach.
        observe: the socket of the second address.
        drain: seconds that requests under way are given at the end.
    """
    runners = [
        web.AppRunner(
            gateway.front,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=drain,
            keepalive_timeout=_IDLE_CONNECTION,
            # A body goes to the application as it came, compressed or not.
            auto_decompress=False,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        ),
        web.AppRunner(gateway.observe, access_log=None, handle_signals=False, shutdown_timeout=0),
    ]
    try:
        for runner, listening in zip(runners, (front, observe), strict=True):
            await runner.setup()
            await web.SockSite(runner, listening, backlog=_BACKLOG).start()
        yield
    finally:
        for runner in runners:
            await runner.cleanup()


async def run(settings: Settings) -> None:
    """Run a gateway until SIGTERM or SIGINT, then let the requests under way end.

    Raises:
        OSError: an address cannot be listened on.
    """
    front, observe = bind(settings.gateway.listen), bind(settings.observe.listen)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    for danger in dangers(settings):
        log.warning("danger", setting=danger)
    async with open_gateway(settings) as gateway:
        for name, provider in gateway.providers.items():
            health = provider.health()
            if not health.ready:
                log.warning("provider away", provider=name, fault=health.fault and health.fault.value)
        async with serving(gateway, front=front, observe=observe, drain=settings.gateway.drain_timeout):
            log.info(
                "serving",
                listen=_shown(front),
                observe=_shown(observe),
                public_url=str(settings.gateway.public_url),
                apps=[app.name for app in settings.apps],
            )
            await stop.wait()
            log.info("stopping", drain_timeout=settings.gateway.drain_timeout)


def run_until_stopped(settings: Settings) -> None:
    """Set up the log and run a gateway on uvloop."""
    set_up_log(form=LogFormat(settings.log.format), level=settings.log.level)
    uvloop.run(run(settings))


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
