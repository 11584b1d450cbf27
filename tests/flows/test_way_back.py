"""Whatever a browser does on its way, a sign-in ends on the page first asked for, or on one that explains."""

from __future__ import annotations

import re
from typing import Final

import pytest
from yarl import URL

from gateway.errors import Fault
from gateway.oidc.pending import Pending
from gateway.web.languages import LOCALES
from tests.support.alterations import id_token
from tests.support.attempts import plant
from tests.support.flows import gateway_before
from tests.support.hostile import Alteration
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.page import Page
from tests.support.story import PROTECTED, Story, story

ERRORS: Final = LOCALES["fr"]["error"]
REDIRECT: Final = 'sign_in = "redirect"'
HOUR: Final = 3600


def answer_to(scene: Story, pending: Pending) -> URL:
    query = {"code": "c" * 43, "state": pending.state, "iss": scene.provider.issuer}
    return URL(scene.gateway.redirect_uri).with_query(query)


def is_said(page: Page, text: str) -> bool:
    return f"<h1>{ERRORS[text]['title']}</h1>".replace("{provider}", "ProConnect") in page.text


def one_button(page: Page) -> str:
    """Where the page's one button leads."""
    (href,) = re.findall(r'class="action[^"]*" href="([^"]*)"', page.text)
    return str(href)


@pytest.mark.hostile("F1")
async def test_an_answer_after_more_than_an_hour_begins_the_sign_in_once_more() -> None:
    async with story() as scene:
        page = await scene.browser.navigate(answer_to(scene, plant(scene, age=HOUR + 1)))
        assert (page.status, scene.provider.calls("token")) == (303, 0)
        assert [event["fault"] for event in scene.events("sign-in-refused")] == ["state-late"]
        arrived = await scene.browser.follow(await scene.choose(page))
        assert (arrived.status, arrived.url.raw_path_qs) == (200, PROTECTED)


async def test_a_second_answer_that_is_too_late_is_explained() -> None:
    async with story() as scene:
        page = await scene.browser.navigate(answer_to(scene, plant(scene, age=HOUR + 1, turn=1)))
        await scene.refused(page, status=400, fault=Fault.STATE_LATE)
        assert is_said(page, "attempt-late")
        assert one_button(page) == "/_gateway/sign-in?return_to=/private/dossier%3Fnumero%3D42"


async def test_a_late_answer_leads_whoever_is_signed_in_to_the_page() -> None:
    async with story() as scene:
        await scene.sign_in(return_to="/private/another")
        before = scene.browser.cookies(scene.gateway.url)["gateway"]
        page = await scene.browser.navigate(answer_to(scene, plant(scene, age=HOUR + 1)))
        assert (page.status, page.fields["Location"]) == (303, PROTECTED)
        assert scene.browser.cookies(scene.gateway.url)["gateway"] == before
        assert scene.provider.calls("token") == 1


async def test_an_answer_after_a_day_is_nobodys() -> None:
    async with story() as scene:
        page = await scene.browser.navigate(answer_to(scene, plant(scene, age=24 * HOUR)))
        await scene.refused(page, status=400, fault=Fault.STATE_FOREIGN)
        assert one_button(page) == "/"


@pytest.mark.hostile("F3", accepted=True)
async def test_a_repeated_callback_leads_to_its_page_and_keeps_the_session() -> None:
    async with story() as scene:
        callback = (await scene.answered()).location
        await scene.browser.open(callback)
        before = scene.browser.cookies(scene.gateway.url)
        page = await scene.browser.navigate(callback)
        assert (page.status, page.fields["Location"]) == (303, PROTECTED)
        assert "Set-Cookie" not in page.fields
        assert scene.browser.cookies(scene.gateway.url) == before
        assert (scene.provider.calls("token"), await scene.signed_in()) == (1, True)


async def test_a_repeated_callback_of_somebody_else_leads_home_and_tells_nothing_of_their_page() -> None:
    async with story() as scene:
        callback = (await scene.answered()).location
        await scene.browser.open(callback)
        victim = await scene.another_browser()
        await scene.sign_in(victim, person="zoe", return_to="/private/hers")
        page = await victim.navigate(callback)
        assert (page.status, page.fields["Location"]) == (303, "/")


async def test_a_bookmarked_callback_offers_the_service_when_nobody_is_signed_in() -> None:
    async with story() as scene:
        callback = (await scene.answered()).location
        await scene.browser.open(callback)
        scene.browser.forget_cookies()
        page = await scene.browser.navigate(callback)
        assert (page.status, one_button(page), scene.provider.calls("token")) == (400, "/", 1)
        assert is_said(page, "attempt")


async def test_reloading_the_page_of_a_failed_sign_in_leads_to_the_page_asked_for() -> None:
    async with story() as scene:
        page = await scene.browser.follow(await scene.begin())
        page = await scene.browser.open(f"{page.url}/abort/identity")
        assert (page.status, is_said(page, "provider-account")) == (403, True)
        again = await scene.browser.navigate(page.url)
        assert (again.status, again.fields["Location"]) == (303, PROTECTED)
        assert scene.provider.calls("token") == 0


