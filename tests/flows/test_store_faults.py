"""The session store goes away and comes back: nobody is signed out by it, and nobody is let in by it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeAlias

import pytest
from redis import Redis

from gateway.errors import Fault
from tests.support.hostile import Alteration, Hostile, Said
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page
from tests.support.processes import LOOPBACK
from tests.support.redis_server import RedisServer
from tests.support.story import PROTECTED, Story, story

Away: TypeAlias = Callable[[RedisServer], AbstractContextManager[None]]

pytestmark = pytest.mark.real

PUBLIC: Final = '[[apps.routes]]\npath = "/public/"\naccess = "public"'
SOON: Final = 4.0  # seconds within which people are told


@contextmanager
def paused(redis: RedisServer) -> Iterator[None]:
    """Redis accepts connections and answers nothing."""
    redis.pause()
    try:
        yield
    finally:
        redis.resume()


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    """Redis is gone, with all that it held."""
    redis.stop()
    try:
        yield
    finally:
        redis.start()


def told(page: Page) -> None:
    assert page.status == 503
    assert int(page.fields["Retry-After"]) > 0
    assert page.fields["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.fields


async def visit(scene: Story, browser: HTTPBrowser | None = None) -> Page:
    return await (browser or scene.browser).navigate(scene.gateway.url + PROTECTED)


async def just_signed_in(scene: Story) -> HTTPBrowser:
    """Somebody who has not come back since the callback: no gateway keeps anything of the session yet."""
    browser = await scene.another_browser()
    assert (await browser.step(await scene.answered(browser))).status == 303
    return browser


@pytest.mark.parametrize("away", [paused, stopped], ids=["paused", "stopped"])
async def test_people_and_programs_are_told_soon(redis_server: RedisServer, away: Away) -> None:
    async with story(store=redis_server.url) as scene:
        browser = await just_signed_in(scene)
        with away(redis_server):
            began = time.monotonic()
            url = scene.gateway.url + PROTECTED
            page, problem = await asyncio.gather(browser.navigate(url), browser.fetch(url))
            assert time.monotonic() - began < SOON
            told(page)
            told(problem)
            assert page.fields["Content-Type"].startswith("text/html")
            assert json.loads(problem.text)["type"].endswith(f":{Fault.STORE_UNREACHABLE.value}")
            assert scene.upstream == []


async def test_who_was_signed_in_still_is_afterwards(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        browser = await just_signed_in(scene)
        before = browser.cookies(scene.gateway.url)
        with paused(redis_server):
            assert (await visit(scene, browser)).status == 503
        assert browser.cookies(scene.gateway.url) == before
        await scene.gateway.until_ready()
        assert (await visit(scene, browser)).status == 200


@pytest.mark.parametrize("away", [paused, stopped], ids=["paused", "stopped"])
async def test_who_is_at_work_goes_on(redis_server: RedisServer, away: Away) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        with away(redis_server):
            await scene.gateway.until_ready(503)
            assert (await visit(scene)).status == 200


async def test_a_store_that_comes_back_empty_asks_people_to_sign_in(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        with stopped(redis_server):
            assert (await visit(scene)).status == 200
        async with asyncio.timeout(SOON):
            while (page := await visit(scene)).status == 200:
                await asyncio.sleep(0.05)
        assert page.status == 401
        assert (await scene.sign_in()).status == 200


@pytest.mark.parametrize("away", [paused, stopped], ids=["paused", "stopped"])
async def test_what_needs_no_session_goes_on(redis_server: RedisServer, away: Away) -> None:
    async with story(store=redis_server.url, routes=PUBLIC) as scene:
        await scene.sign_in()
        newcomer = await scene.another_browser()
        with away(redis_server):
            assert (await scene.browser.navigate(f"{scene.gateway.url}/public/")).status == 200
            assert (await newcomer.navigate(scene.gateway.url + PROTECTED)).status == 401
            assert (await scene.begin(newcomer)).status == 303


async def test_ready_tells_and_takes_it_back(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        with stopped(redis_server):
            status, faults = await scene.gateway.ready()
            assert status == 503
            assert re.fullmatch("store-unreachable: .*[Cc]onnect.*", faults["sessions.store"])
        await scene.gateway.until_ready()


async def test_a_callback_that_found_no_store_may_come_again(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        callback = (await scene.answered()).location
        with stopped(redis_server):
            told(await scene.browser.navigate(callback))
            assert scene.provider.calls("token") == 0
        await scene.gateway.until_ready()
        assert (await scene.browser.open(callback)).status == 200


async def test_a_session_that_cannot_be_kept_is_not_opened(redis_server: RedisServer) -> None:
    def last_word(said: Said, _: Hostile) -> Said:
        redis_server.stop()
        return said

    async with story(Alteration("userinfo", last_word), store=redis_server.url) as scene:
        page = await scene.sign_in()
        redis_server.start()
        await scene.gateway.until_ready()
        await scene.refused(page, status=503, fault=Fault.STORE_UNREACHABLE, token=1, userinfo=1)


async def test_a_sign_out_that_found_no_store_is_none_and_can_be_tried_again(
    redis_server: RedisServer,
) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        with paused(redis_server):
            told(await scene.press_sign_out())
        assert scene.events("sign-out") == []
        await scene.gateway.until_ready()
        assert (await scene.press_sign_out()).status in {200, 303}
        await scene.nobody()


async def test_no_name_or_address_stands_in_the_store(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        cookie = scene.browser.cookies(scene.gateway.url)["gateway"]
        with Redis(host=LOOPBACK, port=redis_server.port) as client:
            records = {key: client.dump(key) for key in client.keys("*")}
        assert records
        for secret in (b"eleonore", b"Lef", b"eyJhbGci", cookie.encode()):
            assert not [key for key, record in records.items() if secret in key or secret in (record or b"")]
