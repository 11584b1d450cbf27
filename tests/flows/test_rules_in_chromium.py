"""The demo's guarded pages in a real browser: a level too low, another organisation, another account."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from gateway.demo.run import Demo
from gateway.web.languages import LOCALES
from tests.support.person import Person, choose, heading, sign_in, sitting_at

pytestmark = pytest.mark.real

FRENCH = LOCALES["fr"]
DOUBLE = "Un niveau trop faible"


async def test_a_level_too_low_is_explained_and_then_reached(demo: Demo, person: Person) -> None:
    page = await person.open(demo.gateway)
    await sign_in(page)
    await page.get_by_role("link", name="essayer chaque cas").click()
    await page.get_by_role("link", name=DOUBLE).click()
    await page.select_option("#acr", "eidas1")
    await choose(page, "eleonore")
    await heading(page, FRENCH["refusal"]["acr-too-low"]["title"])
    await expect(page.get_by_role("definition")).to_have_text(
        [
            FRENCH["levels"]["mfa"],
            FRENCH["levels"]["eidas1"],
            "eleonore.lefevre-oeillet@morbihan.example.gouv.fr",
            "Préfecture du Morbihan",
        ]
    )
    await page.get_by_role("link", name=FRENCH["common"]["try_again"]).click()
    await page.select_option("#acr", "eidas1-mfa")
    await choose(page, "eleonore")
    await expect(page).to_have_url(f"{demo.gateway}/private/double/")
    await heading(page, "Un dossier")


@pytest.mark.parametrize("width", [1280, 320])
async def test_from_a_refusal_one_comes_back_as_somebody_else(
    demo: Demo, chromium: Browser, width: int
) -> None:
    async with sitting_at(chromium, viewport={"width": width, "height": 800}) as somebody:
        page = await somebody.open(f"{demo.gateway}/private/morbihan/")
        await sign_in(page, "noemie")
        await expect(page.locator("main")).to_contain_text("réservé aux agents de la préfecture du Morbihan")
        await expect(page.locator("main")).to_contain_text("noemie.kowalczyk@finances.example.gouv.fr")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.get_by_role("button", name=FRENCH["common"]["other_account"]).click()
        await choose(page, "eleonore")
        await heading(page, "Un dossier")
        assert page.url == f"{demo.gateway}/private/morbihan/"
