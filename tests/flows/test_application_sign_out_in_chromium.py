"""An old application's own way out, pressed in a real browser: nobody is signed in anywhere afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from gateway.web.languages import LOCALES
from tests.support.flows import gateway_before
from tests.support.gateway import RunningGateway
from tests.support.oidc_engine import OIDCEngine
from tests.support.person import OFFICIAL_BUTTON, SESSION_COOKIE, Person, heading, sign_in, sitting_at
from tests.support.serving import served

pytestmark = pytest.mark.real

SIGNED_OUT: Final = LOCALES["fr"]["signed_out"]
WIDTHS: Final = (1280, 320)
APP: Final = 'service_name = "Démarches"\nsign_out_paths = ["/logout"]'
HOME: Final = """<!doctype html><html lang="fr"><title>Démarches</title><link rel="icon" href="data:,">
<h1>Vos démarches</h1>
<a href="/logout">Quitter</a>
<form method="post" action="/logout"><button>Se déconnecter</button></form>"""
OWN_COOKIE: Final = "PHPSESSID"


async def home(_request: web.Request) -> web.Response:
    """The page with the ways out."""
    response = web.Response(text=HOME, content_type="text/html")
    response.set_cookie(OWN_COOKIE, "1", path="/", httponly=True)
    return response


async def leave(_request: web.Request) -> web.Response:
    """Forget the application's own session, and go back home as old applications do."""
    response = web.HTTPFound("/")
    response.del_cookie(OWN_COOKIE, path="/", httponly=True)
    raise response


def application() -> web.Application:
    """An application with its own session and its own ways out."""
    app = web.Application()
    app.add_routes([web.get("/", home), web.route("*", "/logout", leave)])
    return app


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody in front of the application, signed in."""

    gateway: RunningGateway
    person: Person
    page: Page

    async def left(self) -> None:
        """Wait for the page that says so: it holds, for the gateway, the application and the provider."""
        page = self.page
        await heading(page, SIGNED_OUT["title"])
        assert page.url.partition("?")[0] == self.gateway.post_logout_redirect_uri
        assert not await self.person.cookies() & {SESSION_COOKIE, OWN_COOKIE}
        assert [event["event"] for event in self.gateway.audited()] == ["sign-in", "sign-out"]
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 720})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture
async def scene(oidc_engine: OIDCEngine, chromium: Browser) -> AsyncIterator[Scene]:
    async with (
        served(application()) as upstream,
        gateway_before(oidc_engine, app=APP, upstream=upstream) as gateway,
        sitting_at(chromium) as person,
    ):
        await person.spare_icon(oidc_engine.port)
        page = await person.open(gateway.url + "/")
        await sign_in(page)
        await heading(page, "Vos démarches")
        yield Scene(gateway, person, page)


@pytest.mark.parametrize("way_out", ["a link", "a form"])
async def test_the_way_out_ends_on_the_page_that_says_so_and_the_way_back_asks_for_the_account(
    scene: Scene, way_out: str
) -> None:
    page = scene.page
    if way_out == "a link":
        await page.get_by_role("link", name="Quitter").click()
    else:
        await page.get_by_role("button", name="Se déconnecter").click()
    await scene.left()
    await page.locator(".action").click()
    # Whoever signs in again chooses anew: the provider has forgotten them too.
    await sign_in(page, "solene")
    await heading(page, "Vos démarches")


async def test_the_back_button_shows_nothing_of_the_application(scene: Scene) -> None:
    page = scene.page
    await page.get_by_role("link", name="Quitter").click()
    await scene.left()
    await page.go_back()
    assert page.url == f"{scene.gateway.url}/"
    await expect(page.get_by_role("link", name=OFFICIAL_BUTTON)).to_be_visible()


async def test_the_way_out_of_a_page_left_open_says_the_same_and_asks_nobody_to_sign_in(scene: Scene) -> None:
    other = await scene.person.open(scene.gateway.url + "/")
    await scene.page.get_by_role("link", name="Quitter").click()
    await scene.left()
    await other.get_by_role("button", name="Se déconnecter").click()
    await heading(other, SIGNED_OUT["title"])
