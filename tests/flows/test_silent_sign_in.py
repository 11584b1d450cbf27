"""Silent sign-in: a page open to everybody knows who is signed in at the provider, and never goes round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import async_playwright

from tests.support.browser import FLAGS
from tests.support.flows import gateway_before, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.person import heading
from tests.support.processes import find_program
from tests.support.story import Story, story

SILENT: Final = '[[apps.routes]]\npath = "/public/"\naccess = "optional"\nsilent_sign_in = true\n'
PAGE: Final = "/public/page"
BLOCK: Final = 2  # in Chromium's preferences
ASKING: Final = "/_gateway/silent-sign-in"
FOREIGN: Final = {"Cookie": "application=1"}


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
        offered = await scene.browser.navigate(scene.gateway.url + PAGE)
        begun = await scene.browser.step(offered)
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


@pytest.mark.parametrize("query", ["", "?a=1&b=%C3%A9"])
async def test_a_browser_that_keeps_no_cookie_of_ours_sees_the_page_and_goes_round_no_more(
    query: str,
) -> None:
    """It shows a cookie, perhaps of a site above, and so it is asked whether it keeps one."""
    async with story(routes=SILENT) as scene:
        for _ in range(3):
            page = await scene.browser.navigate(scene.gateway.url + PAGE + query, fields=FOREIGN)
            steps = 0
            while page.status == 303:
                scene.browser.forget_cookies()
                page = await scene.browser.step(page)
                steps += 1
            assert (page.status, page.url.path, steps) == (200, PAGE, 2)
            assert scene.upstream[-1] == f"GET {PAGE}{query}"
        assert scene.provider.calls("authorization") == 0


async def test_what_leads_to_the_question_leads_nobody_to_it_who_was_asked() -> None:
    async with story(routes=SILENT) as scene:
        await scene.sign_in()
        await scene.press_sign_out()
        link = scene.gateway.url + ASKING + "?return_to=" + PAGE
        page = await scene.browser.navigate(link)
        assert (page.status, page.fields["Location"]) == (303, PAGE)
        assert not await scene.signed_in()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/_gateway/sign-out"])
async def test_what_leads_to_the_question_leads_nowhere_else(target: str) -> None:
    async with story(routes=SILENT) as scene:
        page = await scene.browser.navigate(scene.gateway.url + ASKING + "?return_to=" + target)
        assert (page.status, page.fields["Location"]) == (303, "/?gateway-silent=no")


async def test_nobody_is_asked_for_a_page_that_asks_nobody() -> None:
    async with story(routes=SILENT) as scene:
        been_here(scene)
        await scene.browser.navigate(scene.gateway.url + PAGE)
        page = await scene.browser.navigate(scene.gateway.url + ASKING + "?return_to=/elsewhere")
        assert (page.status, page.fields["Location"]) == (303, "/elsewhere")


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
        assert await opened(scene) == [PAGE, ASKING, PAGE]
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


@pytest.mark.real
@pytest.mark.parametrize("shown", [{}, FOREIGN], ids=["no cookie", "a cookie of another's"])
async def test_chromium_that_refuses_cookies_shows_the_page(
    oidc_engine: OIDCEngine, tmp_path: Path, shown: dict[str, str]
) -> None:
    preferences = tmp_path / "Default" / "Preferences"
    preferences.parent.mkdir()
    preferences.write_text(json.dumps({"profile": {"default_content_setting_values": {"cookies": BLOCK}}}))
    async with gateway_before(oidc_engine, routes=SILENT) as gateway, async_playwright() as playwright:
        person = await playwright.chromium.launch_persistent_context(
            tmp_path,
            executable_path=find_program("chromium", package="chromium"),
            args=FLAGS,
            extra_http_headers=shown,
        )
        for _ in range(2):
            page = await person.new_page()
            await page.goto(gateway.url + PAGE)
            await heading(page, "Page publique")
            assert await person.cookies() == []
        await person.close()
