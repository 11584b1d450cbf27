"""Metadata that is refused: nobody is sent to such an issuer, and whoever is signed in stays so."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.errors import Fault
from tests.cases.hostile_metadata import NO_PKCE, REFUSED, UNREACHED, Refused
from tests.cases.issuers import TURNING
from tests.support.issuers import name_of
from tests.support.stage import CHANGE_IS_SEEN_WITHIN, POLL_SECONDS, Stage
from tests.support.story import PROTECTED


@pytest.mark.parametrize("name", REFUSED)
async def test_nobody_is_sent_to_an_issuer_whose_metadata_is_refused(on_stage: Stage, name: str) -> None:
    row: Refused = REFUSED[name]
    at = name_of(name)
    async with on_stage.scene(at, afterwards="usual") as scene:
        page = await scene.begin()
        assert page.status == row.status, page.text[:300]
        assert ("Retry-After" in page.fields) == (row.status == 503)
        assert page.fields["Cache-Control"] == "no-store"
        assert not {"Location", "Set-Cookie"} & page.fields.keys()
        assert row.fault.value not in page.text
        scene.settle()
        (line,) = [line for line in scene.gateway.lines if line["event"] == "error"]
        assert line["fault"] == row.fault.value
        assert scene.provider.calls("authorize") == 0
        await scene.nobody()
    told = [json.loads(line) for line in on_stage.lines if f'"{at}"' in line]
    event = "provider away" if row.fault in UNREACHED else "metadata-refused"
    (said,) = [line for line in told if line["event"] == event]
    assert said["fault"] == row.fault.value


@pytest.mark.parametrize("name", NO_PKCE)
async def test_a_challenge_is_sent_whatever_is_advertised(on_stage: Stage, name: str) -> None:
    async with on_stage.scene(name_of(name)) as scene:
        begun = await scene.begin()
        assert begun.location.query["code_challenge_method"] == "S256"
        await scene.browser.follow(await scene.choose(begun))
        assert scene.upstream == [f"GET {PROTECTED}"]


@pytest.mark.hostile("A6", accepted=True)
async def test_metadata_that_changes_for_the_worse_changes_nothing(on_stage: Stage) -> None:
    names = [name_of(name) for name in TURNING]
    async with on_stage.scene(names[0], honest=False) as scene:
        await on_stage.reset(*names)
        browsers = {}
        for at in names:
            browsers[at] = await scene.another_browser()
            assert (await on_stage.sign_in(at, browsers[at])).status == 200
        for name, at in zip(TURNING, names, strict=True):
            on_stage.providers[at].alter(TURNING[name])
        async with asyncio.timeout(CHANGE_IS_SEEN_WITHIN):
            while not set(names) <= {event["provider"] for event in scene.events("metadata-refused")}:
                await asyncio.sleep(POLL_SECONDS)
            kept = await browsers[at].navigate(on_stage.url(at) + PROTECTED)
            assert kept.status == 200
            newcomer = await scene.another_browser()
            assert (await on_stage.sign_in(at, newcomer)).status == 200
            refused = [line for line in scene.events("metadata-refused") if line["provider"] == at]
            assert [line["fault"] for line in refused] == [Fault.METADATA_CHANGED.value]
        await on_stage.reset(*names)
