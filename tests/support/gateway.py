"""A gateway on free loopback ports: in this process, or as processes of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

import aiohttp
from structlog.testing import capture_logs

from gateway.adapters import now
from gateway.app import open_gateway
from gateway.serve import bind, serving
from gateway.settings.load import load
from gateway.settings.model import Settings
from gateway.settings.urls import ListenAddress
from tests.support.oidc_engine import Client
from tests.support.processes import LOOPBACK, Program, free_port
from tests.support.unsaid import all_logging, as_lines
from tests.support.watch import watching

GATEWAY_SECRET = "a secret of the tests that is long enough to seal with"
STARTS_WITHIN = 30.0
WAIT_SECONDS = 15.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a test sets of a gateway; all else is as an administrator would have it.

    Args:
        issuer: the provider's.
        client: as registered there.
        upstream: the application's URL.
        host: what browsers call the gateway.
        store: the session store's URL.
        app: further lines of the app's section.
        secret: the gateway's; several lines, newest first.
        provider: further lines of the provider's section.
        routes: the app's routes.
        gateway: further lines of the gateway's section.
        sessions: further lines of the sessions' section.
        profile: the provider's.
        more: further sections.
    """

    issuer: str
    client: Client
    upstream: str
    host: str = "localhost"
    store: str = "memory:"
    app: str = ""
    secret: str = GATEWAY_SECRET
    provider: str = ""
    routes: str = ""
    gateway: str = ""
    sessions: str = ""
    profile: str = "proconnect"
    more: str = ""

    def toml(self, *, url: str, front: str, observe: str) -> str:
        """The settings file."""
        return f"""
[gateway]
public_url = "{url}"
listen = "{front}"
secret = "{self.secret}"
{self.gateway}
[provider]
profile = "{self.profile}"
{'environment = "integration"' if self.profile == "proconnect" else ""}
issuer = "{self.issuer}"
danger_http_issuer = true
client_id = "{self.client.client_id}"
client_secret = "{self.client.client_secret}"
id_token_signed_response_alg = "{self.client.id_token_signed_response_alg}"
userinfo_signed_response_alg = "{self.client.userinfo_signed_response_alg or "none"}"
{self.provider}
[sessions]
store = "{self.store}"
{self.sessions}
[[apps]]
name = "app"
upstream = "{self.upstream}"
{self.app}
{self.routes}
[observe]
listen = "{observe}"
{self.more}
"""


class WritesSettings(Protocol):
    """Whatever can write a settings file for a gateway."""

    @property
    def host(self) -> str:
        """What browsers call the gateway."""

    def toml(self, *, url: str, front: str, observe: str) -> str:
        """The settings file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningGateway:
    """A gateway that answers.

    Args:
        url: where browsers reach it.
        port: its port on 127.0.0.1.
        observe: its second address.
        lines: what it has logged, when it runs in this process.
    """

    url: str
    port: int
    observe: str
    lines: list[Any]

    @property
    def redirect_uri(self) -> str:
        """The redirect URI to register."""
        return f"{self.url}/_gateway/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        """The post-logout redirect URI to register."""
        return f"{self.url}/_gateway/signed-out"

    def audited(self) -> list[Any]:
        """The audit events so far."""
        return [line for line in self.lines if line.get("audit")]

    async def ready(self) -> tuple[int, dict[str, str]]:
        """What the second address says of the gateway: the status, and what is wrong."""
        async with aiohttp.ClientSession() as client, client.get(f"{self.observe}/ready") as answer:
            return answer.status, (await answer.json())["faults"]

    async def metrics(self) -> str:
        """What the second address counts."""
        async with aiohttp.ClientSession() as client, client.get(f"{self.observe}/metrics") as answer:
            return await answer.text()

    async def until_ready(self, status: int = 200) -> None:
        """Wait until `ready` has that status.

        Raises:
            TimeoutError: it takes longer than it may.
        """
        async with asyncio.timeout(WAIT_SECONDS):
            while (await self.ready())[0] != status:
                await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def running_gateway(wanted: Wanted, *, clock: Callable[[], int] = now) -> AsyncIterator[RunningGateway]:
    """Run a gateway in this process until the block ends.

    Args:
        wanted: its settings.
        clock: Unix seconds.
    """
    front, observe = (bind(ListenAddress(LOOPBACK, 0)) for _ in range(2))
    ports = [listening.getsockname()[1] for listening in (front, observe)]
    url = f"http://{wanted.host}:{ports[0]}"
    addresses = [f"{LOOPBACK}:{port}" for port in ports]
    settings = _load(wanted.toml(url=url, front=addresses[0], observe=addresses[1]))
    running = RunningGateway(url=url, port=ports[0], observe=f"http://{addresses[1]}", lines=[])
    with watching() as watch, all_logging() as debugged, capture_logs() as lines:
        watch.learn("client secret", wanted.client.client_secret)
        watch.learn("gateway's secret", wanted.secret)
        running = replace(running, lines=lines)
        async with (
            open_gateway(settings, clock=clock) as gateway,
            serving(gateway, front=front, observe=observe, drain=1),
        ):
            yield running
            watch.look_at("metrics", [await running.metrics()])
    watch.look_at("log", [*debugged, *as_lines(lines)])
    watch.check(url)
    surprises = [line for line in lines if line["event"] == "unexpected"]
    assert not surprises, surprises


def _load(toml: str) -> Settings:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "gateway.toml")
        path.write_text(toml, "utf-8")
        return load(path, {})


@contextmanager
def gateway_process(
    wanted: WritesSettings,
    folder: Path,
    *,
    port: int | None = None,
    public_url: str | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[tuple[RunningGateway, Program]]:
    """Run `proconnect-gateway run` until the block ends.

    Args:
        wanted: its settings.
        folder: where its settings file goes.
        port: where it listens; a free one by default.
        public_url: what browsers call it, when that is not its own port.
        arguments: further ones of the command.
    """
    front, second = port or free_port(), free_port()
    url = public_url or f"http://{wanted.host}:{front}"
    path = folder / f"gateway-{front}.toml"
    addresses = [f"{LOOPBACK}:{front}", f"{LOOPBACK}:{second}"]
    path.write_text(wanted.toml(url=url, front=addresses[0], observe=addresses[1]), "utf-8")
    running = RunningGateway(url=url, port=front, observe=f"http://{addresses[1]}", lines=[])
    with (
        watching() as watch,
        Program([sys.executable, "-m", "gateway", "run", "--config", str(path), *arguments]) as program,
    ):
        program.line('"serving"', seconds=STARTS_WITHIN)
        yield running, program
        with suppress(OSError):  # of a process that the test has ended, there is nothing to read
            watch.look_at_process(program.pid)
            with urlopen(f"{running.observe}/metrics", timeout=WAIT_SECONDS) as answer:  # noqa: S310 - ours
                watch.look_at("metrics", [answer.read().decode()])
    for section in tomllib.loads(path.read_text("utf-8")).values():
        for name, value in section.items() if isinstance(section, dict) else ():
            if "secret" in name and isinstance(value, str):
                watch.learn(name, value)
    watch.look_at("log", [*program.stdout, *program.stderr])
    watch.check(url)


def json_lines(program: Program) -> list[dict[str, Any]]:
    """What a gateway's process has logged."""
    return [json.loads(line) for line in program.stdout if line.startswith("{")]
