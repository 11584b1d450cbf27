"""An ID token that is not right: no session, no userinfo request, a page without details, one audit line."""

from __future__ import annotations

import pytest

from tests.cases.hostile_id_token import CASES
from tests.support.alterations import Case
from tests.support.stage import Stage


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_nobody_is_signed_in_by_it(on_stage: Stage, case: Case) -> None:
    async with on_stage.scene(case.at) as scene:
        scene.provider.alter(case.alteration)
        callback = (await scene.answered()).location
        page = await scene.browser.navigate(callback)
        await scene.refused(page, status=case.status, fault=case.fault, token=1)
        assert case.fault.value not in page.text
        again = await scene.browser.navigate(callback)
        assert (again.status, scene.provider.calls("token")) == (303, 1)
