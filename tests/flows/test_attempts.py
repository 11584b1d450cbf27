"""Whose attempt it is, how often it counts, where it leads back to, and what stays of the session before."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest
from yarl import URL

from gateway.errors import Fault
from gateway.oidc.pending import attempt_cookie_name
from tests.support.attempts import plant
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page
from tests.support.story import PROTECTED, Story, story

CASES: Final = Path(__file__).parent.parent / "cases"
LONG: Final = "/private/" + "x" * 1900
COOKIE_LIMIT: Final = 4096

EVIL_FIELDS: Final = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "https://evil.example/",
    "Forwarded": "host=evil.example;proto=https",
}


def lines(name: str) -> list[str]:
    texts = (CASES / name).read_text("utf-8").splitlines()
    return [json.loads(text) for text in texts if text and not text.startswith("#")]


def attempt_cookies(scene: Story, browser: HTTPBrowser | None = None) -> dict[str, str]:
    cookies = (browser or scene.browser).cookies(scene.gateway.url)
    return {name: value for name, value in cookies.items() if name.startswith("gateway-sign-in-")}


async def name_of(scene: Story, browser: HTTPBrowser | None = None) -> str:
    page = await (browser or scene.browser).navigate(scene.own("whoami"))
    return str(json.loads(page.text)["claims"]["given_name"])


async def landed(scene: Story, return_to: str) -> str:
    """Where a sign-in that was asked to lead to `return_to` leads."""
    raw = return_to.encode("utf-8", "surrogatepass")
    encoded = "".join(f"%{octet:02x}" for octet in raw)
    begun = await scene.browser.navigate(f"{scene.own('sign-in')}?return_to={encoded}")
    page = await scene.browser.step(await scene.choose(begun))
    return page.fields["Location"]


@pytest.mark.hostile("F2")
async def test_a_stranger_who_opens_somebodys_callback_gets_no_session() -> None:
    async with story() as scene:
        callback = (await scene.answered()).location
        victim = await scene.another_browser()
        page = await victim.navigate(callback)
        await scene.refused(page, status=400, fault=Fault.STATE_FOREIGN, browser=victim)
        assert (await scene.browser.open(callback)).status == 200


@pytest.mark.hostile("F2")
async def test_an_attempt_of_ones_own_does_not_let_in_by_somebody_elses_callback() -> None:
    async with story() as scene:
        attackers = (await scene.answered()).location
        victim = await scene.another_browser()
        begun = await scene.begin(victim)
        page = await victim.navigate(attackers)
        await scene.refused(page, status=400, fault=Fault.STATE_FOREIGN, browser=victim)
        arrived = await victim.follow(await scene.choose(begun, victim, person="zoe"))
        assert (arrived.status, await name_of(scene, victim)) == (200, "Zoé")


@pytest.mark.hostile("F2")
async def test_somebody_elses_callback_changes_nothing_for_who_is_signed_in() -> None:
    async with story() as scene:
        attackers = (await scene.answered()).location
        victim = await scene.another_browser()
        await scene.sign_in(victim, person="zoe")
        before = victim.cookies(scene.gateway.url)
        page = await victim.navigate(attackers)
        assert (page.status, victim.cookies(scene.gateway.url)) == (400, before)
        assert await name_of(scene, victim) == "Zoé"
        assert scene.provider.calls("token") == 1


async def test_an_attempt_counts_at_the_host_where_it_was_begun_alone() -> None:
    second = '[[apps]]\nname = "second"\nhost = "127.0.0.1"\nupstream = "http://127.0.0.1:1"'
    async with story(app='host = "localhost"', routes=second) as scene:
        callback = (await scene.answered()).location
        elsewhere = callback.with_host("127.0.0.1")
        for name, value in attempt_cookies(scene).items():
            scene.browser.set_cookie(elsewhere, name, value)
        page = await scene.browser.navigate(elsewhere)
        assert (page.status, scene.provider.calls("token")) == (400, 0)
        (event,) = scene.events("sign-in-refused")
        assert (event["app"], event["fault"]) == ("second", "state-foreign")


@pytest.mark.hostile("F6")
async def test_a_code_of_another_sign_in_is_sent_with_this_attempts_own_verifier() -> None:
    async with story() as scene:
        stolen = (await scene.answered(await scene.another_browser(), person="zoe")).location.query["code"]
        callback = (await scene.answered()).location
        page = await scene.browser.navigate(callback.update_query(code=stolen))
        await scene.refused(page, status=502, fault=Fault.TOKEN_ERROR, token=1)


@pytest.mark.hostile("F3")
async def test_the_same_callback_twenty_times_at_once_asks_for_one_token() -> None:
    async with story() as scene:
        callback = (await scene.answered()).location
        pages = await asyncio.gather(*(scene.browser.navigate(callback) for _ in range(20)))
        assert {(page.status, page.fields["Location"]) for page in pages} == {(303, PROTECTED)}
        assert (scene.provider.calls("token"), scene.provider.calls("userinfo")) == (1, 1)
        assert len(scene.events("sign-in")) == 1
        assert await scene.signed_in()


@pytest.mark.hostile("F3")
async def test_a_used_callback_is_refused_where_no_session_lives() -> None:
    async with story() as scene:
        callback = (await scene.answered()).location
        await scene.browser.open(callback)
        stranger = await scene.another_browser()
        assert (await stranger.navigate(callback)).status == 400
        assert [event["fault"] for event in scene.events("sign-in-refused")] == ["state-replayed"]
        assert scene.provider.calls("token") == 1
        await scene.nobody(stranger)


@pytest.mark.hostile("F10")
async def test_no_doubtful_return_target_leads_anywhere_but_home() -> None:
    async with story() as scene:
        ends = {target: await landed(scene, target) for target in lines("return_to_refused.txt")}
        assert {target: end for target, end in ends.items() if end != "/"} == {}


@pytest.mark.hostile("F10", accepted=True)
async def test_a_page_of_the_application_is_returned_to_byte_for_byte() -> None:
    async with story() as scene:
        ends = {target: await landed(scene, target) for target in lines("return_to_kept.txt")}
        assert {target: end for target, end in ends.items() if end != target} == {}


@pytest.mark.hostile("F10")
@pytest.mark.parametrize("path", ["sign-in", "callback", "sign-out", "signed-out", "whoami"])
async def test_a_forged_host_is_nobodys(path: str) -> None:
    async with story() as scene:
        page = await scene.browser.navigate(scene.own(path), fields={"Host": "evil.example"})
        assert (page.status, page.fields.get("Location")) == (421, None)
        assert "evil.example" not in page.text


@pytest.mark.hostile("F10")
async def test_forged_forwarded_fields_move_neither_the_redirect_uri_nor_the_way_back() -> None:
    async with story() as scene:
        url = URL(scene.own("sign-in")).with_query(return_to=PROTECTED)
        begun = await scene.browser.navigate(url, fields=EVIL_FIELDS)
        assert begun.location.query["redirect_uri"] == scene.gateway.redirect_uri
        callback = (await scene.choose(begun)).location
        page = await scene.browser.navigate(callback, fields=EVIL_FIELDS)
        assert (page.status, page.fields["Location"]) == (303, PROTECTED)


@pytest.mark.hostile("F11")
async def test_attempts_without_end_keep_the_cookies_few_and_small_and_the_newest_works() -> None:
    async with story() as scene:
        sizes: list[int] = []
        begun: Page | None = None
        for number in range(12):
            begun = await scene.begin(return_to=f"{LONG}{number}" if number % 3 else "/")
            cookies = attempt_cookies(scene)
            sizes.append(sum(len(f"{name}={value}; ") for name, value in cookies.items()))
            assert len(cookies) <= 5
        assert max(sizes) < COOKIE_LIMIT
        assert begun is not None
        assert (await scene.browser.follow(await scene.choose(begun))).url.path == f"{LONG}11"


@pytest.mark.hostile("F11")
async def test_a_sixth_attempt_costs_the_oldest_one() -> None:
    async with story() as scene:
        planted = [plant(scene, age=age) for age in (300, 500, 100, 400, 200)]
        before = attempt_cookies(scene)
        await scene.begin()
        gone = set(before) - set(attempt_cookies(scene))
        assert gone == {attempt_cookie_name(planted[1].state, secure=False)}
        assert len(attempt_cookies(scene)) == 5


@pytest.mark.hostile("F11", accepted=True)
async def test_two_tabs_at_once_end_each_on_its_own_page() -> None:
    async with story() as scene:
        targets = ("/private/one?tab=1", "/private/two?tab=2")
        begun = [await scene.begin(return_to=target) for target in targets]
        answered = [await scene.choose(page) for page in begun]
        ends = await asyncio.gather(*(scene.browser.follow(page) for page in answered))
        assert [page.url.raw_path_qs for page in ends] == list(targets)
        assert [page.status for page in ends] == [200, 200]


@pytest.mark.hostile("F12")
@pytest.mark.parametrize("planted", ["x" * 43, "A" * 43, "short", ""])
async def test_a_planted_identifier_never_becomes_a_session(planted: str) -> None:
    async with story() as scene:
        scene.browser.set_cookie(scene.gateway.url, "gateway", planted)
        await scene.sign_in()
        assert scene.browser.cookies(scene.gateway.url)["gateway"] != planted
        attacker = await scene.another_browser()
        attacker.set_cookie(scene.gateway.url, "gateway", planted)
        assert not await scene.signed_in(attacker)


@pytest.mark.hostile("F12")
async def test_signing_in_over_somebodys_session_ends_it_and_shows_nothing_of_them() -> None:
    async with story() as scene:
        await scene.sign_in(person="eleonore")
        first = scene.browser.cookies(scene.gateway.url)["gateway"]
        victim = await scene.another_browser()
        victim.set_cookie(scene.gateway.url, "gateway", first)
        await scene.sign_in(victim, person="zoe")
        assert await name_of(scene, victim) == "Zoé"
        assert victim.cookies(scene.gateway.url)["gateway"] != first
        assert not await scene.signed_in(scene.browser)
