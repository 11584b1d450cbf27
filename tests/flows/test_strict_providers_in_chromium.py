"""Providers that are not ProConnect, in a real browser: what comes as a form finds its attempt too."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page

from tests.support.oidc_engine import OIDCEngine
from tests.support.person import SESSION_COOKIE, choose, heading, sitting_at
from tests.support.strict import PAGE, WAYS, Way, gateway_before

pytestmark = pytest.mark.real


async def press_the_button(page: Page) -> None:
    await page.get_by_role("link", name="identifier").click()


@pytest.mark.parametrize(
    "way", [WAYS["client_secret_basic, as by default"], WAYS["form_post"]], ids=["query", "form_post"]
)
async def test_a_person_signs_in_at_another_site(
    strict_engine: OIDCEngine, chromium: Browser, way: Way
) -> None:
    async with (
        gateway_before(strict_engine, way, host="127.0.0.1") as gateway,
        sitting_at(chromium) as person,
    ):
        await person.spare_icon(strict_engine.port)
        page = await person.open(gateway.url + PAGE)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(f"{request.method} {request.url.partition('?')[0]}"))
        await press_the_button(page)
        await choose(page, "eleonore")
        await heading(page, "Un dossier")
        assert page.url == gateway.url + PAGE
        posted = f"POST {gateway.redirect_uri}" in sent
        assert posted == (way is WAYS["form_post"])
        before = await person.cookies()
        assert SESSION_COOKIE in before
        # Once more, by a form as well: the session of before is found, and gives way to the new one.
        await page.goto(f"{gateway.url}/_gateway/sign-in?return_to=/private/")
        await page.wait_for_url(gateway.url + "/private/")
        assert [event["event"] for event in gateway.audited()] == ["sign-in", "sign-in"]
        assert await person.cookies() == before
