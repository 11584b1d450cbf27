"""A token response or userinfo that is not right, and what a provider may well say.

Whatever is wrong: no session, nothing asked for twice, a page without details, one audit line.
"""

from __future__ import annotations

import json

import pytest

from gateway.errors import Fault
from tests.cases import hostile_controls, hostile_token, hostile_userinfo
from tests.support.alterations import Case, cut, id_token, members, says, signed_userinfo
from tests.support.hostile import Alteration
from tests.support.stage import Stage
from tests.support.story import PROTECTED

CASES = {**hostile_token.CASES, **hostile_userinfo.CASES}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_nobody_is_signed_in_by_it(on_stage: Stage, case: Case) -> None:
    bad_certificate = case.at.startswith("e7-")
    async with on_stage.scene(case.at, afterwards="usual" if bad_certificate else None) as scene:
        scene.provider.alter(case.alteration)
        callback = (await scene.answered()).location
        page = await scene.browser.navigate(callback)
        token = 0 if bad_certificate else 1
        await scene.refused(page, status=case.status, fault=case.fault, token=token, userinfo=case.userinfo)
        assert case.fault.value not in page.text
        again = await scene.browser.navigate(callback)
        assert (again.status, scene.provider.calls("token")) == (303, token)


@pytest.mark.parametrize("alteration", hostile_controls.CASES.values(), ids=hostile_controls.CASES)
async def test_what_a_provider_may_say_signs_in(on_stage: Stage, alteration: Alteration) -> None:
    async with on_stage.scene() as scene:
        scene.provider.alter(alteration)
        page = await scene.sign_in()
        assert (page.status, page.url.raw_path_qs) == (200, PROTECTED)


@pytest.mark.hostile("G4")
async def test_userinfo_whose_connection_breaks_signs_nobody_in(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        scene.provider.alter(cut("userinfo"))
        page = await scene.sign_in()
        # A GET may be sent again over a new connection (RFC 9110 section 9.2.2); the code may not.
        calls = scene.provider.calls("userinfo")
        await scene.refused(page, status=502, fault=Fault.PROVIDER_UNREACHABLE, token=1, userinfo=calls)


SPOILT = {
    "C4": id_token(mangled=lambda token: token[:-4]),
    "D4": id_token(nonce="n" * 43),
    "E1": says("token", {"error": "invalid_grant"}, status=400),
    "G1": signed_userinfo(sub="somebody-else"),
}


@pytest.mark.parametrize("alteration", SPOILT.values(), ids=[f"{case} once signed in" for case in SPOILT])
async def test_who_is_signed_in_stays_so_when_a_new_sign_in_fails(
    on_stage: Stage, alteration: Alteration
) -> None:
    async with on_stage.scene() as scene:
        await scene.sign_in()
        before = scene.browser.cookies(scene.gateway.url)["gateway"]
        scene.provider.alter(alteration)
        assert (await scene.sign_in()).status == 502
        assert scene.browser.cookies(scene.gateway.url)["gateway"] == before
        assert await scene.signed_in()


@pytest.mark.hostile("G5", accepted=True)
async def test_userinfo_cannot_say_how_somebody_was_authenticated_or_by_whom(on_stage: Stage) -> None:
    async with on_stage.scene("plain") as scene:
        said = {"acr": "eidas3", "amr": ["hwk"], "auth_time": 1, "iss": "https://other.example", "aud": "x"}
        scene.provider.alter(members("userinfo", **said, exp=1, sid="x", nonce="x"))
        await scene.sign_in()
        known = json.loads((await scene.browser.fetch(scene.own("whoami"))).text)["claims"]
        assert known["sub"]
        assert known.get("acr") != "eidas3"
        assert known.get("amr") != ["hwk"]
        assert known.get("auth_time") != 1
        assert not {"iss", "aud", "exp", "sid", "nonce"} & known.keys()


@pytest.mark.hostile("E7", accepted=True)
async def test_no_cookie_of_a_provider_goes_anywhere(on_stage: Stage) -> None:
    cookie = {"Set-Cookie": "pc_session_id=of-the-provider; Path=/; Secure"}
    async with on_stage.scene() as scene:
        for endpoint in ("token", "userinfo"):
            scene.provider.alter(says(endpoint, bytes, fields=cookie))
        for _ in range(2):
            browser = await scene.another_browser()
            await scene.sign_in(browser)
            pages = [page for page in browser.pages if str(page.url).startswith(scene.gateway.url)]
            fields = [field for page in pages for field in page.fields.getall("Set-Cookie", [])]
            assert [field for field in fields if "of-the-provider" in field] == []
        calls = [call for call in scene.provider.journal if call.endpoint in {"token", "userinfo"}]
        assert len(calls) == 4
        assert [call for call in calls if "Cookie" in call.fields] == []
