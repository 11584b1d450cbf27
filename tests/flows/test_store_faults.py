"""The session store goes away and comes back: nobody is signed out by it, and nobody is let in by it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeAlias

import pytest
from redis import Redis

from gateway.errors import Fault
from tests.support.hostile import Alteration, Hostile, Said
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


async def visit(scene: Story) -> Page:
    return await scene.browser.navigate(scene.gateway.url + PROTECTED)


@pytest.mark.parametrize("away", [paused, stopped], ids=["paused", "stopped"])
async def test_people_and_programs_are_told_soon(redis_server: RedisServer, away: Away) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        with away(redis_server):
            began = time.monotonic()
            url = scene.gateway.url + PROTECTED
            page, problem = await asyncio.gather(scene.browser.navigate(url), scene.browser.fetch(url))
            assert time.monotonic() - began < SOON
            told(page)
            told(problem)
            assert page.fields["Content-Type"].startswith("text/html")
            assert json.loads(problem.text)["type"].endswith(f":{Fault.STORE_UNREACHABLE.value}")
            assert scene.upstream == [f"GET {PROTECTED}"]


async def test_who_was_signed_in_still_is_afterwards(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        before = scene.browser.cookies(scene.gateway.url)
        with paused(redis_server):
            assert (await visit(scene)).status == 503
        assert scene.browser.cookies(scene.gateway.url) == before
        assert (await visit(scene)).status == 200


async def test_a_store_that_comes_back_empty_asks_people_to_sign_in(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        with stopped(redis_server):
            assert (await visit(scene)).status == 503
        assert (await visit(scene)).status == 401
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
            assert await scene.ready() == (503, {"sessions.store": "store-unreachable"})
        assert await scene.ready() == (200, {})


async def test_a_callback_that_found_no_store_may_come_again(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        callback = (await scene.answered()).location
        with stopped(redis_server):
            told(await scene.browser.navigate(callback))
            assert scene.provider.calls("token") == 0
        assert (await scene.browser.open(callback)).status == 200


async def test_a_session_that_cannot_be_kept_is_not_opened(redis_server: RedisServer) -> None:
    def last_word(said: Said, _: Hostile) -> Said:
        redis_server.stop()
        return said

    async with story(Alteration("userinfo", last_word), store=redis_server.url) as scene:
        page = await scene.sign_in()
        redis_server.start()
        await scene.refused(page, status=503, fault=Fault.STORE_UNREACHABLE, token=1, userinfo=1)


async def test_a_sign_out_that_found_no_store_leaves_the_person_signed_in(
    redis_server: RedisServer,
) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        with paused(redis_server):
            told(await scene.press_sign_out())
        assert scene.events("sign-out") == []
        assert (await visit(scene)).status == 200


async def test_no_name_or_address_stands_in_the_store(redis_server: RedisServer) -> None:
    async with story(store=redis_server.url) as scene:
        await scene.sign_in()
        cookie = scene.browser.cookies(scene.gateway.url)["gateway"]
        with Redis(host=LOOPBACK, port=redis_server.port) as client:
            records = {key: client.dump(key) for key in client.keys("*")}
        assert records
        for secret in (b"eleonore", b"Lef", b"eyJhbGci", cookie.encode()):
            assert not [key for key, record in records.items() if secret in key or secret in (record or b"")]
