"""Each case that the demo offers, as a newcomer tries it: from its link, by clicks alone."""

from __future__ import annotations

import re
from typing import Final

import pytest
from playwright.async_api import Page, expect

from gateway.demo.run import Demo
from gateway.web.languages import LOCALES
from tests.support.accessibility import look_at
from tests.support.person import Person, choose, heading, press_the_button, sign_in

pytestmark = pytest.mark.real

CASES: Final = "/public/essais"
FRENCH: Final = LOCALES["fr"]
OTHER_ACCOUNT: Final = FRENCH["common"]["other_account"]
PAGES: Final = ["", "public/essais", "public/pause", "form", "upload", "ws", "private/x?a=b", "nowhere"]
TYPED: Final = "Œuvre & café"


async def begun(demo: Demo, person: Person, case: str) -> Page:
    """Follow a case's link on the page of cases."""
    page = await person.open(demo.gateway + CASES)
    await heading(page, "À essayer")
    await page.get_by_role("link", name=case).click()
    return page


async def test_no_page_of_the_demos_own_has_a_barrier(demo: Demo, person: Person) -> None:
    page = await person.open(demo.gateway)
    await press_the_button(page)
    await page.wait_for_url(f"{demo.provider}/interaction/*")
    interaction = page.url.rpartition("/")[2]
    assert await look_at(person, f"{demo.provider}/interaction", [interaction]) == {}
    await choose(page, "eleonore")
    await heading(page, "Bonjour Éléonore Lefèvre-Œillet")
    assert await look_at(person, demo.gateway, PAGES) == {}


async def test_the_pages_that_greet_lead_to_the_cases(demo: Demo, person: Person) -> None:
    page = await person.open(demo.gateway)
    await sign_in(page)
    await page.get_by_role("link", name="essayer chaque cas").click()
    await heading(page, "À essayer")
    links = page.locator(".cases dt a")
    targets = [await link.get_attribute("href") for link in await links.all()]
    answers = [await page.request.get(f"{demo.gateway}{target}") for target in targets]
    assert {answer.status for answer in answers} <= {200, 401, 403}


@pytest.mark.parametrize(
    "case, somebody, sentence",
    [
        ("Un agent refusé", "noemie", "Ce service est réservé aux agents de la préfecture du Morbihan."),
        ("Un agent sans le rôle demandé", "loic", "Cette page est réservée aux agents de l’État."),  # noqa: RUF001
    ],
    ids=["another organisation", "no role"],
)
async def test_a_refused_agent_is_told_why_and_comes_back_as_another(
    demo: Demo, person: Person, case: str, somebody: str, sentence: str
) -> None:
    page = await begun(demo, person, case)
    target = page.url
    await sign_in(page, somebody)
    await expect(page.locator("main")).to_contain_text(sentence)
    await page.get_by_role("button", name=OTHER_ACCOUNT).click()
    await choose(page, "eleonore")
    await heading(page, "Un dossier")
    assert page.url == target


async def test_a_level_too_low_is_named_and_reached_at_the_second_try(demo: Demo, person: Person) -> None:
    page = await begun(demo, person, "Un niveau trop faible")
    await press_the_button(page)
    await page.select_option("#acr", "eidas1")
    await choose(page, "eleonore")
    await heading(page, FRENCH["refusal"]["acr-too-low"]["title"])
    await page.get_by_role("link", name=FRENCH["common"]["try_again"]).click()
    await page.select_option("#acr", "eidas1-mfa")
    await choose(page, "eleonore")
    await expect(page).to_have_url(f"{demo.gateway}/private/double/")
    await heading(page, "Un dossier")


async def test_a_private_user_is_refused_by_the_provider_and_offered_another_account(
    demo: Demo, person: Person
) -> None:
    page = await begun(demo, person, "Une personne du secteur privé")
    await sign_in(page, "francoise")
    await heading(page, "Accès réservé aux agents publics")
    await page.get_by_role("link", name="Réessayer").click()
    await heading(page, FRENCH["error"]["provider-account"]["title"])
    await page.get_by_role("link", name=FRENCH["error"]["provider-account"]["button"]).click()
    await choose(page, "eleonore")
    await expect(page).to_have_url(f"{demo.gateway}/private/dossier?numero=42")


async def test_a_form_whose_session_has_ended_is_not_lost(demo: Demo, person: Person) -> None:
    page = await begun(demo, person, "Un formulaire perdu")
    await sign_in(page)
    await page.get_by_label("Objet").fill(TYPED)
    async with person.context.expect_page() as opened:
        await page.get_by_role("button", name="Laisser passer deux heures").click()
    pause = await opened.value
    await heading(pause, "Deux heures ont passé")
    await expect(pause.locator("header")).to_contain_text(re.compile("Personne n.est connecté"))
    await pause.close()
    await page.get_by_role("button", name="Envoyer", exact=True).click()
    await expect(page.locator("main")).to_contain_text("mis de côté quelques minutes")
    await press_the_button(page)
    await page.get_by_role("button", name="Envoyer de nouveau").click()
    await expect(page.get_by_role("cell", name=TYPED)).to_be_visible()


async def test_two_tabs_end_each_on_its_own_page(demo: Demo, person: Person) -> None:
    page = await person.open(demo.gateway + CASES)
    tabs = []
    for name in ("le premier", "le second"):
        async with person.context.expect_page() as opened:
            await page.get_by_role("link", name=name).click()
        tabs.append(await opened.value)
    first, second = tabs
    await press_the_button(first)
    await press_the_button(second)
    await choose(second, "eleonore")
    await choose(first, "eleonore")
    for tab, path in ((first, "/private/premier"), (second, "/private/second")):
        await heading(tab, "Un dossier")
        assert tab.url == demo.gateway + path


async def test_a_closed_page_is_closed_to_everybody(demo: Demo, person: Person) -> None:
    page = await begun(demo, person, "Une page fermée")
    await heading(page, "Cette page est fermée")
