"""Codes and tokens that belong somewhere else: of another provider, another person, another attempt."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable

import pytest
from yarl import URL

from gateway.errors import Fault
from tests.support import honest
from tests.support.alterations import id_token, members, says
from tests.support.http_browser import HTTPBrowser
from tests.support.stage import OTHER, Stage
from tests.support.story import PROTECTED, Story


async def answered_at(on_stage: Stage, at: str, browser: HTTPBrowser, *, person: str = "zoe") -> URL:
    """The honest callback of somebody's sign-in at an issuer, which nobody has followed."""
    begun = await browser.navigate(f"{on_stage.url(at)}/_gateway/sign-in?return_to=/")
    page = await browser.submit(await browser.follow(begun), press=person)
    return page.location


def kept(tokens: list[str]) -> Callable[[str], str]:
    """An alteration of nothing, which keeps each token that passes."""

    def keep(token: str) -> str:
        tokens.append(token)
        return token

    return keep


def no_code_was_redeemed(on_stage: Stage, scene: Story) -> bool:
    return (scene.provider.calls("token"), on_stage.providers[OTHER].calls("token")) == (0, 0)


@pytest.mark.hostile("F5")
async def test_the_code_of_another_provider_goes_to_nobody_when_that_provider_says_who_it_is(
    on_stage: Stage,
) -> None:
    async with on_stage.scene() as scene:
        others = await answered_at(on_stage, OTHER, scene.browser)
        ours = (await scene.answered()).location
        mixed = ours.update_query(code=others.query["code"], iss=others.query["iss"])
        page = await scene.browser.navigate(mixed)
        await scene.refused(page, status=400, fault=Fault.RESPONSE_ISS)
        assert no_code_was_redeemed(on_stage, scene)


@pytest.mark.hostile("F5")
async def test_an_answer_of_another_provider_counts_at_its_own_callback_alone(on_stage: Stage) -> None:
    async with on_stage.scene("silent") as scene:
        others = await answered_at(on_stage, OTHER, scene.browser)
        ours = (await scene.answered()).location
        # The hostile provider sent the browser on to the honest one, with the `state` of its own attempt.
        page = await scene.browser.navigate(others.update_query(state=ours.query["state"]))
        assert page.status == 400
        (event,) = scene.events("sign-in-refused")
        assert (event["app"], event["provider"], event["fault"]) == (OTHER, OTHER, Fault.STATE_FOREIGN.value)
        page = await scene.browser.navigate(ours.with_query(others.query))
        assert page.status == 400
        assert no_code_was_redeemed(on_stage, scene)


@pytest.mark.hostile("F6")
async def test_a_provider_that_ignores_the_verifier_is_found_out_by_the_nonce(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        stolen = (await scene.answered(await scene.another_browser(), person="zoe")).location.query["code"]
        memory = scene.provider.memory
        scene.provider.alter(
            says("token", lambda _: json.dumps(memory.issue(memory.codes[stolen])), status=200)
        )
        begun = await scene.begin()
        callback = (await scene.choose(begun)).location
        page = await scene.browser.navigate(callback.update_query(code=stolen))
        await scene.refused(page, status=502, fault=Fault.ID_TOKEN_NONCE, token=1)
        (call,) = [call for call in scene.provider.journal if call.endpoint == "token"]
        verifier = call.parameters["code_verifier"].encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        assert challenge == begun.location.query["code_challenge"]


@pytest.mark.hostile("D4")
async def test_the_nonce_of_another_attempt_of_this_browser_is_not_this_attempts(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        other = await scene.begin(return_to="/other")
        callback = (await scene.answered()).location
        scene.provider.alter(id_token(nonce=other.location.query["nonce"]))
        page = await scene.browser.navigate(callback)
        await scene.refused(page, status=502, fault=Fault.ID_TOKEN_NONCE, token=1)


@pytest.mark.hostile("D4")
async def test_an_id_token_of_an_earlier_sign_in_signs_nobody_in(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        earlier: list[str] = []
        scene.provider.alter(id_token(mangled=kept(earlier)))
        await scene.sign_in(await scene.another_browser(), person="zoe")
        scene.provider.alter(members("token", id_token=earlier[0]))
        page = await scene.sign_in()
        assert page.status == 502
        (event,) = scene.events("sign-in-refused")
        # Its nonce and its at_hash are of the earlier one; the nonce is looked at first.
        assert event["fault"] == Fault.ID_TOKEN_NONCE.value
        await scene.nobody()


@pytest.mark.hostile("D5")
async def test_an_access_token_of_somebody_else_is_not_used(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        memory = scene.provider.memory
        code = (await scene.answered(await scene.another_browser(), person="zoe")).location.query["code"]
        others = memory.issue(memory.codes[code])
        scene.provider.alter(members("token", access_token=others["access_token"]))
        page = await scene.sign_in()
        await scene.refused(page, status=502, fault=Fault.ID_TOKEN_AT_HASH, token=1)


@pytest.mark.hostile("C4", "D1")
async def test_a_token_of_another_provider_signs_nobody_in(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        second = on_stage.providers[OTHER]
        scene.provider.alter(id_token(signing=("RS256", second.keys.rs256)))
        await scene.refused(await scene.sign_in(), status=502, fault=Fault.KEY_UNKNOWN, token=1)
    async with on_stage.scene() as scene:
        scene.provider.alter(id_token(iss=second.issuer))
        await scene.refused(await scene.sign_in(), status=502, fault=Fault.ID_TOKEN_ISS, token=1)


@pytest.mark.hostile("G3")
async def test_userinfo_of_another_kind_or_another_person_signs_nobody_in(on_stage: Stage) -> None:
    tokens: list[str] = []
    async with on_stage.scene() as scene:
        scene.provider.alter(id_token(mangled=kept(tokens)))
        scene.provider.alter(says("userinfo", lambda _: tokens[-1], content_type="application/jwt"))
        page = await scene.sign_in()
        await scene.refused(page, status=502, fault=Fault.USERINFO_TYPE, token=1, userinfo=1)
    async with on_stage.scene() as scene:
        person = scene.provider.memory.people["zoe"].claims(acr="eidas1")
        now = scene.provider.memory.clock()
        claims = {**person, "aud": "the-client-of-the-story", "iss": scene.provider.issuer, "exp": now + 60}
        others = honest.signed(claims, key=scene.provider.keys.rs256)
        scene.provider.alter(says("userinfo", others, content_type="application/jwt"))
        page = await scene.sign_in()
        await scene.refused(page, status=502, fault=Fault.USERINFO_SUB, token=1, userinfo=1)


@pytest.mark.hostile("F5", accepted=True)
async def test_sign_ins_at_two_providers_at_once_end_each_at_its_own(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        others = await answered_at(on_stage, OTHER, scene.browser)
        ours = (await scene.answered()).location
        for callback in (ours, others):
            assert (await scene.browser.open(callback)).status == 200
        assert scene.upstream == [f"GET {PROTECTED}", "GET /"]
