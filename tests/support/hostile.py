"""The demo's provider with one of its messages altered; what can be altered is in tests.support.alterations.

Everything that is not altered stays honest, so that whatever is refused was refused for that one reason.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from gateway.demo.provider import Provider, issuer_at, make_provider
from gateway.demo.provider_keys import KeyPair
from tests.support.processes import LOOPBACK
from tests.support.unsaid import Unsaid


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer as it leaves the provider.

    Args:
        status: the status code.
        content_type: the whole field.
        body: the content.
        location: where to go instead.
        ends: "stalled" never comes, "cut" loses its connection.
    """

    status: int
    content_type: str
    body: bytes
    location: str | None = None
    ends: Literal["whole", "stalled", "cut"] = "whole"


@dataclass(frozen=True, slots=True)
class Alteration:
    """What becomes of the answers of one endpoint, which is named as in the provider's journal."""

    endpoint: str
    change: Callable[[Said, Hostile], Said]


@dataclass(slots=True, kw_only=True)
class Hostile:
    """The provider, its keys, and what is altered now.

    Args:
        memory: the demo provider's; its journal tells what was asked.
        keys: what it signs with, private parts included.
        attacker: an origin where nobody of this story has any business.
        unsaid: learns each secret that passes.
        altered: by endpoint, what does not say the honest thing.
    """

    memory: Provider
    keys: KeyPair
    attacker: str
    unsaid: Unsaid
    altered: dict[str, Alteration] = field(default_factory=dict)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.memory.issuer

    def alter(self, *alterations: Alteration) -> None:
        """Say something else from now on."""
        self.altered |= {alteration.endpoint: alteration for alteration in alterations}

    def calls(self, endpoint: str) -> int:
        """How often an endpoint was asked."""
        return sum(name == endpoint for name, _ in self.memory.journal)

    async def start(self, *, port: int = 0) -> None:
        """Listen; a provider that has listened before keeps its issuer, whatever `port` says."""
        application = make_provider(self.memory)
        application.middlewares.insert(0, _altering(self))
        self._released.clear()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, URL(self.issuer).port if self.issuer else port).start()
        self.memory.issuer = issuer_at(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Be gone: connections are refused."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def send(self, request: web.Request, said: Said) -> web.Response:
        """Send an answer, as far as it goes."""
        if said.ends == "cut" and request.transport is not None:
            request.transport.abort()
        if said.ends == "stalled":
            await self._released.wait()
        fields = {"Content-Type": said.content_type}
        if said.location is not None:
            fields["Location"] = said.location
        return web.Response(status=said.status, body=said.body, headers=fields)


@asynccontextmanager
async def hostile_provider(
    memory: Provider, keys: KeyPair, *, attacker: str, unsaid: Unsaid
) -> AsyncIterator[Hostile]:
    """A provider on a free port, honest until it is told otherwise."""
    provider = Hostile(memory=memory, keys=keys, attacker=attacker, unsaid=unsaid)
    await provider.start()
    try:
        yield provider
    finally:
        await provider.stop()


def _altering(provider: Hostile) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        # Only now: the handler looks at the body as it comes, and reads nothing that was read before.
        await _learn_request(provider.unsaid, request)
        if not isinstance(answer, web.Response):
            return answer
        body = answer.body if isinstance(answer.body, bytes) else b""
        _learn_answer(provider.unsaid, answer.content_type, body)
        resource = request.match_info.route.resource
        alteration = provider.altered.get(resource.name or "") if resource else None
        if alteration is None:
            return answer
        content_type = answer.headers.get("Content-Type", "")
        honestly = Said(status=answer.status, content_type=content_type, body=body)
        return await provider.send(request, alteration.change(honestly, provider))

    return middleware


async def _learn_request(unsaid: Unsaid, request: web.Request) -> None:
    unsaid.add_members(request.query)
    unsaid.add("access token", request.headers.get("Authorization", "").partition(" ")[2])
    if request.method == "POST":
        unsaid.add_members(dict(parse_qsl(await request.text())))


def _learn_answer(unsaid: Unsaid, media_type: str, body: bytes) -> None:
    if media_type == "application/jwt":
        unsaid.add("userinfo", body.decode())
    elif media_type == "application/json":
        unsaid.add_members(json.loads(body))
