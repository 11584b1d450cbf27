"""The steps that the stories in tests/flows share: a gateway between a provider and an application.

The provider is the engine, or the demo's own where a story is about the gateway alone. The application is the
old one, or an upstream that keeps each octet it gets.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from multidict import CIMultiDict

from gateway.demo.provider import Provider, Registration, serve
from gateway.demo.provider_keys import KeyPair
from gateway.demo.upstream import make_upstream
from tests.support.gateway import RunningGateway, Wanted, running_gateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.page import Page
from tests.support.raw import Answer, RawUpstream, connect
from tests.support.serving import served

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
"""An upstream's answer that says nothing about caches and sets no cookie."""

PROBE = "/open-to-everybody"
_PROBE_ROUTE = f'[[apps.routes]]\npath = "{PROBE}"\naccess = "public"\n'


@asynccontextmanager
async def gateway_before(
    engine: OIDCEngine, alg: str = "RS256", **wanted: Any
) -> AsyncIterator[RunningGateway]:
    """The gateway between the engine and the old application, its client registered.

    Args:
        engine: the provider.
        alg: which of its clients.
        wanted: further parts of `Wanted`; another `upstream` among them, if there is one.
    """
    async with (
        served(make_upstream()) as upstream,
        running_gateway(
            Wanted(issuer=engine.issuer, client=CLIENTS[alg], **{"upstream": upstream, **wanted})
        ) as gateway,
    ):
        engine.register(
            CLIENTS[alg],
            redirect_uris=[gateway.redirect_uri],
            post_logout_redirect_uris=[gateway.post_logout_redirect_uri],
        )
        yield gateway


async def sign_in(browser: HTTPBrowser, url: str, person: str) -> Page:
    """Open a page, follow the button, choose a person, and arrive."""
    page = await browser.navigate(url)
    assert page.status == 401
    page = await browser.follow(await browser.click(page, "S'identifier avec ProConnect"))
    return await browser.follow(await browser.submit(page, press=person))


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer as it came over a socket.

    Args:
        status: its status code.
        fields: its fields.
        body: its body, still chunked if it is.
        octets: all of it.
    """

    status: int
    fields: CIMultiDict[str]
    body: bytes
    octets: bytes

    @classmethod
    def read(cls, octets: bytes) -> Answered:
        """Read an answer."""
        head, _, body = octets.partition(b"\r\n\r\n")
        return cls(int(head.split(b" ", 2)[1]), CIMultiDict(fields_of(octets)), body, octets)


def fields_of(message: bytes) -> list[tuple[str, str]]:
    """The fields of a message, in order."""
    lines = message.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def target_of(request: bytes) -> bytes:
    """The target of a request."""
    return request.split(b" ", 2)[1]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Wire:
    """A gateway before an upstream that keeps what it gets; a test writes the browser's octets itself.

    Args:
        gateway: the gateway.
        upstream: the upstream.
        provider: the provider.
        browser: somebody's browser, for signing in.
    """

    gateway: RunningGateway
    upstream: RawUpstream
    provider: Provider
    browser: HTTPBrowser

    @property
    def host(self) -> str:
        """The `Host` of the first app."""
        return f"localhost:{self.gateway.port}"

    @property
    def cookie(self) -> str:
        """The session's cookie as a field, to write on the wire."""
        return f"Cookie: gateway={self.browser.cookies(self.gateway.url)['gateway']}"

    async def sign_in(self, person: str = "eleonore") -> None:
        """Sign in with the browser; what the upstream saw of it is forgotten."""
        page = await sign_in(self.browser, f"{self.gateway.url}/", person)
        assert page.status == 200
        self.upstream.requests.clear()

    async def ask(
        self, method: str, target: str, *fields: str, host: str | None = None, body: str = ""
    ) -> Answered:
        """Send one request over a connection of its own, octet by octet as given.

        Args:
            method: the method.
            target: the request target.
            fields: further field lines, `Host` being there.
            host: another `Host`.
            body: what follows the head.
        """
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or self.host}", *fields, "", body]
        return await self.send("\r\n".join(lines).encode("latin-1"))

    async def send(self, octets: bytes) -> Answered:
        """Send octets over a connection of their own, and read one answer."""
        async with await connect(self.gateway.port) as connection:
            await connection.send(octets)
            if octets.startswith(b"HEAD "):
                return Answered.read(await connection.read_until(b"\r\n\r\n"))
            return Answered.read(await connection.read_message())

    async def nothing_went_up(self) -> None:
        """Check that no octet and no connection has reached the upstream: a request now is its first."""
        assert (await self.ask("GET", PROBE)).status == 200
        assert [target_of(request) for request in self.upstream.requests] == [PROBE.encode()]
        assert (self.upstream.connections, self.upstream.unfinished) == (1, [])


@asynccontextmanager
async def on_the_wire(*answers: Answer, **wanted: Any) -> AsyncIterator[Wire]:
    """A gateway between the demo's provider and a raw upstream; `PROBE` is public whatever else is.

    Args:
        answers: the upstream's; by default `OK`.
        wanted: further parts of `Wanted`.
    """
    routes = _PROBE_ROUTE + wanted.pop("routes", "")
    async with (
        RawUpstream(*(answers or (OK,))) as upstream,
        gateway_at_demo(upstream.url, routes=routes, **wanted) as (gateway, provider),
        HTTPBrowser() as browser,
    ):
        yield Wire(gateway=gateway, upstream=upstream, provider=provider, browser=browser)


@asynccontextmanager
async def gateway_at_demo(upstream: str, **wanted: Any) -> AsyncIterator[tuple[RunningGateway, Provider]]:
    """A gateway whose provider is the demo's, its client registered at `localhost` and at `other.localhost`.

    Args:
        upstream: the application's URL.
        wanted: further parts of `Wanted`.
    """
    client = CLIENTS["RS256"]
    async with (
        serve(Provider(keys=_keys())) as provider,
        running_gateway(
            Wanted(issuer=provider.issuer, client=client, upstream=upstream, **wanted)
        ) as gateway,
    ):
        elsewhere = f"http://other.localhost:{gateway.port}/_gateway/callback"
        provider.register(
            Registration(
                client_id=client.client_id,
                client_secret=client.client_secret,
                redirect_uris=(gateway.redirect_uri, elsewhere),
                post_logout_redirect_uris=(gateway.post_logout_redirect_uri,),
            )
        )
        yield gateway, provider


@cache
def _keys() -> KeyPair:
    """Made once: RSA keys take their time."""
    return KeyPair.generate()
