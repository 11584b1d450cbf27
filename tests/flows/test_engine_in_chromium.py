"""A person in a real browser, the gateway, and the engine that ProConnect runs, on sites of their own."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Route, expect

from tests.support.flows import gateway_before
from tests.support.oidc_engine import OIDCEngine
from tests.support.person import SESSION_COOKIE, choose, heading, press_the_button, sign_in, sitting_at

pytestmark = pytest.mark.real

NAME = "Éléonore Zoë Lefèvre-Œillet"
DEEP = "/private/dossier?numero=42&retour=%2Fliste"


async def no_content(route: Route) -> None:
    await route.fulfill(status=204)


async def test_a_person_signs_in_and_out_at_another_site(oidc_engine: OIDCEngine, chromium: Browser) -> None:
    async with (
        gateway_before(oidc_engine, host="127.0.0.1") as gateway,
        sitting_at(chromium) as person,
    ):
        # The engine's own pages have no icon, which is not our concern.
        await person.context.route(f"http://localhost:{oidc_engine.port}/favicon.ico", no_content)
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
