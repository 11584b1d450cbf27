"""A form whose session has ended, in a real browser: sent again, not twice, not by another, or too large."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.demo.run import Demo
from gateway.web.languages import LOCALES
from tests.support.person import Person, heading, press_the_button, sign_in, sitting_at

pytestmark = pytest.mark.real

FRENCH: Final = LOCALES["fr"]
ASK: Final = FRENCH["form"]["ask"]
CONTENT: Final = bytes(range(256)) * 1024
TOO_LARGE: Final = [(1 << 20) + 1, 3 << 20]
LONGEST: Final = 120_000  # milliseconds, on a busy machine
PROVIDERS_COOKIE: Final = "pc_session_id"


async def later(demo: Demo, person: Person, path: str) -> Page:
    """A form of the application's, open before somebody whose session has ended meanwhile."""
    page = await person.open(demo.gateway + path)
    await sign_in(page)
    answer = await page.request.post(f"{demo.gateway}/public/pause")
    assert answer.ok
    return page


async def send_file(page: Page, content: bytes) -> None:
    """Choose a file of that content and press the form's button."""
    await page.get_by_label("Fichier").set_input_files(
        {"name": "pièce.bin", "mimeType": "application/octet-stream", "buffer": content}
    )
    await page.get_by_role("button", name="Envoyer").click()


async def test_a_file_arrives_byte_for_byte_after_one_click(demo: Demo, person: Person) -> None:
    page = await later(demo, person, "/upload")
    await send_file(page, CONTENT)
    await expect(page.locator("main")).to_contain_text("mis de côté quelques minutes")
    await press_the_button(page)
    await heading(page, ASK["title"].replace(" ?", "\u202f?"))
    await page.get_by_role("button", name=ASK["button"]).click()
    await expect(page.get_by_role("cell", name="pièce.bin")).to_be_visible()
    await expect(page.get_by_role("cell", name=hashlib.sha256(CONTENT).hexdigest())).to_be_visible()
    await expect(page).to_have_url(f"{demo.gateway}/upload")


async def test_back_and_the_button_once_more_send_nothing_twice(demo: Demo, person: Person) -> None:
    page = await later(demo, person, "/form")
    await page.get_by_role("button", name="Envoyer", exact=True).click()
    await press_the_button(page)
    await page.get_by_role("button", name=ASK["button"]).click()
    await heading(page, "Formulaire")
    await page.go_back()
    await heading(page, FRENCH["form"]["sent"]["title"])


async def test_another_person_is_told_that_it_was_not_theirs(demo: Demo, person: Person) -> None:
    page = await later(demo, person, "/form")
    await page.get_by_label("Objet").fill("un secret")
    await page.get_by_role("button", name="Envoyer", exact=True).click()
    await person.context.clear_cookies(name=PROVIDERS_COOKIE)
    await sign_in(page, "zoe")
    await heading(page, FRENCH["form"]["other-person"]["title"])
    assert "un secret" not in await page.content()
    await page.get_by_role("link", name=FRENCH["form"]["other-person"]["button"]).click()
    await heading(page, "Formulaire")
    await expect(page.locator("header b")).to_have_text("Zoé Ben Haïm")


async def test_who_does_not_want_to_send_it_any_more_is_back_on_its_page(demo: Demo, person: Person) -> None:
    page = await later(demo, person, "/form")
    await page.get_by_role("button", name="Envoyer", exact=True).click()
    await press_the_button(page)
    await page.get_by_role("button", name=ASK["forget"]).click()
    await heading(page, "Formulaire")
    await expect(page.get_by_role("table")).to_have_count(0)


@pytest.mark.parametrize("octets", TOO_LARGE, ids=["an octet too much", "3 MiB"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_an_upload_too_large_to_keep_ends_on_a_page_that_says_why(
    demo: Demo, chromium: Browser, octets: int, width: int
) -> None:
    async with sitting_at(chromium, viewport={"width": width, "height": 800}) as somebody:
        page = await later(demo, somebody, "/upload")
        async with page.expect_response("**/upload", timeout=LONGEST) as answered:
            await send_file(page, bytes(octets))
        assert (await answered.value).status == 413
        await heading(page, FRENCH["error"]["form-too-large"]["title"])
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.get_by_role("link", name=FRENCH["error"]["form-too-large"]["button"]).click()
        await expect(page).to_have_url(f"{demo.gateway}/upload")
        await send_file(page, bytes(octets))
        await expect(page.get_by_role("cell", name=f"{octets} octets")).to_be_visible()
