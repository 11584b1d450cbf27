"""Floods, canaries, and a provider that is away: what holds when much goes wrong at once."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from gateway.errors import Fault
from tests.support.alterations import cut, id_token, members, says, signed_userinfo, stalled
from tests.support.clock import Clock
from tests.support.hostile import Alteration
from tests.support.http_browser import HTTPBrowser
from tests.support.processes import LOOPBACK
from tests.support.stage import OTHER, Stage
from tests.support.story import PROTECTED, Story, story

AT_ONCE = 100
ATTEMPTS_EACH = 5
BEGUN = 2_000
LIVE_SESSIONS = 50
CROWD = 100
MINUTE = 60
CANARY = "canary-1f0c77-of-the-provider"
SPOKEN = f"{CANARY}\r\nforged=1\x1b[31m\x07\u202e"


@pytest.mark.hostile("E6")
async def test_a_hundred_sign_ins_at_a_slow_provider_bar_nobody_elsewhere(on_stage: Stage) -> None:
    async with on_stage.scene("hurried", seconds=60) as scene:
        scene.provider.alter(stalled("token"))
        callbacks = []
        for _ in range(AT_ONCE // ATTEMPTS_EACH):
            browser = await scene.another_browser()
            callbacks += [(browser, (await scene.answered(browser)).location) for _ in range(ATTEMPTS_EACH)]
        began = time.monotonic()
        slow = [asyncio.ensure_future(browser.navigate(callback)) for browser, callback in callbacks]
        newcomer = await scene.another_browser()
        assert (await on_stage.sign_in(OTHER, newcomer)).status == 200
        pages = await asyncio.gather(*slow)
        assert {page.status for page in pages} == {504}
        assert time.monotonic() - began < 10


CANARIES = {
    "the code": None,
    "an error": None,
    "a token error": says("token", {"error": SPOKEN, "error_description": SPOKEN}, status=400),
    "the access token": members("token", access_token=SPOKEN),
    "the token type": members("token", token_type=SPOKEN),
    "a kid": id_token(header={"kid": SPOKEN}),
    "a sub": id_token(sub=SPOKEN),
    "a nonce": id_token(nonce=SPOKEN),
    "an at_hash": id_token(at_hash=SPOKEN),
    "an ID token": members("token", id_token=SPOKEN),
    "a userinfo sub": signed_userinfo(sub=SPOKEN),
    "userinfo": says("userinfo", SPOKEN, content_type="application/jwt"),
    "a userinfo error": says("userinfo", SPOKEN, status=401, fields={"WWW-Authenticate": CANARY}),
    "a name": signed_userinfo(given_name=SPOKEN, usual_name=SPOKEN, email=f"{CANARY}@example.fr"),
}


@pytest.mark.hostile("J1")
@pytest.mark.parametrize("name", [name for name in CANARIES if name != "a name"])
async def test_what_a_provider_says_is_repeated_nowhere(on_stage: Stage, name: str) -> None:
    alteration: Alteration | None = CANARIES[name]
    async with on_stage.scene() as scene:
        if alteration is not None:
            scene.provider.alter(alteration)
        callback = (await scene.answered()).location
        if name == "the code":
            callback = callback.update_query(code=SPOKEN)
        if name == "an error":
            said = {"error": SPOKEN, "error_description": SPOKEN, "error_uri": f"javascript:{CANARY}"}
            ours = {name: callback.query[name] for name in ("state", "iss")}
            callback = callback.with_query({**said, **ours})
        page = await scene.browser.navigate(callback)
        assert page.status in {400, 502}
        ready = await scene.browser.fetch(f"{scene.gateway.observe}/ready")
        assert CANARY not in page.text + ready.text + str(page.fields)
        scene.settle()
        assert [line for line in scene.gateway.lines if "\n" in str(line) or "\x1b" in str(line)] == []


async def test_many_people_at_once_each_get_their_own_session(on_stage: Stage) -> None:
    async with on_stage.scene("plain", seconds=60) as scene:
        people = scene.provider.memory.people
        crowd = {
            f"person-{n}": replace(people["zoe"], id=f"person-{n}", sub=f"sub-{n}") for n in range(CROWD)
        }
        people.update(crowd)
        try:
            browsers = {name: await scene.another_browser() for name in crowd}
            told = await asyncio.gather(*(enter(scene, name, browser) for name, browser in browsers.items()))
        finally:
            for name in crowd:
                del people[name]
        assert told == [person.sub for person in crowd.values()]


async def enter(scene: Story, person: str, browser: HTTPBrowser) -> str:
    """Sign in as somebody, without looking at the provider's page: who the gateway says it is."""
    begun = await browser.step(await scene.begin(browser))
    answered = await browser.navigate(begun.location, method="POST", form={"person": person})
    assert (await browser.follow(answered)).status == 200
    subs = {json.loads((await browser.fetch(scene.own("whoami"))).text)["claims"]["sub"] for _ in range(3)}
    (sub,) = subs
    return str(sub)


