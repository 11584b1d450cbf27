"""Kept forms between the engines that ProConnect runs and a real Redis, and by the clock."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from redis.asyncio import Redis

from tests.support.clock import Ahead
from tests.support.flows import OK, gateway_before, sign_in
from tests.support.forms import (
    BODIES,
    FORM,
    KEPT,
    again,
    end_session,
    message,
    send,
    sign_in_from,
)
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.raw import RawUpstream
from tests.support.redis_server import RedisServer
from tests.support.story import Story, story

TEN_MINUTES: Final = 600
KINDS: Final = ["fields", "a file", "JSON", "broken multipart"]


@pytest.mark.real
@pytest.mark.parametrize("name", KINDS)
async def test_a_form_waits_in_redis_and_arrives_whole_once(
    oidc_engine: OIDCEngine, redis_server: RedisServer, name: str
) -> None:
    kind, body = BODIES[name]
    async with (
        RawUpstream(OK) as upstream,
        gateway_before(oidc_engine, upstream=upstream.url, store=redis_server.url) as gateway,
        HTTPBrowser() as browser,
        Redis.from_url(redis_server.url) as redis,
    ):
        await sign_in(browser, f"{gateway.url}/", "eleonore")
        upstream.requests.clear()
        end_session(browser, gateway.url)
        page = await send(browser, gateway.url + FORM, body=body, kind=kind)
        assert (page.status, KEPT in page.text) == (401, True)
        (key,) = [key async for key in redis.scan_iter("gateway:form:*")]
        assert 0 < await redis.ttl(key) <= TEN_MINUTES
        record = await redis.get(key)
        assert isinstance(record, bytes)
        assert body not in record
        asked = await sign_in_from(browser, page, home=gateway.url)
        assert upstream.requests == []
        target, wish = again(asked)
        pages = await asyncio.gather(*(send(browser, gateway.url + target, body=wish) for _ in range(4)))
        assert sorted(page.status for page in pages) == [200, 410, 410, 410]
        assert [message(request)[1] for request in upstream.requests] == [body]
        assert message(upstream.requests[0])[0]["Content-Type"] == kind
        assert await redis.exists(key) == 0


@pytest.mark.real
async def test_another_person_of_the_engine_gets_nothing_of_it(
    oidc_engine: OIDCEngine, redis_server: RedisServer
) -> None:
    async with (
        RawUpstream(OK) as upstream,
        gateway_before(oidc_engine, upstream=upstream.url, store=redis_server.url) as gateway,
        HTTPBrowser() as browser,
        Redis.from_url(redis_server.url) as redis,
    ):
        await sign_in(browser, f"{gateway.url}/", "eleonore")
        upstream.requests.clear()
        end_session(browser, gateway.url)
        page = await send(browser, gateway.url + FORM)
        cookies = browser.cookies(gateway.url)
        browser.forget_cookies()
        for cookie in cookies:
            if cookie.startswith("gateway"):
                browser.set_cookie(gateway.url, cookie, cookies[cookie])
        page = await sign_in_from(browser, page, home=gateway.url, person="solene")
        assert (page.status, "avec un autre compte, il a été effacé" in page.text) == (410, True)
        assert upstream.requests == []
        assert [key async for key in redis.scan_iter("gateway:form:*")] == []


async def asked_after(scene: Story, clock: Ahead, seconds: int) -> tuple[int, bool, bool]:
    """Send a form after the session's end, sign in so much later: what comes of it."""
    await scene.sign_in()
    end_session(scene.browser, scene.gateway.url)
    page = await send(scene.browser, scene.gateway.url + FORM)
    assert KEPT in page.text
    clock.seconds += seconds
    page = await sign_in_from(scene.browser, page, home=scene.gateway.url)
    return page.status, "Envoyer de nouveau" in page.text, "n’est plus disponible" in page.text  # noqa: RUF001


@pytest.mark.parametrize(
    "seconds, expected",
    [(TEN_MINUTES - 60, (200, True, False)), (TEN_MINUTES + 1, (410, False, True))],
    ids=["before ten minutes", "after ten minutes"],
)
async def test_a_form_is_kept_for_ten_minutes_by_the_clock(
    seconds: int, expected: tuple[int, bool, bool]
) -> None:
    clock = Ahead()
    async with story(clock=clock) as scene:
        assert await asked_after(scene, clock, seconds) == expected


async def test_the_page_that_asks_sends_nothing_any_more_after_ten_minutes() -> None:
    clock = Ahead()
    async with story(clock=clock) as scene:
        await scene.sign_in()
        end_session(scene.browser, scene.gateway.url)
        page = await send(scene.browser, scene.gateway.url + FORM)
        asked = await sign_in_from(scene.browser, page, home=scene.gateway.url)
        scene.upstream.clear()
        clock.seconds += TEN_MINUTES + 1
        page = await scene.browser.submit(asked, press="Envoyer de nouveau")
        assert (page.status, scene.upstream) == (410, [])
