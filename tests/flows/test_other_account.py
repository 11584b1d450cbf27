"""From one account to another: out here and at the provider, and back to the page first asked for."""

from __future__ import annotations

import pytest
from yarl import URL

from tests.support.page import Page
from tests.support.story import PROTECTED, Story, story

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "/%2fevil.example/",
    "/_gateway/sign-out",
    "javascript:alert(1)",
    "",
]


async def switched(scene: Story, back: str) -> Page:
    """What the button of a refusal does, as far as the provider: its redirect back to the gateway."""
    url = URL(scene.own("sign-out")).with_query(switch=back)
    left = await scene.browser.navigate(url, method="POST", initiator=URL(scene.gateway.url + PROTECTED))
    (onward,) = [link.href for link in left.links if link.label == "Continuer"]
    return await scene.browser.follow(
        await scene.browser.navigate(URL(onward, encoded=True)), until=scene.gateway.post_logout_redirect_uri
    )


async def test_another_account_arrives_on_the_page_first_asked_for() -> None:
    async with story() as scene:
        await scene.sign_in(person="noemie")
        back = await switched(scene, PROTECTED)
        assert not await scene.signed_in()
        choice = await scene.browser.follow(back)
        page = await scene.browser.follow(await scene.browser.submit(choice, press="eleonore"))
        assert str(page.url) == scene.gateway.url + PROTECTED
        assert len({event["sub"] for event in scene.events("sign-in")}) == 2
        assert "gateway-sign-out" not in scene.browser.cookies(scene.gateway.url)


@pytest.mark.parametrize("back", ELSEWHERE)
async def test_the_way_back_leads_nowhere_else(back: str) -> None:
    async with story() as scene:
        await scene.sign_in()
        page = await scene.browser.navigate((await switched(scene, back)).location)
        assert str(page.location) == f"{scene.gateway.url}/_gateway/sign-in?return_to=/"
        assert scene.attacker == []


async def test_a_return_with_another_state_starts_nothing_and_offers_the_page() -> None:
    async with story() as scene:
        await scene.sign_in()
        back = (await switched(scene, PROTECTED)).location
        page = await scene.browser.navigate(back.with_query(state="another"))
        assert page.status == 200
        assert PROTECTED in [link.href for link in page.links]


async def test_who_is_signed_out_already_is_asked_to_sign_in_on_the_page() -> None:
    async with story() as scene:
        url = URL(scene.own("sign-out")).with_query(switch=PROTECTED)
        page = await scene.browser.navigate(url, method="POST", initiator=URL(scene.gateway.url + "/"))
        page = await scene.browser.follow(page)
        assert (page.status, str(page.url)) == (401, scene.gateway.url + PROTECTED)


@pytest.mark.parametrize("kept", ["state.%%%", "state.", ".", "state.Ly9ldmlsLmV4YW1wbGU", "x" * 4000])
async def test_a_cookie_that_somebody_changed_leads_nowhere_else(kept: str) -> None:
    async with story() as scene:
        scene.browser.set_cookie(scene.gateway.url, "gateway-sign-out", kept)
        page = await scene.browser.navigate(URL(scene.own("signed-out")).with_query(state="state"))
        if page.status == 303:
            assert str(page.location) == f"{scene.gateway.url}/_gateway/sign-in?return_to=/"
        else:
            assert page.status == 200
        assert scene.attacker == []