@pytest.mark.parametrize("name", ["technical", "session"])
async def test_who_pressed_to_try_again_at_proconnect_does_try_again(name: str) -> None:
    async with story() as scene:
        page = await scene.browser.follow(await scene.begin())
        page = await scene.browser.open(f"{page.url}/abort/{name}")
        assert (page.status, page.url.port == scene.gateway.port) == (200, False)
        arrived = await scene.browser.follow(await scene.browser.submit(page, press="eleonore"))
        assert (arrived.status, arrived.url.raw_path_qs) == (200, PROTECTED)


@pytest.mark.parametrize(
    "name, status, fault",
    [("technical", 502, Fault.PROVIDER_TECHNICAL), ("session", 403, Fault.PROVIDER_ABORTED)],
)
async def test_who_fails_again_is_told_and_offered_one_button(name: str, status: int, fault: Fault) -> None:
    async with story() as scene:
        page = await scene.browser.follow(await scene.begin())
        for _ in range(2):
            page = await scene.browser.open(f"{page.url}/abort/{name}")
        assert (page.status, is_said(page, fault.value)) == (status, True)
        assert one_button(page) == "/_gateway/sign-in?return_to=/private/dossier%3Fnumero%3D42"
        assert [event["fault"] for event in scene.events("sign-in-refused")] == [fault.value] * 2


@pytest.mark.hostile("F9")
async def test_a_browser_that_keeps_no_session_is_stopped_at_the_second_turn() -> None:
    async with story(app=REDIRECT) as scene:
        page = await scene.browser.navigate(scene.gateway.url + PROTECTED)
        await scene.browser.step(await scene.choose(page))
        scene.browser.set_cookie(scene.gateway.url, "gateway", "x" * 43)
        page = await scene.browser.open(scene.gateway.url + PROTECTED)
        assert (page.status, is_said(page, "sign-in-loop")) == (403, True)
        assert one_button(page) == "/_gateway/sign-in?return_to=/private/dossier%3Fnumero%3D42"
        # The button is a wish: it goes to the provider.
        begun = await scene.browser.navigate(page.url.join(URL(one_button(page), encoded=True)))
        assert begun.status == 303


async def test_a_browser_that_refuses_cookies_is_told_so_and_goes_round_no_more() -> None:
    async with story(app=REDIRECT) as scene:
        begun = await scene.browser.navigate(scene.gateway.url + PROTECTED)
        answered = await scene.choose(begun)
        scene.browser.forget_cookies()
        page = await scene.browser.navigate(answered.location)
        assert (page.status, is_said(page, "attempt"), one_button(page)) == (400, True, "/")
        assert "vérifiez que votre navigateur accepte les cookies" in page.text
        assert scene.provider.calls("token") == 0


async def test_a_browsers_wrong_clock_costs_no_cookie() -> None:
    """Times in cookies are spans, counted by the browser from when they come; no date of ours is in them."""
    async with story(app=REDIRECT) as scene:
        await scene.browser.follow(await scene.choose(await scene.begin()))
        await scene.press_sign_out()
        for page in scene.browser.pages:
            for cookie in page.fields.getall("Set-Cookie", []):
                if "gateway" in cookie:
                    gone = "Max-Age=0" in cookie
                    assert ("expires=" in cookie.lower()) == gone, cookie


@pytest.mark.parametrize("alteration", [id_token(iat=4_000_000_000), id_token(exp=1_000)], ids=["iat", "exp"])
async def test_a_wrong_clock_is_named(alteration: Alteration) -> None:
    async with story(alteration) as scene:
        page = await scene.browser.open((await scene.answered()).location)
        assert (page.status, is_said(page, "clock")) == (502, True)
        assert one_button(page) == "/_gateway/sign-in?return_to=/private/dossier%3Fnumero%3D42"


CODES: Final = {
    "Y500015": "provider-account",
    "Y500025": "provider-domain",
    "Y190001": "provider-aborted",
    "Y500006": "provider-technical",
    "Y020026": "provider-technical",
}


@pytest.mark.real
@pytest.mark.parametrize("code", CODES)
async def test_each_failure_of_the_engines_has_its_sentence(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser, code: str
) -> None:
    async with gateway_before(oidc_engine) as gateway:
        page = await http_browser.open(f"{gateway.url}/_gateway/sign-in?return_to=/private/x")
        failures = 0
        while page.url.port == oidc_engine.port:
            page = await http_browser.follow(await http_browser.submit(page, press=code))
            page = await http_browser.follow(await http_browser.click(page, "Réessayer"))
            failures += 1
            assert failures <= 2
        assert failures == (2 if CODES[code] in {"provider-technical", "provider-aborted"} else 1)
        assert is_said(page, CODES[code])
        page = await http_browser.open(page.url.join(URL(one_button(page), encoded=True)))
        page = await http_browser.follow(await http_browser.submit(page, press="eleonore"))
        assert (page.status, page.url.path) == (200, "/private/x")
