"""A person in a real browser, the gateway, and the engine that ProConnect runs, on sites of their own."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from gateway.web.languages import LOCALES
from tests.support.flows import gateway_before
from tests.support.oidc_engine import OIDCEngine
from tests.support.person import SESSION_COOKIE, choose, heading, press_the_button, sign_in, sitting_at

pytestmark = pytest.mark.real

RESERVED = """
[[apps.routes]]
path = "/private/prefecture/"
require.roles = ["agent_public_territorial"]
refusal = "Ce service est réservé aux agents de la préfecture du Morbihan."
"""
FRENCH = LOCALES["fr"]
NAME = "Éléonore Zoë Lefèvre-Œillet"
DEEP = "/private/dossier?numero=42&retour=%2Fliste"


async def test_a_person_signs_in_and_out_at_another_site(oidc_engine: OIDCEngine, chromium: Browser) -> None:
    async with (
        gateway_before(oidc_engine, host="127.0.0.1") as gateway,
        sitting_at(chromium) as person,
    ):
        await person.spare_icon(oidc_engine.port)
        page = await person.open(gateway.url + DEEP)
        await sign_in(page)
        await heading(page, "Un dossier")
        assert page.url == gateway.url + DEEP
        await expect(page.locator("header b")).to_have_text(NAME)
        await page.get_by_role("button", name="Se déconnecter").click()
        await heading(page, "Vous êtes déconnecté")
        await expect(page.locator("main")).to_contain_text("ainsi que votre session ProConnect")
        assert SESSION_COOKIE not in await person.cookies()
        await page.goto(gateway.url + DEEP)
        await press_the_button(page)
        await choose(page, "eleonore")
        await heading(page, "Un dossier")
        assert [event["event"] for event in gateway.audited()] == ["sign-in", "sign-out", "sign-in"]


async def test_who_is_refused_says_so_and_comes_back_with_another_account_to_the_page_first_asked_for(
    oidc_engine: OIDCEngine, chromium: Browser
) -> None:
    async with (
        gateway_before(
            oidc_engine,
            host="127.0.0.1",
            routes=RESERVED,
            app='contact = "aide@morbihan.example.gouv.fr"',
        ) as gateway,
        sitting_at(chromium) as person,
    ):
        await person.spare_icon(oidc_engine.port)
        asked = f"{gateway.url}/private/prefecture/dossier?numero=42"
        page = await person.open(asked)
        await sign_in(page, "solene")
        main = page.locator("main")
        await expect(main).to_contain_text("Ce service est réservé aux agents de la préfecture du Morbihan.")
        await expect(main).to_contain_text("aide@morbihan.example.gouv.fr")
        await expect(page.get_by_role("definition").last).to_have_text("Ministère des Exemples")
        await page.get_by_role("button", name=FRENCH["common"]["other_account"]).click()
        await choose(page, "eleonore")
        await heading(page, "Un dossier")
        assert page.url == asked
        assert [event["event"] for event in gateway.audited()] == [
            *("sign-in", "access-refused", "sign-out"),
            "sign-in",
        ]
