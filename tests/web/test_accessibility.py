"""Every page in a real browser: axe-core finds nothing, and nothing that a person may need is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from gateway.web.branding import Theme
from gateway.web.page_templates import THEME_ASSETS
from tests.support.accessibility import look_at
from tests.support.person import sitting_at
from tests.support.sample_site import BRANDINGS, LANGUAGES, NAMES, sample_site

pytestmark = pytest.mark.real


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with sample_site() as url:
        yield url


def test_the_themes_are_built() -> None:
    assert THEME_ASSETS[Theme.DSFR], "scripts/setup test builds it"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("look", ["neutral", "dsfr"])
async def test_axe_finds_nothing_on_any_page(site: str, chromium: Browser, look: str, language: str) -> None:
    async with sitting_at(chromium) as person:
        assert await look_at(person, f"{site}/{look}/{language}", NAMES) == {}


@pytest.mark.parametrize("look", BRANDINGS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_whatever_the_person_prefers(
    site: str, chromium: Browser, look: str, scheme: str
) -> None:
    pages = ("sign-in", "refusal-level", "error-host", "signed-out")
    async with sitting_at(
        chromium, color_scheme=scheme, forced_colors="none", reduced_motion="reduce"
    ) as person:
        assert await look_at(person, f"{site}/{look}/fr", pages) == {}


@pytest.mark.parametrize("look", ["neutral", "dsfr"])
async def test_the_keyboard_reaches_everything_in_its_order_and_shows_where_it_is(
    site: str, chromium: Browser, look: str
) -> None:
    async with sitting_at(chromium) as person:
        page = await person.open(f"{site}/{look}/fr/sign-in")
        wanted = await page.evaluate("[...document.querySelectorAll('a[href], button')].length")
        reached = []
        for _ in range(wanted):
            await page.keyboard.press("Tab")
            reached.append(
                await page.evaluate(
                    """() => {
                        const there = document.activeElement, style = getComputedStyle(there)
                        const all = [...document.querySelectorAll('a[href], button')]
                        return [all.indexOf(there), style.outlineStyle !== 'none']
                    }"""
                )
            )
        assert reached == [[number, True] for number in range(wanted)]
        await page.goto(f"{site}/{look}/fr/sign-in")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("look", ["neutral", "dsfr"])
async def test_at_twice_the_size_of_text_nothing_is_cut(site: str, chromium: Browser, look: str) -> None:
    async with sitting_at(chromium, viewport={"width": 640, "height": 512}) as person:
        page = await person.open(f"{site}/{look}/fr/refusal-level")
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 640


@pytest.mark.parametrize("look", ["neutral", "dsfr"])
async def test_the_official_button_has_its_label_its_colours_and_its_size(
    site: str, chromium: Browser, look: str
) -> None:
    async with sitting_at(chromium, reduced_motion="reduce") as person:
        page = await person.open(f"{site}/{look}/fr/sign-in")
        button = page.get_by_role("link", name="S'identifier avec ProConnect")
        box = await button.bounding_box()
        assert box is not None
        assert look == "dsfr" or (box["width"] >= 214 and box["height"] >= 56)
        color = "node => getComputedStyle(node).backgroundColor"
        assert await button.evaluate(color) == "rgb(0, 0, 145)"
        await button.hover()
        assert await button.evaluate(color) == "rgb(18, 18, 255)"


async def test_in_the_person_s_own_colours_the_button_has_an_edge(site: str, chromium: Browser) -> None:
    async with sitting_at(chromium, forced_colors="active") as person:
        page = await person.open(f"{site}/neutral/fr/refusal-other-organisation")
        edge = "node => getComputedStyle(node).borderTopStyle"
        assert await page.locator(".action").evaluate(edge) == "solid"
