"""What reaches the callback, other than the one honest answer to the one attempt of this browser."""

from __future__ import annotations

from typing import Any, Final

import pytest
from yarl import URL

from gateway.demo.provider_pages import ABORTS
from gateway.errors import Fault
from tests.cases.hostile_callback import CASES, MARK, Case, changed
from tests.support.page import REDIRECTS, Page
from tests.support.raw import exchange
from tests.support.stage import Stage
from tests.support.story import PROTECTED, Story

each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


async def honestly(scene: Story, **answered: Any) -> URL:
    """The honest callback, which nobody has followed yet."""
    return (await scene.answered(**answered)).location


async def arrives(scene: Story, callback: URL) -> Page:
    """Follow the callback as a browser does, to the page at its end."""
    return await scene.browser.open(callback)


@each
async def test_a_wrong_answer_ends_in_a_page_and_one_audit_line_and_nothing_else(
    on_stage: Stage, case: Case
) -> None:
    async with on_stage.scene() as scene:
        scene.unsaid.add("text of the provider", MARK)
        page = await scene.browser.navigate(changed(await honestly(scene), case.changes))
        await scene.refused(page, status=case.status, fault=case.fault)
        assert MARK not in page.text


@each
async def test_an_attempt_is_used_up_by_its_own_state_alone(on_stage: Stage, case: Case) -> None:
    async with on_stage.scene() as scene:
        callback = await honestly(scene)
        await scene.browser.navigate(changed(callback, case.changes))
        page = await arrives(scene, callback)
        assert (page.status, await scene.signed_in()) == ((401, False) if case.spent else (200, True))
        assert scene.provider.calls("token") == (0 if case.spent else 1)


FAULTS: Final = {
    "acr": (403, Fault.PROVIDER_REFUSED),
    "identity": (403, Fault.PROVIDER_ACCOUNT),
    "configuration": (403, Fault.PROVIDER_DOMAIN),
    "login": (502, Fault.PROVIDER_NOBODY),
    "unavailable": (503, Fault.PROVIDER_BUSY),
}
RETRIED: Final = {"session", "technical"}  # test_way_back.py


def test_every_failure_of_the_demos_provider_is_among_these() -> None:
    assert {*FAULTS, *RETRIED} == {*ABORTS}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_failure_at_the_provider_is_told_and_the_button_leads_back_to_the_page(
    on_stage: Stage, name: str
) -> None:
    status, fault = FAULTS[name]
    async with on_stage.scene() as scene:
        page = await scene.browser.follow(await scene.begin())
        page = await scene.browser.open(f"{page.url}/abort/{name}")
        await scene.refused(page, status=status, fault=fault)
        again = await scene.browser.navigate(page.url.join(URL(page.links[0].href)))
        await scene.browser.follow(await scene.choose(again))
        assert scene.upstream == [f"GET {PROTECTED}"]


async def test_a_query_that_is_not_utf_8_is_refused(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        callback = await honestly(scene)
        page = await scene.browser.navigate(f"{callback}&foo=%ff")
        await scene.refused(page, status=400, fault=Fault.RESPONSE_MALFORMED)


async def test_a_state_of_100_kb_is_refused_before_it_is_read(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        callback = await honestly(scene)
        target = changed(callback, {"state": "x" * 100_000}).removeprefix(scene.gateway.url)
        received = await exchange(
            scene.gateway.port, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        assert received.data.split()[1] == b"414"
        assert scene.provider.calls("token") == 0
        assert (await arrives(scene, callback)).status == 200


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE"])
async def test_another_method_does_nothing(on_stage: Stage, method: str) -> None:
    async with on_stage.scene() as scene:
        callback = await honestly(scene)
        page = await scene.browser.navigate(callback, method=method)
        assert page.status == 405
        assert page.fields["Allow"] == "GET"
        assert scene.provider.calls("token") == 0
        assert (await arrives(scene, callback)).status == 200


async def test_the_callback_that_a_provider_posts_as_a_form_is_not_taken(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        callback = await honestly(scene)
        page = await scene.browser.navigate(
            callback.with_query(None), method="POST", form=dict(callback.query), initiator=callback
        )
        assert (page.status, scene.provider.calls("token")) == (405, 0)


@pytest.mark.parametrize("iss", [None, "promised"], ids=["absent", "right"])
async def test_a_provider_that_promises_no_iss_may_send_the_right_one_or_none(
    on_stage: Stage, iss: str | None
) -> None:
    async with on_stage.scene("silent") as scene:
        callback = await honestly(scene)
        page = await arrives(scene, URL(changed(callback, {} if iss else {"iss": None}), encoded=True))
        assert page.status == 200


async def test_a_wrong_iss_is_refused_although_none_was_promised(on_stage: Stage) -> None:
    async with on_stage.scene("silent") as scene:
        page = await scene.browser.navigate(changed(await honestly(scene), {"iss": "https://other.example"}))
        await scene.refused(page, status=400, fault=Fault.RESPONSE_ISS)


async def test_parameters_that_nobody_knows_change_nothing(on_stage: Stage) -> None:
    async with on_stage.scene() as scene:
        callback = changed(await honestly(scene), {"session_state": "1", "foo": "bar"})
        assert (await scene.browser.open(callback)).status == 200


@pytest.mark.hostile("F9")
async def test_a_provider_that_fails_every_time_is_asked_once_more_at_most_and_then_there_is_a_page(
    on_stage: Stage,
) -> None:
    async with on_stage.scene("redirected") as scene:
        page = await scene.browser.navigate(scene.gateway.url + PROTECTED)
        for _ in range(10):
            page = await scene.browser.follow(page, until=scene.gateway.redirect_uri)
            if page.status == 200:
                page = await scene.browser.submit(page, press="eleonore")
            if page.status not in REDIRECTS:
                break
            ours = {name: page.location.query[name] for name in ("state", "iss")}
            page = await scene.browser.navigate(page.location.with_query({"error": "login_required", **ours}))
        assert page.status in {403, 502}
        assert scene.provider.calls("authorize") <= 2
        assert scene.provider.calls("token") == 0
        await scene.browser.navigate(scene.gateway.url + PROTECTED)
        assert scene.upstream == []
