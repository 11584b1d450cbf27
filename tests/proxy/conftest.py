"""A gateway of a few lines around one Upstream: what `proxy` does, without sessions and policy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web

from gateway.errors import GatewayError
from gateway.proxy.fields import Forwarded, OwnCookies, Reserved, request_fields
from gateway.proxy.framing import check_request
from gateway.proxy.limits import Limits
from gateway.proxy.relay import RelayedAnswer
from gateway.proxy.server import Bounds, FrontServer
from gateway.proxy.streams import Streams
from gateway.proxy.target import read_address, read_target
from gateway.proxy.upstream import Upstream
from tests.proxy.certificates import Authority
from tests.support.processes import LOOPBACK
from tests.support.raw import WAIT_SECONDS, RawConnection, connect

RESERVED = Reserved(names=frozenset({"remote-user"}), prefixes=("x-proconnect-",))
OWN_COOKIES = OwnCookies(names=frozenset({b"__Host-gateway"}), prefixes=(b"__Host-gateway-",))
BOUNDS = Bounds()
ALICE = ((b"Remote-User", b"alice@a.test"), (b"X-ProConnect-Email", b"alice@a.test"))


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the gateway runs on."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Front:
    """A gateway in this process.

    Args:
        upstream: what it forwards to.
        port: where it listens.
        streams: what is open for long.
        answers: what `forward` returned.
        errors: what `forward` raised.
    """

    upstream: Upstream
    streams: Streams
    port: int = 0
    answers: list[RelayedAnswer] = field(default_factory=list)
    errors: list[GatewayError] = field(default_factory=list)
    _ending: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """What `web.gate` does for a signed-in person, and `web.middlewares` for an error."""
        try:
            framing = check_request(request)
            host = request.headers["Host"]
            answer = await self.upstream.forward(
                request,
                framing=framing,
                target=read_target(request.raw_path, method=request.method, host=host),
                fields=request_fields(
                    request.raw_headers,
                    forwarded=Forwarded("127.0.0.1", "https", host),
                    identity=ALICE,
                    reserved=RESERVED,
                    own_cookies=OWN_COOKIES,
                    request_id="r1",
                ),
                own_cookies=OWN_COOKIES,
                private=False,
                session="alice",
            )
        except GatewayError as error:
            self.errors.append(error)
            refusal = web.Response(status=error.status, text=error.fault.value)
            refusal.force_close()
            return refusal
        else:
            self.answers.append(answer)
            return answer
        finally:
            async with self._ending:
                self._ending.notify_all()

    async def done(self, count: int = 1) -> None:
        """Wait until that many requests have ended."""
        async with asyncio.timeout(WAIT_SECONDS), self._ending:
            await self._ending.wait_for(lambda: len(self.answers) + len(self.errors) >= count)

    async def quiet(self) -> None:
        """Wait until nothing is open for long any more."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.streams):
                await asyncio.sleep(0.01)

    async def connect(self, **how: Any) -> RawConnection:
        """A browser's connection to it."""
        return await connect(self.port, **how)

    async def ask(self, request: bytes) -> bytes:
        """One request over a connection of its own; the whole answer."""
        async with await connect(self.port) as browser:
            await browser.send(request)
            return await browser.read_message()


Running = Callable[..., Awaitable[Front]]


@asynccontextmanager
async def _running(front: Front, tls: ssl.SSLContext | None, bounds: Bounds) -> AsyncIterator[Front]:
    server = FrontServer(front.handle, bounds=bounds)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, 0, ssl_context=tls)
        await site.start()
        front.port = runner.addresses[0][1]
        yield front
    finally:
        front.streams.cut_all()
        await front.upstream.close()
        await runner.cleanup()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority that nobody knows yet."""
    return Authority(tmp_path)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    """Starts a gateway before an upstream, with the Limits that are named."""
    started: list[Any] = []

    async def start(
        *urls: str,
        tls: ssl.SSLContext | None = None,
        front_tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        bounds: Bounds = BOUNDS,
        **limits: Any,
    ) -> Front:
        streams = Streams()
        upstream = Upstream(
            *map(read_address, urls),
            limits=Limits(**limits),
            tls=tls,
            server_name=server_name,
            streams=streams,
        )
        context = _running(Front(upstream, streams), front_tls, bounds)
        started.append(context)
        front: Front = await context.__aenter__()
        return front

    yield start
    for context in reversed(started):
        await context.__aexit__(None, None, None)
