"""A record that does not open is nobody's session, and one line of the audit, over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis import Redis

from tests.support.gateway import GATEWAY_SECRET
from tests.support.redis_server import RedisServer
from tests.support.story import PROTECTED, Story, story

pytestmark = pytest.mark.real

NEW_SECRET = "another secret of the tests that is long enough to seal with"
AT_ONCE = 20


@pytest.fixture
async def scene(redis_server: RedisServer) -> AsyncIterator[Story]:
    async with story(store=redis_server.url) as scene:
        yield scene


async def just_signed_in(scene: Story) -> None:
    """Sign in, and do not come back: the gateway keeps nothing of the session yet."""
    assert (await scene.browser.step(await scene.answered())).status == 303


async def is_nobody_and_audited_once(scene: Story) -> None:
    (signed_in,) = scene.events("sign-in")
    url = scene.gateway.url + PROTECTED
    pages = await asyncio.gather(*(scene.browser.navigate(url) for _ in range(AT_ONCE)))
    pages.append(await scene.browser.navigate(url))
    assert {page.status for page in pages} == {401}
    assert scene.upstream == []
    (event,) = scene.events("record-refused")
    assert (event["session"], event["app"], event["client"]) == (signed_in["session"], "app", "127.0.0.1")
    assert event["request_id"]
    shown = str(event)
    assert "gateway:" not in shown
    assert scene.browser.cookies(scene.gateway.url)["gateway"] not in shown


async def test_a_garbled_record_is_nobody_and_audited_once(scene: Story, redis_server: RedisServer) -> None:
    await just_signed_in(scene)
    with Redis(port=redis_server.port) as redis:
        (key,) = (key for key in redis.scan_iter("gateway:session:{*}") if not key.endswith(b":summary"))
        record = bytearray(redis.getrange(key, 0, -1))
        record[len(record) // 2] ^= 1
        redis.set(key, bytes(record), keepttl=True)
    await is_nobody_and_audited_once(scene)


async def test_a_record_under_a_secret_that_was_withdrawn_is_nobody_and_audited_once(
    redis_server: RedisServer,
) -> None:
    async with story(store=redis_server.url) as before:
        await just_signed_in(before)
        cookie = before.browser.cookies(before.gateway.url)["gateway"]
    async with story(store=redis_server.url, secret=NEW_SECRET) as after:
        fields = {"Cookie": f"gateway={cookie}"}
        url = after.gateway.url + PROTECTED
        answers = [await after.browser.fetch(url, fields=fields) for _ in range(3)]
        assert {answer.status for answer in answers} == {401}
        (event,) = after.events("record-refused")
        assert cookie not in str(event)
    # While both are held, the same record opens.
    async with story(store=redis_server.url, secret=f"{NEW_SECRET}\\n{GATEWAY_SECRET}") as during:
        answer = await during.browser.fetch(f"{during.gateway.url}/_gateway/whoami", fields=fields)
        assert answer.status == 200
