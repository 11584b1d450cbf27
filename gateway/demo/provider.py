"""A small ProConnect look-alike: the provider of the demo, and of the tests that need an honest one.

A client cannot tell it from ProConnect by its discovery document, its endpoints, their checks and their
answers. What differs is what people see: instead of an e-mail address and an identity provider, a page offers
test people and failures to choose from. This file holds the routes and the server; `provider_browser` and
`provider_tokens` the endpoints, `provider_requests` the checks, `provider_state` the memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.demo.provider_browser import FrontChannel, see_other
from gateway.demo.provider_metadata import metadata
from gateway.demo.provider_pages import STATIC, error_page
from gateway.demo.provider_requests import RedirectedError, Registration, RenderedError, response_url
from gateway.demo.provider_state import PREFIX, Provider
from gateway.demo.provider_tokens import BackChannel

__all__ = ["Provider", "Registration", "issuer_at", "make_provider", "serve"]

CACHED = {"Cache-Control": "public, max-age=600"}

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route: TypeAlias = tuple[str, str, str, Answer]


def issuer_at(port: int) -> str:
    """The issuer of a provider that listens on `port` of this machine."""
    return f"http://localhost:{port}{PREFIX}"


def make_provider(provider: Provider) -> web.Application:
    """The application that serves `provider`; set `provider.issuer` before the first request."""
    application = web.Application(middlewares=[_errors_and_journal(provider)])
    for name, method, path, handler in _routes(provider):
        application.router.add_resource(path, name=name).add_route(method, handler)
    application.router.add_static("/assets", STATIC)
    return application


@asynccontextmanager
async def serve(provider: Provider, *, port: int = 0) -> AsyncIterator[Provider]:
    """Serve on the loopback address while the context lasts, with the issuer set to the port in use.

    Args:
        provider: handed back, its `issuer` set.
        port: 0 lets the operating system choose.

    Raises:
        OSError: the port is taken.
    """
    runner = web.AppRunner(make_provider(provider), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        provider.issuer = issuer_at(runner.addresses[0][1])
        yield provider
    finally:
        await runner.cleanup()


def _routes(provider: Provider) -> list[Route]:
    """Every address, with the name that the journal gives it."""
    browser, client = FrontChannel(provider), BackChannel(provider)

    async def discovery(_: web.Request) -> web.Response:
        return web.json_response(metadata(provider.issuer), headers=CACHED)

    async def jwks(_: web.Request) -> web.Response:
        keys = provider.keys.jwks()
        return web.json_response(keys, content_type="application/jwk-set+json", headers=CACHED)

    return [
        ("home", "GET", "/", browser.home),
        ("issuer", "GET", PREFIX, browser.home),
        ("discovery", "GET", f"{PREFIX}/.well-known/openid-configuration", discovery),
        ("jwks", "GET", f"{PREFIX}/jwks", jwks),
        ("authorize", "GET", f"{PREFIX}/authorize", browser.authorize),
        ("authorize", "POST", f"{PREFIX}/authorize", browser.authorize),
        ("interaction", "GET", f"{PREFIX}/interaction/{{uid}}", browser.choose),
        ("interaction", "POST", f"{PREFIX}/interaction/{{uid}}", browser.sign_in),
        ("abort", "GET", f"{PREFIX}/interaction/{{uid}}/abort/{{name}}", browser.abort),
        ("token", "POST", f"{PREFIX}/token", client.token),
        ("userinfo", "GET", f"{PREFIX}/userinfo", client.userinfo),
        ("userinfo", "POST", f"{PREFIX}/userinfo", client.userinfo),
        ("revocation", "POST", f"{PREFIX}/token/revocation", client.revocation),
        ("introspection", "POST", f"{PREFIX}/token/introspection", client.introspection),
        ("end_session", "GET", f"{PREFIX}/session/end", browser.end_session),
    ]


def _errors_and_journal(provider: Provider) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/assets/"):
            resource = request.match_info.route.resource
            provider.journal.append((resource.name or "" if resource else "unknown", request.method))
        try:
            return await handler(request)
        except RenderedError as error:
            return error_page(error.code, status=error.status, detail=error.detail)
        except RedirectedError as error:
            response = {**error.response, "iss": provider.issuer}
            return see_other(response_url(error.redirect_uri, response, separator=error.separator))
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return error_page("Y000404", status=404)

    return middleware
