"""The steps that the stories in tests/flows share: a gateway between the engine and the old application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.demo.upstream import make_upstream
from tests.support.gateway import RunningGateway, Wanted, running_gateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.page import Page
from tests.support.serving import served


@asynccontextmanager
async def gateway_before(
    engine: OIDCEngine, alg: str = "RS256", **wanted: Any
) -> AsyncIterator[RunningGateway]:
    """The gateway between the engine and the old application, its client registered.

    Args:
        engine: the provider.
        alg: which of its clients.
        wanted: further parts of `Wanted`.
    """
    async with (
        served(make_upstream()) as upstream,
        running_gateway(
            Wanted(issuer=engine.issuer, client=CLIENTS[alg], upstream=upstream, **wanted)
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