@pytest.mark.hostile("F11")
async def test_attempts_without_end_cost_no_memory_and_no_record(on_stage: Stage) -> None:
    async with on_stage.scene(seconds=60) as scene:
        fields = {"Host": scene.gateway.url.removeprefix("http://")}
        before = on_stage.memory()
        with closing(HTTPConnection(LOOPBACK, scene.gateway.port)) as connection:
            for number in range(BEGUN):
                connection.request("GET", f"/_gateway/sign-in?return_to=/{number}", headers=fields)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 303
        assert on_stage.memory() - before < 8 << 20


@pytest.mark.hostile("J2", accepted=True)
async def test_who_is_signed_in_goes_on_while_the_provider_is_away_and_newcomers_are_told_at_once(
    on_stage: Stage,
) -> None:
    async with on_stage.scene("leaving", seconds=60) as scene:
        browsers = [await scene.another_browser() for _ in range(LIVE_SESSIONS)]
        for browser in browsers:
            assert (await scene.sign_in(browser)).status == 200
        scene.provider.alter(*(cut(name) for name in ("discovery", "jwks", "token", "userinfo", "authorize")))
        await on_stage.until_fault("leaving", Fault.PROVIDER_UNREACHABLE)
        pages = await asyncio.gather(*(each.navigate(scene.gateway.url + PROTECTED) for each in browsers))
        assert {page.status for page in pages} == {200}
        began = time.monotonic()
        strangers = [await scene.another_browser() for _ in range(20)]
        told = await asyncio.gather(*(scene.begin(each) for each in strangers))
        assert {page.status for page in told} == {503}
        assert all(page.fields["Retry-After"] for page in told)
        assert time.monotonic() - began < 5
        scene.provider.reset()
        await on_stage.until_fault("leaving", None)
        assert (await scene.sign_in(strangers[0])).status == 200


@pytest.mark.hostile("J2", accepted=True)
async def test_an_hour_without_the_provider_ends_no_session_before_its_own_lifetime() -> None:
    clock = Clock()
    async with story(clock=clock, provider='metadata_refresh = "1s"') as scene:
        at_work, at_lunch, newcomer = [await scene.another_browser() for _ in range(3)]
        for browser in (at_work, at_lunch):
            assert (await scene.sign_in(browser)).status == 200
        await scene.provider.stop()
        await scene.gateway.until_ready(503)
        for _ in range(6):
            clock.time += 10 * MINUTE
            assert (await at_work.navigate(scene.gateway.url + PROTECTED)).status == 200
            assert (await scene.begin(newcomer)).status == 503
        # An hour has passed: who did not come back within it has been idle for too long, as always.
        assert (await at_lunch.navigate(scene.gateway.url + PROTECTED)).status == 401
        clock.time += 25 * 60 * MINUTE
        assert (await at_work.navigate(scene.gateway.url + PROTECTED)).status == 401
        # The keys of before serve no longer; once the provider is there, so are new ones.
        await scene.provider.start()
        await scene.gateway.until_ready()
        assert (await scene.sign_in(newcomer)).status == 200


@pytest.mark.hostile("J2")
async def test_an_issuer_that_nobody_answers_for_is_told_at_once(on_stage: Stage) -> None:
    for at in ("away", "nameless"):
        async with on_stage.scene(at, afterwards="usual") as scene:
            began = time.monotonic()
            page = await scene.begin()
            assert (page.status, "Retry-After" in page.fields) == (503, True)
            assert time.monotonic() - began < 5
