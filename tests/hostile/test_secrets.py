"""Where nothing secret may stand, beside the log: pages, metrics, and what the machine shows of a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.alterations import id_token, says
from tests.support.stage import OTHER, Stage
from tests.support.story import Story


async def a_whole_visit(on_stage: Stage, scene: Story) -> None:
    """Sign in, fail, look, be refused, sign out: whatever a person or a program may see."""
    await scene.sign_in()
    for path in ("whoami", "signed-out", "callback?code=x", "sign-in?return_to=//evil", "backchannel-logout"):
        await scene.browser.navigate(scene.own(path))
        await scene.browser.fetch(scene.own(path))
    await scene.browser.fetch(f"{scene.gateway.url}/api/me")
    failing = await scene.another_browser()
    for alteration in (id_token(nonce="n" * 43), says("token", {"error": "invalid_grant"}, status=400)):
        scene.provider.alter(alteration)
        assert (await scene.sign_in(failing)).status == 502
    scene.provider.altered.clear()
    await on_stage.sign_in(OTHER, failing)
    page = await scene.browser.navigate(scene.own("sign-out"))
    await scene.browser.submit(page)


@pytest.mark.hostile("J1")
async def test_nothing_secret_stands_in_a_page_a_metric_or_the_list_of_processes(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        await a_whole_visit(on_stage, scene)
        pages = [page for browser in scene.browsers for page in browser.pages]
        for page in pages:
            scene.unsaid.add_page(page)
        assert len(scene.unsaid) > 30
        assert scene.unsaid.found_in_pages(pages, of=scene.gateway.url) == []
        second = [
            (await scene.browser.fetch(f"{scene.gateway.observe}/{path}")).text
            for path in ("alive", "ready", "metrics")
        ]
        assert all(second)
        assert scene.unsaid.found_in(second) == []
        process = Path(f"/proc/{on_stage.program.pid}")
        shown = [(process / name).read_bytes().decode("latin-1") for name in ("cmdline", "environ", "status")]
        assert "gateway" in shown[0]
        assert scene.unsaid.found_in(shown) == []
