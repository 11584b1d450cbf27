"""A provider says that somebody signed out there: whose sessions end here, and what is not believed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import pytest

from tests.support.alterations import id_token
from tests.support.logout_tokens import CLAIMS, FORMS, SIGNATURES, LogoutCase, logout_token
from tests.support.redis_server import RedisServer
from tests.support.story import CLIENT, Story, story

OFFERED: Final = "backchannel_logout = true"
SID: Final = "the-providers-own-session"
FORM: Final = "application/x-www-form-urlencoded"
REFUSED: Final = {**SIGNATURES, **CLAIMS, **FORMS}


@asynccontextmanager
async def offered(*, sid: str | None = SID, **wanted: Any) -> AsyncIterator[Story]:
    """A gateway that takes logout tokens, and a provider that names its sessions."""
    alterations = () if sid is None else (id_token(sid=sid),)
    async with story(*alterations, provider=OFFERED, **wanted) as scene:
        yield scene


async def post(
    scene: Story, body: bytes | str, *, content_type: str = FORM, method: str = "POST"
) -> tuple[int, dict[str, str], str]:
    """What the provider does: status, fields and text of the answer."""
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            method, scene.own("backchannel-logout"), data=body, headers={"Content-Type": content_type}
        ) as answer,
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        return answer.status, dict(answer.headers), await answer.text()


async def send(scene: Story, token: str) -> int:
    """Send a logout token: the status of the answer."""
    return (await post(scene, aiohttp.FormData({"logout_token": token})().decode()))[0]


async def sub(scene: Story) -> str:
    """Who was signed in first."""
    said: str = scene.events("sign-in")[0]["sub"]
    return said


def token(scene: Story, case: LogoutCase | None = None, **who: str) -> str:
    return logout_token(scene.provider, CLIENT, case, **who)


# Whose sessions end


@pytest.mark.hostile("I1", accepted=True)
@pytest.mark.parametrize("by", [("sid",), ("sub",), ("sid", "sub")], ids="+".join)
async def test_the_session_meant_has_ended_when_the_answer_comes(by: tuple[str, ...]) -> None:
    async with offered() as scene:
        await scene.sign_in()
        who = {name: {"sid": SID, "sub": await sub(scene)}[name] for name in by}
        assert await send(scene, token(scene, None, **who)) == 200
        assert not await scene.signed_in()
        (event,) = scene.events("session-ended")
        assert (event["why"], event["provider"]) == ("backchannel-logout", "default")
        assert event["session"] == scene.events("sign-in")[0]["session"]


@pytest.mark.hostile("I3", accepted=True)
async def test_sub_alone_ends_all_the_sessions_of_a_person_and_sid_one() -> None:
    async with offered() as scene:
        browsers = [scene.browser, *[await scene.another_browser() for _ in range(3)]]
        for number, browser in enumerate(browsers):
            scene.provider.alter(id_token(sid=f"sid-{number}"))
            await scene.sign_in(browser, person="eleonore" if number < 3 else "ahmed")
        assert await send(scene, token(scene, sid="sid-1")) == 200
        assert [await scene.signed_in(browser) for browser in browsers] == [True, False, True, True]
        assert await send(scene, token(scene, sub=await sub(scene))) == 200
        assert [await scene.signed_in(browser) for browser in browsers] == [False, False, False, True]


@pytest.mark.hostile("I3")
@pytest.mark.parametrize(
    "who", [{"sid": "another"}, {"sub": "nobody"}, {"sid": SID, "sub": "nobody"}], ids=str
)
async def test_a_session_that_is_not_here_is_no_fault_and_ends_nobody_elses(who: dict[str, str]) -> None:
    async with offered() as scene:
        await scene.sign_in()
        assert await send(scene, token(scene, None, **who)) == 200
        assert await scene.signed_in()
        assert scene.events("session-ended") == scene.events("logout-refused") == []


@pytest.mark.hostile("I3", accepted=True)
async def test_a_token_for_a_session_already_gone_is_no_fault() -> None:
    async with offered() as scene:
        await scene.sign_in()
        await scene.press_sign_out()
        assert await send(scene, token(scene, sid=SID)) == 200


@pytest.mark.hostile("I1", accepted=True)
async def test_a_provider_that_does_not_say_what_kind_of_token_it_is_is_believed_too() -> None:
    async with offered() as scene:
        await scene.sign_in()
        case = LogoutCase(fault=REFUSED["none"].fault, header={"typ": "JWT"})
        assert await send(scene, token(scene, case, sid=SID)) == 200
        assert not await scene.signed_in()


async def test_whoever_signs_in_again_is_not_ended_by_the_token_of_before() -> None:
    async with offered() as scene:
        await scene.sign_in()
        used = token(scene, sub=await sub(scene))
        assert await send(scene, used) == 200
        await scene.sign_in()
        assert await send(scene, used) == 400
        assert await scene.signed_in()
        (event,) = scene.events("logout-refused")
        assert (event["fault"], event["facts"]["claim"]) == ("logout-claims", "jti")


@pytest.mark.hostile("I2")
async def test_of_twenty_times_the_same_token_one_counts() -> None:
    async with offered() as scene:
        await scene.sign_in()
        same = token(scene, sid=SID)
        statuses = await asyncio.gather(*(send(scene, same) for _ in range(20)))
        assert sorted(statuses) == [200] + [400] * 19
        assert len(scene.events("session-ended")) == 1


# What is not believed


@pytest.fixture(scope="module")
def one_scene() -> Any:
    """One scene for all the refusals, in a loop of its own: none of them changes anything."""
    with asyncio.Runner() as runner:
        entered = offered()
        scene = runner.run(entered.__aenter__())
        runner.run(scene.sign_in())
        yield runner, scene
        runner.run(entered.__aexit__(None, None, None))


@pytest.mark.hostile("I1", "I2")
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_a_token_that_does_not_hold_ends_nothing(one_scene: Any, case: LogoutCase) -> None:
    runner, scene = one_scene

    async def refused() -> None:
        before = len(scene.events("logout-refused"))
        who = {"sid": SID, "sub": await sub(scene)}
        status, _, text = await post(
            scene, aiohttp.FormData({"logout_token": token(scene, case, **who)})().decode()
        )
        assert status == 400
        assert json.loads(text) == {"error": "invalid_request", "error_description": case.fault.value}
        (event,) = scene.events("logout-refused")[before:]
        assert (event["fault"], event["provider"], event["app"]) == (case.fault.value, "default", "app")
        assert await scene.signed_in()
        assert (scene.events("session-ended"), scene.attacker) == ([], [])

    runner.run(refused())


@pytest.mark.hostile("I4")
@pytest.mark.parametrize(
    "body, content_type",
    [
        (b"", FORM),
        (b"token=x", FORM),
        (b"logout_token=a&logout_token=b", FORM),
        (b"logout_token=" + b"a" * ((1 << 20) - 13), FORM),
        (b"logout_token=%FF%FE", FORM),
        (b"\xff\xfe", FORM),
        (b"&".join(b"a%d=b" % n for n in range(100)), FORM),
        (b'{"logout_token": "a.b.c"}', "application/json"),
        (b"logout_token=a.b.c", "text/plain"),
        (b"", "multipart/form-data; boundary=x"),
    ],
    ids=[
        "empty",
        "another name",
        "two",
        "1 MB",
        "no UTF-8",
        "no text",
        "too many",
        "JSON",
        "text",
        "multipart",
    ],
)
def test_what_is_no_form_with_one_token_is_refused(one_scene: Any, body: bytes, content_type: str) -> None:
    runner, scene = one_scene
    before = len(scene.events("logout-refused"))
    status, _, _ = runner.run(post(scene, body, content_type=content_type))
    assert status == 400
    (event,) = scene.events("logout-refused")[before:]
    assert event["fault"] == "logout-malformed"
    assert runner.run(scene.signed_in())


@pytest.mark.hostile("I4")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_any_other_method_is_not_allowed(one_scene: Any, method: str) -> None:
    runner, scene = one_scene
    status, fields, _ = runner.run(post(scene, b"", method=method))
    assert (status, fields["Allow"]) == (405, "POST")
    assert runner.run(scene.signed_in())


@pytest.mark.hostile("I3")
async def test_a_token_of_another_provider_with_the_same_keys_and_names_is_refused() -> None:
    async with offered() as scene:
        await scene.sign_in()
        who = {"sid": SID, "sub": await sub(scene)}
        async with offered() as other:
            theirs = token(other, None, **who)
        assert await send(scene, theirs) == 400
        assert await scene.signed_in()


@pytest.mark.hostile("I1")
async def test_two_hundred_unknown_keys_are_asked_for_once_and_honest_tokens_pass_meanwhile() -> None:
    async with offered() as scene:
        await scene.sign_in()
        before = scene.provider.calls("jwks")
        unknown = [
            LogoutCase(fault=REFUSED["none"].fault, header={"kid": f"unknown-{number}"})
            for number in range(200)
        ]
        forged = [token(scene, case, sid=SID) for case in unknown]
        async with aiohttp.ClientSession() as http:
            url = scene.own("backchannel-logout")

            async def one(forgery: str) -> int:
                async with http.post(url, data={"logout_token": forgery}) as answer:
                    return answer.status

            assert set(await asyncio.gather(*map(one, forged))) == {400}
        assert scene.provider.calls("jwks") - before <= 1
        assert await scene.signed_in()
        assert await send(scene, token(scene, sid=SID)) == 200
        assert not await scene.signed_in()


@pytest.mark.hostile("I4")
async def test_a_thousand_forgeries_cost_no_more_than_their_refusal() -> None:
    async with offered() as scene:
        await scene.sign_in()
        forgery = token(scene, REFUSED["a bit flipped"], sid=SID)
        before, began = scene.provider.calls("jwks"), time.monotonic()
        async with aiohttp.ClientSession() as http:
            url = scene.own("backchannel-logout")
            for _ in range(10):
                answers = await asyncio.gather(
                    *(http.post(url, data={"logout_token": forgery}) for _ in range(100))
                )
                assert {answer.status for answer in answers} == {400}
                for answer in answers:
                    answer.release()
        assert time.monotonic() - began < 60
        assert scene.provider.calls("jwks") == before
        assert await scene.signed_in()


# The store, and what was not asked for


@pytest.mark.hostile("I3")
@pytest.mark.real
async def test_without_the_store_the_provider_is_told_to_come_back(redis_server: RedisServer) -> None:
    async with offered(store=redis_server.url) as scene:
        await scene.sign_in()
        redis_server.stop()
        again = token(scene, sid=SID)
        assert await send(scene, again) == 400
        (event,) = scene.events("logout-refused")
        assert event["fault"] == "store-unreachable"
        redis_server.start()
        await scene.gateway.until_ready()
        # The same token still counts: nothing has ended by it yet.
        assert await send(scene, again) == 200


async def test_a_provider_that_is_not_said_to_send_any_is_not_listened_to() -> None:
    async with story(id_token(sid=SID)) as scene:
        await scene.sign_in()
        assert await send(scene, token(scene, sid=SID)) == 404
        assert await scene.signed_in()
        assert scene.events("logout-refused") == []
