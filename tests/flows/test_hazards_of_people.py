"""Hazards of people and sessions confused, each by its name: what broke others ends at the gateway's door."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.demo.people import PEOPLE
from tests.support.alterations import members
from tests.support.clock import Ahead
from tests.support.story import PROTECTED, Story, story

HOUR: Final = 3600
PLAIN: Final = {"userinfo_signed_response_alg": None}
SUB: Final = PEOPLE[0].sub
DOMAIN: Final = """
[[apps.routes]]
path = "/private/"
require.email_domain = ["gouv.example", "*.gouv.example"]
"""

ADDRESSES: Final = {
    "two at signs": "a@evil.example@gouv.example",
    "a quoted local part": '"a@evil.example"@gouv.example',
    "a dot at its end": "a@gouv.example.",
    "a look-alike letter": "a@g\u043euv.example",
    "a full-width letter": "a@\uff47ouv.example",
    "another dot": "a@gouv\u3002example",
    "a blank before it": " a@gouv.example",
    "a blank after it": "a@gouv.example ",
    "a line": "a@gouv.example\n",
    "a null": "a@gouv.example\0.evil.example",
    "a comment": "a@gouv.example(evil)",
    "nothing": "",
    "no local part": "@gouv.example",
    "two addresses": "b@evil.example, a@gouv.example",
    "a list": ["a@gouv.example"],
    "a number": 1,
    "another domain that ends alike": "a@evilgouv.example",
    "another domain that begins alike": "a@gouv.example.evil.example",
}


async def told_who_it_is(scene: Story, cookie: str) -> bool:
    """Whether a cookie that somebody has copied, and that their browser keeps for ever, leads to anybody."""
    thief = await scene.another_browser()
    thief.set_cookie(scene.gateway.url, "gateway", cookie)
    before = len(scene.upstream)
    page = await thief.navigate(scene.gateway.url + PROTECTED)
    assert (page.status == 200) == (len(scene.upstream) > before)
    return page.status == 200


@pytest.mark.parametrize("email", ADDRESSES.values(), ids=ADDRESSES)
async def test_hazard_two_at_signs_no_address_of_two_readings_passes_a_domain(email: object) -> None:
    async with story(members("userinfo", email=email), client=PLAIN, routes=DOMAIN) as scene:
        page = await scene.sign_in()
        assert page.status == 403, page.text[:300]
        assert scene.upstream == []


@pytest.mark.parametrize("email", ["A@GOUV.Example", "a@b.gouv.example"])
async def test_an_address_of_the_domain_passes_in_any_case_of_its_letters(email: str) -> None:
    async with story(members("userinfo", email=email), client=PLAIN, routes=DOMAIN) as scene:
        assert (await scene.sign_in()).status == 200


async def test_hazard_no_end_on_the_server_a_copied_cookie_ends_with_the_sign_out() -> None:
    async with story() as scene:
        await scene.sign_in()
        copied = scene.browser.cookies(scene.gateway.url)["gateway"]
        assert await told_who_it_is(scene, copied)
        await scene.press_sign_out()
        assert not await told_who_it_is(scene, copied)


async def test_hazard_no_end_on_the_server_a_copied_cookie_ends_an_hour_after_its_last_use() -> None:
    clock = Ahead()
    async with story(clock=clock) as scene:
        await scene.sign_in()
        copied = scene.browser.cookies(scene.gateway.url)["gateway"]
        clock.seconds += HOUR - 60
        assert await told_who_it_is(scene, copied)
        clock.seconds += HOUR + 1
        assert not await told_who_it_is(scene, copied)


async def test_hazard_no_end_on_the_server_a_cookie_in_use_ends_after_twelve_hours() -> None:
    clock = Ahead()
    async with story(clock=clock) as scene:
        await scene.sign_in()
        copied = scene.browser.cookies(scene.gateway.url)["gateway"]
        for _ in range(23):
            clock.seconds += HOUR // 2
            assert await told_who_it_is(scene, copied)
        clock.seconds += HOUR // 2
        assert not await told_who_it_is(scene, copied)


@pytest.mark.parametrize(
    "sub", [SUB.upper(), SUB.replace("3", "\uff13"), SUB + " "], ids=["case", "width", "a blank"]
)
async def test_hazard_identifier_spellings_another_spelling_of_a_sub_is_nobody(sub: str) -> None:
    """Of the ID token's `sub` and userinfo's, every octet counts (OpenID Connect Core 1.0 section 5.3.2)."""
    async with story(members("userinfo", sub=sub), client=PLAIN) as scene:
        page = await scene.sign_in()
        assert page.status == 502
        await scene.nobody()
