"""The demo: a provider, an old application and the gateway between them, in one process on loopback."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

import uvloop
from aiohttp import web
from rich.console import Console
from rich.panel import Panel

from gateway.app import open_gateway
from gateway.demo.people import PEOPLE
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


@dataclass(frozen=True, slots=True)
class Demo:
    """Where a running demo answers."""

    gateway: str
    provider: str
    upstream: str
    observe: str


@asynccontextmanager
async def running_demo() -> AsyncIterator[Demo]:
    """Start all three on the usual ports, or on free ones where these are taken, until the block ends."""
    sockets = {name: _bind(port) for name, port in USUAL_PORTS.items()}
    ports = {name: listening.getsockname()[1] for name, listening in sockets.items()}
    gateway_url = f"http://localhost:{ports['gateway']}"
    upstream_url = f"http://{_HOST}:{ports['upstream']}"
    registration = Registration(
        client_id=_CLIENT_ID,
        client_secret=secrets.token_hex(32),
        redirect_uris=(f"{gateway_url}/_gateway/callback",),
        post_logout_redirect_uris=(f"{gateway_url}/_gateway/signed-out",),
    )
    provider = Provider([registration])
    provider.issuer = issuer_at(ports["provider"])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_served(make_provider(provider), sockets["provider"]))
        await stack.enter_async_context(_served(make_upstream(), sockets["upstream"]))
        settings = _settings(registration, gateway=gateway_url, issuer=provider.issuer, upstream=upstream_url)
        gateway = await stack.enter_async_context(open_gateway(settings))
        await stack.enter_async_context(
            serving(gateway, front=sockets["gateway"], observe=sockets["observe"], drain=1)
        )
        yield Demo(gateway_url, provider.issuer, upstream_url, f"http://{_HOST}:{ports['observe']}")


def run_demo() -> None:
    """Start the demo, say what to open, and end on Ctrl-C."""
    set_up_log(form=LogFormat.CONSOLE, level="info")
    uvloop.run(_until_interrupted())


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_demo() as demo:
        Console().print(Panel(_welcome(demo), title="ProConnect gateway: demo", expand=False, padding=(1, 2)))
        await stop.wait()


def _welcome(demo: Demo) -> str:
    people = "\n".join(f"  {person.given_name} {person.usual_name}, {person.email}" for person in PEOPLE)
    return (
        f"Open   [bold]{demo.gateway}[/]   and sign in as one of\n\n{people}\n\n"
        f"Try      {demo.gateway}/private/dossier?numero=42   a page deep inside\n"
        f"         {demo.gateway}/public/                     open to everybody\n"
        f"         {demo.gateway}/admin/                      refused to everybody\n"
        f"         {demo.gateway}/_gateway/whoami             your session\n"
        f"Behind   {demo.upstream}   the old application, which nobody should reach but the gateway\n"
        f"         {demo.provider}   the provider\n"
        f"         {demo.observe}/ready\n\n"
        "Ctrl-C ends it."
    )


def _settings(registration: Registration, *, gateway: str, issuer: str, upstream: str) -> Settings:
    text = Template((files("gateway.demo") / "demo.toml").read_text("utf-8")).substitute(
        gateway=gateway,
        issuer=issuer,
        upstream=upstream,
        client_id=registration.client_id,
        client_secret=registration.client_secret,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "demo.toml")
        path.write_text(text, "utf-8")
        return load(path, {})


def _bind(port: int) -> socket.socket:
    try:
        return bind(ListenAddress(_HOST, port))
    except OSError:
        return bind(ListenAddress(_HOST, 0))


@asynccontextmanager
async def _served(application: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()
