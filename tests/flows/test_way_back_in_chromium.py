"""Tabs, Back, bookmarks and refused cookies in a real browser: each ends on a page that leads on."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.demo.run import Demo
from gateway.web.languages import LOCALES
from tests.support.person import Person, choose, heading, press_the_button, sign_in, sitting_at

pytestmark = pytest.mark.real

ATTEMPT: Final = LOCALES["fr"]["error"]["attempt"]
DEEP: Final = "/private/dossier?numero=42"
TABS: Final = 7
MOST_AT_ONCE: Final = 5


async def the_one_button(page: Page) -> None:
    """Press the button of a page that explains; it has one."""
    await expect(page.locator(".action")).to_have_count(1)
    await page.locator(".action").click()


async def at_provider(demo: Demo, person: Person, target: str) -> Page:
    """A new tab as far as the provider's page."""
    page = await person.open(demo.gateway + target)
    await press_the_button(page)
    await page.wait_for_url(f"{demo.provider}/interaction/*")
    return page


async def test_of_many_tabs_each_ends_on_its_page_or_is_told_what_to_do(demo: Demo, person: Person) -> None:
    tabs = [await at_provider(demo, person, f"/private/{number}") for number in range(TABS)]
    for number in reversed(range(TABS)):
        await choose(tabs[number], "eleonore")
        if number >= TABS - MOST_AT_ONCE:
            await heading(tabs[number], "Un dossier")
            assert tabs[number].url == f"{demo.gateway}/private/{number}"
        else:
            await heading(tabs[number], ATTEMPT["title"])
            await the_one_button(tabs[number])
            await heading(tabs[number], "Bonjour Éléonore Lefèvre-Œillet")


async def test_back_after_the_sign_in_shows_the_page_and_never_the_button_again(
    demo: Demo, person: Person
) -> None:
    page = await at_provider(demo, person, DEEP)
    await choose(page, "eleonore")
    await heading(page, "Un dossier")
    for _ in range(3):
        await page.go_back()
        if page.url == demo.gateway + DEEP:
            break
    await heading(page, "Un dossier")
    assert page.url == demo.gateway + DEEP


async def test_a_bookmarked_callback_leads_to_its_page_as_often_as_it_is_opened(
    demo: Demo, chromium: Browser, person: Person
) -> None:
    page = await at_provider(demo, person, DEEP)
    async with page.expect_request(f"{demo.gateway}/_gateway/callback*") as asked:
        await choose(page, "eleonore")
    bookmark = (await asked.value).url
    await heading(page, "Un dossier")
    for _ in range(2):
        again = await person.open(bookmark)
        await heading(again, "Un dossier")
        assert again.url == demo.gateway + DEEP
    async with sitting_at(chromium) as stranger:
        page = await stranger.open(bookmark)
        await heading(page, ATTEMPT["title"])
        await the_one_button(page)
        await sign_in(page, "zoe")
        await heading(page, "Bonjour Zoé Ben Haïm")


async def test_the_session_opened_in_another_tab_is_found_by_reloading_the_sign_in_page(
    demo: Demo, person: Person
) -> None:
    waiting = await person.open(demo.gateway + DEEP)
    await heading(waiting, "Connexion")
    await choose(await at_provider(demo, person, "/private/other"), "eleonore")
    await waiting.reload()
    await heading(waiting, "Un dossier")
    assert waiting.url == demo.gateway + DEEP


async def test_a_browser_that_lost_its_cookies_on_the_way_is_told_about_cookies(
    demo: Demo, person: Person
) -> None:
    page = await at_provider(demo, person, DEEP)
    await person.context.clear_cookies()
    await choose(page, "eleonore")
    await heading(page, ATTEMPT["title"])
    await expect(page.locator("main")).to_contain_text("accepte les cookies")
    await the_one_button(page)
    await heading(page, "Connexion")


async def test_two_hours_on_the_providers_page_end_on_the_page_asked_for(demo: Demo, person: Person) -> None:
    page = await at_provider(demo, person, DEEP)
    assert (await page.request.post(f"{demo.gateway}/public/pause")).ok
    await choose(page, "eleonore")
    # The provider has its own hour, and says so. The gateway's page is where it was.
    await heading(page, "Cette connexion n’est plus en cours")  # noqa: RUF001
    await page.goto(demo.gateway + DEEP)
    await sign_in(page)
    await heading(page, "Un dossier")
    assert page.url == demo.gateway + DEEP
