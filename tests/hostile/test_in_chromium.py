"""Four hostile cases once more, in a real browser, which has its own ways with cookies and scripts."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from playwright.async_api import Browser

from tests.cases.hostile_callback import MARK
from tests.support.person import SESSION_COOKIE, Person, heading, sign_in, sitting_at
from tests.support.story import PROTECTED, Story, story

pytestmark = pytest.mark.real

TARGETS = (
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/%2f%2fevil.example",
)


async def signed_in(scene: Story, person: Person, *, as_whom: str = "eleonore") -> None:
    page = await person.open(scene.gateway.url + PROTECTED)
    await sign_in(page, as_whom)
    await heading(page, "Un dossier")


@pytest.mark.hostile("F2")
async def test_an_attackers_callback_signs_nobody_in(chromium: Browser) -> None:
    async with story() as scene:
        callback = str((await scene.answered()).location)
        async with sitting_at(chromium) as victim:
            page = await victim.open(scene.gateway.url + PROTECTED)
            await page.goto(callback)
            assert SESSION_COOKIE not in await victim.cookies()
            await signed_in(scene, victim, as_whom="zoe")
            answer = await page.goto(callback)
            assert answer is not None
            assert answer.status == 400
            whoami = await victim.context.request.get(f"{scene.gateway.url}/_gateway/whoami")
            assert (await whoami.json())["claims"]["given_name"] == "Zoé"
        assert scene.provider.calls("token") == 1


@pytest.mark.hostile("F8")
async def test_what_a_provider_says_of_an_error_runs_no_script(chromium: Browser) -> None:
    async with story() as scene, sitting_at(chromium) as person:
        page = await person.open(f"{scene.gateway.url}/_gateway/sign-in?return_to=/")
        (asked,) = [call for call in scene.provider.journal if call.endpoint == "authorize"]
        said = {
            "error": f"<script>alert('{MARK}')</script>",
            "error_description": f"<img src=x onerror=alert('{MARK}')>",
            "error_uri": f"javascript:alert('{MARK}')",
            "state": asked.parameters["state"],
            "iss": scene.provider.issuer,
        }
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        answer = await page.goto(f"{scene.gateway.redirect_uri}?{urlencode(said)}")
        assert answer is not None
        assert answer.status == 502
        assert MARK not in await page.content()
        assert dialogs == []


@pytest.mark.hostile("F10")
@pytest.mark.parametrize("target", TARGETS)
async def test_a_doubtful_return_target_leads_a_real_browser_home(chromium: Browser, target: str) -> None:
    async with story() as scene, sitting_at(chromium) as person:
        page = await person.open(f"{scene.gateway.url}/_gateway/sign-in?return_to={quote(target, safe='')}")
        await page.locator("button[value=eleonore]").click()
        await page.wait_for_url(f"{scene.gateway.url}/**")
        assert page.url == f"{scene.gateway.url}/"


@pytest.mark.hostile("I5")
async def test_an_image_of_another_site_signs_nobody_out(chromium: Browser) -> None:
    async with story() as scene, sitting_at(chromium) as person:
        await signed_in(scene, person)
        page = await person.context.new_page()
        source = f"{scene.gateway.url}/_gateway/sign-out"
        await page.goto(f"{scene.provider.attacker}/")
        await page.evaluate(
            "source => new Promise(done => { const image = new Image();"
            " image.onload = image.onerror = done; image.src = source; document.body.append(image); })",
            source,
        )
        assert SESSION_COOKIE in await person.cookies()
        again = await person.open(scene.gateway.url + PROTECTED)
        await heading(again, "Un dossier")
        person.complaints.clear()
        scene.attacker.clear()


async def test_after_a_sign_out_the_browser_has_no_session_cookie(chromium: Browser) -> None:
    async with story() as scene, sitting_at(chromium) as person:
        await signed_in(scene, person)
        assert SESSION_COOKIE in await person.cookies()
        page = await person.open(f"{scene.gateway.url}/_gateway/sign-out")
        await page.locator("form button").first.click()
        await page.wait_for_url("**/signed-out**")
        assert SESSION_COOKIE not in await person.cookies()
