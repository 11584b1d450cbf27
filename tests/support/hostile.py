"""The demo's provider with one of its messages altered; what can be altered is in tests.support.alterations.

Everything that is not altered stays honest, so that whatever is refused was refused for that one reason.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from gateway.demo.provider import Provider, issuer_at, make_provider
from gateway.demo.provider_keys import KeyPair
from tests.support.processes import LOOPBACK
from tests.support.unsaid import Unsaid

Wire: TypeAlias = Callable[[asyncio.Transport], Awaitable[None]]
"""Writes octets in place of an answer, as they are and as slowly as it likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer as it leaves the provider.

    Args:
        status: the status code.
        content_type: the whole field.
        body: the content.
        location: where to go instead.
        fields: further fields.
        ends: "stalled" never comes, "cut" loses its connection.
        wire: writes the octets, whatever all else says; the connection is closed then.
    """

    status: int
    content_type: str
    body: bytes
    location: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    ends: Literal["whole", "stalled", "cut"] = "whole"
    wire: Wire | None = None


@dataclass(frozen=True, slots=True)
class Alteration:
    """What becomes of the answers of one endpoint, which is named as in the provider's journal."""

    endpoint: str
    change: Callable[[Said, Hostile], Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that reached a provider: the endpoint's name, its fields, and its query or form."""

    endpoint: str
    method: str
    fields: Mapping[str, str]
    parameters: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Hostile:
    """The provider, its keys, and what is altered now.

    Args:
        memory: the demo provider's; its journal tells what was asked.
        keys: what it signs with, private parts included.
        attacker: an origin where nobody of this story has any business.
        unsaid: learns each secret that passes.
        origins: further origins where nobody has business, by what is wrong with them.
        base: what is altered from the start, and stays so.
        altered: by endpoint, what does not say the honest thing.
        journal: each request.
    """

    memory: Provider
    keys: KeyPair
    attacker: str
    unsaid: Unsaid
    origins: Mapping[str, str] = field(default_factory=dict)
    base: tuple[Alteration, ...] = ()
    altered: dict[str, Alteration] = field(default_factory=dict)
    journal: list[Call] = field(default_factory=list)
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

    def reset(self) -> None:
        """Be as from the start, and forget what was asked; whoever waits for an answer gets none."""
        self.altered = {alteration.endpoint: alteration for alteration in self.base}
        self.memory.journal.clear()
        self.journal.clear()
        self._released.set()
        self._released = asyncio.Event()

    def application(self) -> web.Application:
        """What serves it; its `memory.issuer` is to be set."""
        application = make_provider(self.memory)
        application.middlewares.insert(0, _altering(self))
        return application

    async def start(self, *, port: int = 0) -> None:
        """Listen; a provider that has listened before keeps its issuer, whatever `port` says."""
        self._released.clear()
        self._runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.1)
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
        if said.wire is not None and request.transport is not None:
            transport = request.transport
            await said.wire(transport)
            transport.close()
        if said.ends == "cut" and request.transport is not None:
            request.transport.abort()
        if said.ends == "stalled":
            await self._released.wait()
            if request.transport is not None:
                request.transport.abort()
        fields = {"Content-Type": said.content_type, **said.fields}
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
        form = dict(parse_qsl(await request.text())) if request.method == "POST" else {}
        _learn_request(provider.unsaid, request, form)
        resource = request.match_info.route.resource
        endpoint = resource.name or "" if resource else ""
        provider.journal.append(
            Call(
                endpoint=endpoint,
                method=request.method,
                fields=dict(request.headers),
                parameters=form or dict(request.query),
            )
        )
        if not isinstance(answer, web.Response):
            return answer
        body = answer.body if isinstance(answer.body, bytes) else b""
        _learn_answer(provider.unsaid, answer.content_type, body)
        alteration = provider.altered.get(endpoint)
        if alteration is None:
            return answer
        content_type = answer.headers.get("Content-Type", "")
        honestly = Said(status=answer.status, content_type=content_type, body=body)
        return await provider.send(request, alteration.change(honestly, provider))

    return middleware


def _learn_request(unsaid: Unsaid, request: web.Request, form: Mapping[str, str]) -> None:
    unsaid.add_members(request.query)
    unsaid.add_members(form)
    unsaid.add("access token", request.headers.get("Authorization", "").partition(" ")[2])


def _learn_answer(unsaid: Unsaid, media_type: str, body: bytes) -> None:
    if media_type == "application/jwt":
        unsaid.add("userinfo", body.decode())
    elif media_type == "application/json":
        unsaid.add_members(json.loads(body))
