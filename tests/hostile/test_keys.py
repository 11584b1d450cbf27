"""Key sets that are not right: the one key that may have signed is used, or nobody is signed in."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from gateway.demo.provider_keys import KeyPair
from gateway.errors import Fault
from tests.cases.hostile_keys import ACCEPTED, REFUSED
from tests.support.alterations import id_token, says, stalled
from tests.support.issuers import name_of
from tests.support.stage import Stage
from tests.support.story import PROTECTED

FLOOD = 200


@pytest.mark.parametrize("name", REFUSED)
async def test_without_the_right_key_nobody_is_signed_in(on_stage: Stage, name: str) -> None:
    case, _ = REFUSED[name]
    async with on_stage.scene(name_of(name), afterwards="usual") as scene:
        page = await scene.sign_in()
        assert scene.provider.calls("jwks") <= 1
        await scene.refused(page, status=case.status, fault=case.fault, token=1)


@pytest.mark.parametrize("name", ACCEPTED)
async def test_the_right_key_is_found_among_others(on_stage: Stage, name: str) -> None:
    async with on_stage.scene(name_of(name)) as scene:
        assert (await scene.sign_in()).status == 200
        assert scene.upstream == [f"GET {PROTECTED}"]


@pytest.mark.hostile("B1", accepted=True)
@pytest.mark.parametrize("keep_old", [True, False])
async def test_a_rotation_of_keys_between_two_sign_ins_costs_one_fetch(
    on_stage: Stage,
    keep_old: bool,  # noqa: FBT001
) -> None:
    async with on_stage.scene(f"rotating-{'kept' if keep_old else 'gone'}", afterwards="usual") as scene:
        await scene.sign_in()
        scene.provider.memory.rotate_keys(KeyPair.generate(), keep_old=keep_old)
        assert (await scene.sign_in(await scene.another_browser())).status == 200
        assert scene.provider.calls("jwks") == 1


@pytest.mark.hostile("B2")
async def test_unknown_keys_without_end_cost_one_fetch_and_bar_no_honest_sign_in(on_stage: Stage) -> None:
    async with on_stage.scene("flooded", seconds=60) as scene:
        for number in range(FLOOD):
            scene.provider.alter(id_token(header={"kid": secrets.token_hex(8)}))
            assert (await scene.sign_in()).status == 502
            if number % 50 == 0:
                scene.provider.altered.clear()
                newcomer = await scene.another_browser()
                assert (await scene.sign_in(newcomer)).status == 200
        assert scene.provider.calls("token") == FLOOD + 4
        # One each cooldown of 30 seconds, however slow this machine is.
        assert scene.provider.calls("jwks") <= 3
        faults = {event["fault"] for event in scene.events("sign-in-refused")}
        assert faults == {Fault.KEY_UNKNOWN.value}


@pytest.mark.hostile("B5", accepted=True)
async def test_known_keys_serve_while_no_newer_set_can_be_had(on_stage: Stage) -> None:
    async with on_stage.scene("fresh") as scene:
        for alteration in (says("jwks", status=500), says("jwks", status=302, to="/jwks"), stalled("jwks")):
            scene.provider.alter(alteration)
            asked = scene.provider.calls("jwks")
            async with asyncio.timeout(15):
                while scene.provider.calls("jwks") == asked:
                    await asyncio.sleep(0.1)
            newcomer = await scene.another_browser()
            assert (await scene.sign_in(newcomer)).status == 200
