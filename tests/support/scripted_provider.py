"""An honest provider on loopback whose every message a test can replace, with a journal of what it was asked.

It signs nobody in: a test makes up the authorization response, any code is as good as another.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeAlias

from aiohttp import web
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.oidc.answer import Answer
from tests.support import honest
from tests.support.processes import LOOPBACK

Message: TypeAlias = Answer | Callable[[web.Request], Awaitable[web.StreamResponse]]
"""What an endpoint says instead of the honest thing, or what it does."""

ENDPOINTS = {
    "metadata": "/.well-known/openid-configuration",
    "jwks": "/jwks",
    "token": "/token",
    "userinfo": "/userinfo",
    "pushed": "/par",
}
WAIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as it came."""

    endpoint: str
    method: str
    fields: dict[str, str]
    body: str


@dataclass(slots=True)
class ScriptedProvider:
    """Start it with `async with`; it keeps its port when it is stopped and started again.

    Args:
        signing: the key and the algorithm of ID tokens.
        userinfo_signing: those of userinfo; None for plain JSON.
        keys: what is published.
        id_token: changes to the honest claims of ID tokens.
        userinfo: changes to the honest userinfo claims.
        says: what an endpoint says instead of the honest thing.
    """

    signing: tuple[RSAKey | ECKey | OctKey, str] = (honest.RSA, "RS256")
    userinfo_signing: tuple[RSAKey | ECKey | OctKey, str] | None = (honest.RSA, "RS256")
    keys: tuple[RSAKey | ECKey, ...] = (honest.RSA, honest.EC)
    metadata: dict[str, Any] = field(default_factory=dict)
    id_token: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    says: dict[str, Message] = field(default_factory=dict)
    journal: list[Call] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def issuer(self) -> str:
        """The issuer identifier, with a path like ProConnect's."""
        return f"http://{LOOPBACK}:{self.port}/api/v2"

    @property
    def calls(self) -> Counter[str]:
        """How often each endpoint was asked."""
        return Counter(call.endpoint for call in self.journal)

    async def asked(self, endpoint: str, times: int) -> None:
        """Return once an endpoint has been asked that often."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.calls[endpoint] < times:
                self._asked.clear()
                await self._asked.wait()

    async def start(self) -> None:
        """Listen, on the port of before if there was one."""
        app = web.Application()
        for endpoint, path in ENDPOINTS.items():
            app.router.add_route("*", f"/api/v2{path}", self._handler(endpoint))
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be gone: connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _handler(self, endpoint: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(endpoint, request.method, dict(request.headers), await request.text())
            self.journal.append(call)
            self._asked.set()
            message = self.says.get(endpoint) or self._honest(endpoint)
            return _response(message) if isinstance(message, Answer) else await message(request)

        return handle

    def _honest(self, endpoint: str) -> Answer:
        match endpoint:
            case "metadata":
                return honest.answer(honest.metadata_document(issuer=self.issuer, **self.metadata))
            case "jwks":
                return honest.answer(honest.key_set_document(*self.keys))
            case "token":
                key, alg = self.signing
                claims = honest.id_token_claims(issuer=self.issuer, **self.id_token)
                return honest.answer(honest.token_document(id_token=honest.signed(claims, key=key, alg=alg)))
            case "pushed":
                return honest.answer({"request_uri": honest.REQUEST_URI, "expires_in": 60}, status=201)
            case _:
                claims = honest.userinfo_claims(issuer=self.issuer, **self.userinfo)
                if self.userinfo_signing is None:
                    return honest.answer(claims)
                key, alg = self.userinfo_signing
                return honest.answer(
                    honest.signed(claims, key=key, alg=alg), content_type="application/jwt; charset=utf-8"
                )


def _response(answer: Answer) -> web.Response:
    fields = {"Content-Type": answer.content_type, "Location": "https://attacker.test/"}
    return web.Response(status=answer.status, body=answer.body, headers=fields)
