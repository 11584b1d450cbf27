"""The demo: a provider, an old application and the gateway between them, in one process on loopback."""

from __future__ import annotations

import asyncio
import errno
import secrets
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

import uvloop
from aiohttp import web
from rich.console import Console

from gateway.app import open_gateway
from gateway.demo.provider import issuer_at, make_provider
from gateway.demo.provider_requests import Registration
from gateway.demo.provider_state import Provider
from gateway.demo.upstream import make_upstream
from gateway.observe.log import LogFormat, set_up_log
from gateway.serve import bind, serving
from gateway.settings.load import load
from gateway.settings.model import Settings
from gateway.settings.urls import ListenAddress

USUAL_PORTS: Final = {"gateway": 8080, "provider": 8081, "upstream": 8082, "observe": 9090}
_HOST: Final = "127.0.0.1"
_CLIENT_ID: Final = "demo"
_AT_ONCE: Final = 0.1  # seconds that an answer under way is given at the end
_PAUSE: Final = 7200  # seconds, twice the usual idle lifetime


@dataclass(frozen=True, slots=True)
class Demo:
    """Where a running demo answers."""

    gateway: str
    provider: str
    upstream: str
    observe: str


@dataclass(slots=True)
class _Clock:
    """The time of the provider and of the gateway, which runs ahead when somebody lets time pass."""

    ahead: int = 0

    def __call__(self) -> int:
        return int(time.time()) + self.ahead

    def pass_time(self) -> None:
        self.ahead += _PAUSE


@asynccontextmanager
async def running_demo(ports: Mapping[str, int] = USUAL_PORTS) -> AsyncIterator[Demo]:
    """Start all three until the block ends.

    Args:
        ports: which port each would like; where one is taken, a free one does.
    """
    async with AsyncExitStack() as stack:
        sockets = {name: stack.enter_context(_bind(port)) for name, port in ports.items()}
        found = {name: listening.getsockname()[1] for name, listening in sockets.items()}
        demo = Demo(
            gateway=f"http://localhost:{found['gateway']}",
            provider=issuer_at(found["provider"]),
            upstream=f"http://{_HOST}:{found['upstream']}",
            observe=f"http://{_HOST}:{found['observe']}",
        )
        registration = Registration(
            client_id=_CLIENT_ID,
            client_secret=secrets.token_hex(32),
            redirect_uris=(f"{demo.gateway}/_gateway/callback",),
            post_logout_redirect_uris=(f"{demo.gateway}/_gateway/signed-out",),
        )
        clock = _Clock()
        provider = Provider([registration], clock=clock)
        provider.issuer = demo.provider
        await stack.enter_async_context(_served(make_provider(provider), sockets["provider"]))
        upstream = make_upstream(pass_time=clock.pass_time)
        await stack.enter_async_context(_served(upstream, sockets["upstream"]))
        gateway = await stack.enter_async_context(open_gateway(_settings(demo, registration), clock=clock))
        await stack.enter_async_context(
            serving(gateway, front=sockets["gateway"], observe=sockets["observe"], drain=0)
        )
        yield demo


def run_demo() -> None:
    """Start the demo, say what to open, and end on Ctrl-C."""
    set_up_log(form=LogFormat.CONSOLE, level="info")
    uvloop.run(_until_interrupted())


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    out = Console(highlight=False, soft_wrap=True)
    async with running_demo() as demo:
        out.print(welcome(demo))
        await stop.wait()
    out.print("\nThe demo has ended; it leaves nothing behind.")


def welcome(demo: Demo) -> str:
    """What a newcomer reads first: what to open, what to try, how to stop; in the markup of rich."""
    elsewhere = not demo.gateway.endswith(f":{USUAL_PORTS['gateway']}")
    taken = f" (port {USUAL_PORTS['gateway']} is taken)" if elsewhere else ""
    return f"""
[bold]ProConnect gateway: the demo[/]

  [bold]Open[/]  [bold cyan]{demo.gateway}[/]{taken}
        Press the button and choose a person. The old application greets them by
        name, and shows each field that it received.

  [bold]Try[/]   [cyan]{demo.gateway}/public/essais[/]
        All of this and more as a page of links.
        [cyan]{demo.gateway}/private/morbihan/[/]
        A refused agent: be Noémie, from elsewhere; then change account.
        [cyan]{demo.gateway}/private/double/[/]
        A level too low: choose eidas1 at the provider, then eidas1-mfa.
        [cyan]{demo.gateway}/private/dossier?numero=42[/]
        A private user: be Françoise, whom ProConnect refuses.
        [cyan]{demo.gateway}/form[/]
        A lost form: let two hours pass there, then send it. It is not lost.
        [cyan]{demo.gateway}/public/essais#onglets[/]
        Two tabs: sign in in both; each ends on its own page.

  [bold]Stop[/]  Ctrl-C

[dim]Behind it: the old application at {demo.upstream},
the provider at {demo.provider}[/]
"""


def _settings(demo: Demo, registration: Registration) -> Settings:
    text = Template((files("gateway.demo") / "demo.toml").read_text("utf-8")).substitute(
        gateway=demo.gateway,
        issuer=demo.provider,
        upstream=demo.upstream,
        client_id=registration.client_id,
        client_secret=registration.client_secret,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "demo.toml")
        path.write_text(text, "utf-8")
        return load(path, {})


def _bind(port: int) -> socket.socket:
    if not _taken_before_ours(port):
        with suppress(OSError):
            return bind(ListenAddress(_HOST, port))
    return bind(ListenAddress(_HOST, 0))


def _taken_before_ours(port: int) -> bool:
    """Whether a browser that looks for `localhost` finds somebody else, for it asks at `::1` first."""
    try:
        bind(ListenAddress("::1", port)).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


@asynccontextmanager
async def _served(application: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_AT_ONCE)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()
