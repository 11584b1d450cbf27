from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect
from pytest_aiohttp.plugin import AiohttpServer
from yarl import URL

from gateway.demo.upstream import make_upstream
from tests.support.demo_provider import AtProvider, registration

pytestmark = pytest.mark.real


@pytest.fixture
async def callback(aiohttp_server: AiohttpServer) -> URL:
    """A client at an origin of its own, which says what came back."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="code" if "code" in request.query else request.query["error"])

    application = web.Application()
    application.router.add_get("/callback", answer)
    return (await aiohttp_server(application)).make_url("/callback")


@pytest.mark.parametrize(
    "choice, outcome",
    [("button[value=eleonore]", "code"), ("a[href$='/abort/technical']", "server_error")],
    ids=["a person", "a failure"],
)
async def test_a_choice_leads_back_to_the_client_under_the_pages_policy(
    at: AtProvider, chromium: Browser, callback: URL, choice: str, outcome: str
) -> None:
    at.provider.register(registration(redirect_uris=(str(callback),)))
    page = await chromium.new_page()
    url = URL(f"{at.provider.issuer}/authorize").with_query(at.parameters(redirect_uri=str(callback)))
    await page.goto(str(url))
    await page.locator(choice).click()
    await expect(page.locator("body")).to_have_text(outcome)


@pytest.mark.parametrize("width", [1200, 360])
async def test_the_pages_fit_their_window(at: AtProvider, chromium: Browser, width: int) -> None:
    page = await chromium.new_page(viewport={"width": width, "height": 900})
    await page.goto(str(URL(f"{at.provider.issuer}/authorize").with_query(at.parameters())))
    assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_events_and_websocket_work_under_the_applications_policy(
    aiohttp_server: AiohttpServer, chromium: Browser
) -> None:
    server: TestServer = await aiohttp_server(make_upstream())
    page = await chromium.new_page()
    await page.goto(str(server.make_url("/ws")))
    await expect(page.locator("#event")).to_have_text("1 pour personne")
    await expect(page.locator("#state")).to_have_text("ouvert")
    await page.get_by_role("button", name="Envoyer").click()
    await expect(page.locator("#answers")).to_have_text("Ça marche")
    await page.close()
