"""Silent sign-in: a page open to everybody knows who is signed in at the provider, and never goes round."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.flows import gateway_before, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.story import Story, story

SILENT: Final = '[[apps.routes]]\npath = "/public/"\naccess = "optional"\nsilent_sign_in = true\n'
PAGE: Final = "/public/page"


async def opened(scene: Story) -> list[str]:
    """Open the page as a person who has been here before: the paths of all that came of it."""
    before = len(scene.browser.pages)
    page = await scene.browser.open(scene.gateway.url + PAGE)
    assert (page.status, page.url.path) == (200, PAGE)
    return [page.url.path for page in scene.browser.pages[before:]]


def been_here(scene: Story) -> None:
    scene.browser.set_cookie(scene.gateway.url, "application", "1")


async def test_who_is_signed_in_at_the_provider_is_known_without_a_page() -> None:
    async with story(routes=SILENT) as scene:
        await scene.sign_in()
        at_provider = scene.browser.cookies(scene.provider.issuer)
        scene.browser.forget_cookies()
        for name, value in at_provider.items():
            if not name.startswith("gateway"):
                scene.browser.set_cookie(scene.provider.issuer, name, value)
        been_here(scene)
        paths = await opened(scene)
        assert "/_gateway/callback" in paths
        assert await scene.signed_in()


async def test_nobody_is_asked_once_and_sees_the_page() -> None:
    async with story(routes=SILENT) as scene:
        been_here(scene)
        begun = await scene.browser.navigate(scene.gateway.url + PAGE)
        assert begun.location.query["prompt"] == "none"
        first = await scene.browser.follow(begun)
        assert (first.status, first.url.path) == (200, PAGE)
        assert await opened(scene) == [PAGE]
        assert scene.events("sign-in-refused") == []
        assert not await scene.signed_in()


async def test_a_browser_without_any_cookie_is_not_asked() -> None:
    async with story(routes=SILENT) as scene:
        for _ in range(3):
            assert await opened(scene) == [PAGE]
            scene.browser.forget_cookies()


async def test_a_browser_that_keeps_no_cookie_of_ours_is_told_so_and_goes_round_no_more() -> None:
    """It shows a cookie, perhaps of a site above, and so is asked; what it is to show then is missing."""
    async with story(routes=SILENT) as scene:
        for _ in range(3):
            been_here(scene)
            page = await scene.browser.navigate(scene.gateway.url + PAGE)
            for _ in range(5):
                if page.status != 303:
                    break
                scene.browser.forget_cookies()
                page = await scene.browser.step(page)
            assert (page.status, page.url.path) == (400, "/_gateway/callback")
            assert "accepte les cookies" in page.text
        assert scene.provider.calls("token") == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"Sec-Fetch-Mode": "cors", "Accept": "*/*"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Purpose": "prefetch"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    ],
    ids=["a script", "a frame", "a guess of the browser", "an image"],
)
async def test_what_no_person_opened_asks_nobody(fields: dict[str, str]) -> None:
    async with story(routes=SILENT) as scene:
        been_here(scene)
        assert (await scene.browser.navigate(scene.gateway.url + PAGE, fields=fields)).status == 200


async def test_the_page_is_shown_while_the_provider_is_away() -> None:
    async with story(routes=SILENT, away=True) as scene:
        been_here(scene)
        assert await opened(scene) == [PAGE]


async def test_who_signed_out_is_not_signed_in_again_without_a_word() -> None:
    async with story(routes=SILENT) as scene:
        await scene.sign_in()
        await scene.press_sign_out()  # and not at the provider: the browser did not go on
        assert await opened(scene) == [PAGE]
        assert not await scene.signed_in()


@pytest.mark.real
async def test_the_engines_say_who_is_there_and_who_is_not(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(oidc_engine, routes=SILENT) as gateway:
        http_browser.set_cookie(gateway.url, "application", "1")
        page = await http_browser.open(gateway.url + PAGE)
        assert (page.status, page.url.path) == (200, PAGE)
        await sign_in(http_browser, gateway.url + "/private/x", "eleonore")
        whoami = await http_browser.navigate(f"{gateway.url}/_gateway/whoami")
        assert whoami.status == 200
