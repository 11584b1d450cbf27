"""The demo's provider with one of its messages altered: a hostile case is an Alteration, made in one line.

Everything that is not altered stays honest, so that whatever is refused was refused for that one reason.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.demo.provider import Provider, issuer_at, make_provider
from gateway.demo.provider_keys import KeyPair
from tests.support import honest
from tests.support.honest import ABSENT
from tests.support.processes import LOOPBACK
from tests.support.unsaid import Unsaid

__all__ = [
    "ABSENT",
    "CUT",
    "STALLED",
    "Alteration",
    "Hostile",
    "Said",
    "document",
    "hostile_provider",
    "id_token",
    "members",
    "says",
    "userinfo_jwt",
]

Key: TypeAlias = RSAKey | ECKey | OctKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer as it leaves the provider.

    Args:
        status: the status code.
        content_type: the whole field.
        body: the content.
        fields: further fields.
        ends: "whole"; "stalled" never comes to its end, "cut" loses its connection before it begins.
    """

    status: int
    content_type: str
    body: bytes
    fields: tuple[tuple[str, str], ...] = ()
    ends: str = "whole"

    def with_json(self, content: object) -> Said:
        """The same answer with another JSON body."""
        return replace(self, body=honest.octets(content))


@dataclass(frozen=True, slots=True)
class Alteration:
    """What becomes of the answers of one endpoint (named as in the provider's journal)."""

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
        altered: the endpoints that do not say the honest thing.
    """

    memory: Provider
    keys: KeyPair
    attacker: str
    unsaid: Unsaid
    altered: dict[str, Alteration] = field(default_factory=dict)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    def alter(self, *alterations: Alteration) -> None:
        """Say something else from now on."""
        self.altered |= {alteration.endpoint: alteration for alteration in alterations}

    def calls(self, endpoint: str) -> int:
        """How often an endpoint was asked."""
        return sum(name == endpoint for name, _ in self.memory.journal)

    async def start(self, port: int = 0) -> None:
        """Listen; afterwards a `stop` and a `start` keep the issuer, the keys and the memory."""
        application = make_provider(self.memory)
        application.middlewares.insert(0, _altering(self))
        self._released.clear()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        known = int(self.memory.issuer.split(":")[2].split("/")[0]) if self.memory.issuer else port
        await web.TCPSite(self._runner, LOOPBACK, known).start()
        self.memory.issuer = issuer_at(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Be gone: connections are refused."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def say(self, request: web.Request, said: Said) -> web.StreamResponse:
        """Send an answer, as far as it goes."""
        if said.ends == "cut" and request.transport is not None:
            request.transport.abort()
        if said.ends == "stalled":
            await self._released.wait()
        answer = web.Response(status=said.status, body=said.body, headers={"Content-Type": said.content_type})
        answer.headers.extend(said.fields)
        return answer


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


def _altering(provider: Hostile) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        await _learn(provider.unsaid, request)
        answer = await handler(request)
        resource = request.match_info.route.resource
        alteration = provider.altered.get((resource.name or "") if resource else "")
        if not isinstance(answer, web.Response):
            return answer
        _learn_answer(provider.unsaid, answer)
        if alteration is None:
            return answer
        honestly = Said(
            status=answer.status,
            content_type=answer.headers.get("Content-Type", ""),
            body=answer.body if isinstance(answer.body, bytes) else b"",
        )
        return await provider.say(request, alteration.change(honestly, provider))

    return middleware


async def _learn(unsaid: Unsaid, request: web.Request) -> None:
    unsaid.add_members(request.query)
    unsaid.add("access token", request.headers.get("Authorization", "").partition(" ")[2])
    if request.method == "POST":
        unsaid.add_members(dict(parse_qsl(await request.text())))


def _learn_answer(unsaid: Unsaid, answer: web.Response) -> None:
    text = answer.body.decode("latin-1") if isinstance(answer.body, bytes) else ""
    if answer.content_type == "application/jwt":
        unsaid.add("userinfo", text)
    elif answer.content_type == "application/json":
        unsaid.add_members(json.loads(text))


def document(**changes: Any) -> Alteration:
    """The discovery document, members changed or, as ABSENT, left out."""
    return members("discovery", **changes)


def members(endpoint: str, **changes: Any) -> Alteration:
    """A JSON answer with members changed or, as ABSENT, left out; a function gets the honest value."""
    return Alteration(endpoint, lambda said, _: said.with_json(_changed(json.loads(said.body), changes)))


def says(endpoint: str, body: object = b"", **changes: Any) -> Alteration:
    """Another body (octets, text, or anything else as JSON), and `status`, `content_type`, `fields`."""

    def change(said: Said, provider: Hostile) -> Said:
        filled = {
            name: value(provider) if callable(value) else value for name, value in {**changes, "body": body}.items()
        }
        return replace(said, **{**filled, "body": honest.octets(filled["body"])})

    return Alteration(endpoint, change)


def STALLED(endpoint: str) -> Alteration:  # noqa: N802 - reads as the state that it is
    """An endpoint that never answers."""
    return says(endpoint, ends="stalled")


def CUT(endpoint: str) -> Alteration:  # noqa: N802 - as above
    """An endpoint that drops the connection."""
    return says(endpoint, ends="cut")
