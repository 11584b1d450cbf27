"""The sign-in page of each application: who may enter, the official button, other ways in, a notice."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.async_api import Browser, expect

from gateway.web.languages import LOCALES
from tests.support.flows import gateway_before
from tests.support.oidc_engine import OIDCEngine
from tests.support.person import OFFICIAL_BUTTON, heading, sign_in, sitting_at

pytestmark = pytest.mark.real

PAGE: Final = "/private/dossier?numero=42"
FRENCH: Final = LOCALES["fr"]["sign_in"]
ENGLISH: Final = LOCALES["en"]["sign_in"]
WHO: Final = "Les agents de la préfecture du Morbihan."
NOTICE: Final = "Fermé samedi matin."
APP: Final = f"""
host = "127.0.0.1"
service_name = "Démarches"
who_may_enter = "{WHO}"
contact = "aide@demarches.example.gouv.fr"
[apps.page]
notice = "{NOTICE}"
other_ways = [{{ label = "Compte local", url = "/public/" }}]
"""
OTHER: Final = """
[[apps.routes]]
path = "/public/"
access = "public"
[[apps.routes]]
path = "/assets/"
access = "public"
[[apps]]
name = "other"
host = "localhost"
upstream = "http://127.0.0.1:1"
service_name = "Annuaire"
"""


async def test_each_application_has_its_own_page_and_its_button_leads_in(
    oidc_engine: OIDCEngine, chromium: Browser
) -> None:
    async with (
        gateway_before(oidc_engine, host="127.0.0.1", app=APP, routes=OTHER) as gateway,
        sitting_at(chromium) as person,
    ):
        await person.spare_icon(oidc_engine.port)
        page = await person.open(gateway.url + PAGE)
        main = page.locator("main")
        await expect(main).to_contain_text("« Démarches »".replace(" ", "\u00a0"))
        for text in (WHO, NOTICE, FRENCH["proconnect_line"], "aide@demarches.example.gouv.fr"):
            await expect(main).to_contain_text(text)
        await page.get_by_role("link", name="Compte local").click()
        await heading(page, "Page publique")
        await page.go_back()
        await sign_in(page)
        await heading(page, "Un dossier")
        assert page.url == gateway.url + PAGE

        other = await person.open(f"http://localhost:{gateway.port}/")
        main = other.locator("main")
        await expect(main).to_contain_text("Annuaire")
        await expect(main).to_contain_text(FRENCH["who_anybody"])
        await expect(other.get_by_role("link", name=OFFICIAL_BUTTON)).to_have_count(1)
        for text in (WHO, NOTICE, "Compte local", "aide@demarches.example.gouv.fr"):
            await expect(main).not_to_contain_text(text)


async def test_who_reads_english_is_told_in_english_and_the_services_words_stay(
    oidc_engine: OIDCEngine, chromium: Browser
) -> None:
    async with (
        gateway_before(oidc_engine, host="127.0.0.1", app=APP, routes=OTHER) as gateway,
        sitting_at(chromium, locale="en-GB") as person,
    ):
        page = await person.open(gateway.url + PAGE)
        await heading(page, ENGLISH["title"])
        assert await page.locator("html").get_attribute("lang") == "en"
        await expect(page.get_by_text(WHO)).to_have_attribute("lang", "fr")
        await expect(page.get_by_text(NOTICE)).to_be_visible()
        await expect(page.get_by_role("link", name="Sign in with ProConnect")).to_have_count(1)
