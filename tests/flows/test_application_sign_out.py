"""An application's own sign-out ends the session here and at the provider, and nobody else's link does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from aiohttp import web
from yarl import URL

from gateway.errors import Fault
from tests.support.flows import gateway_before, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.page import Page
from tests.support.serving import served
from tests.support.story import PROTECTED, Story, story

PATHS: Final = 'sign_out_paths = ["/logout", "/index.php?action=logout", "/*/quitter"]'
TOLD: Final = "X-Gateway-Sign-Out"
BODY: Final = "the application's own farewell"


async def _answer(request: web.Request) -> web.Response:
    response = web.Response(text=BODY)
    if request.path in {"/logout", "/told", "/index.php", "/appli/quitter"}:
        response.del_cookie("PHPSESSID", path="/")
        response.set_cookie("gateway", "forged")
    if request.path == "/told":
        response.headers[TOLD] = "1"
    return response


def application() -> web.Application:
    """An application with sign-outs of its own."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _answer)
    return app


@asynccontextmanager
async def at_work(settings: str = PATHS) -> AsyncIterator[Story]:
    """Somebody who is signed in, and has a session of the application's too."""
    async with served(application()) as upstream, story(app=settings, upstream=upstream) as scene:
        assert (await scene.sign_in()).status == 200
        scene.browser.set_cookie(scene.gateway.url, "PHPSESSID", "old")
        yield scene


def page_of(scene: Story) -> URL:
    return URL(scene.gateway.url + PROTECTED)


async def left(scene: Story, page: Page) -> None:
    """Nobody is signed in any more: not here, not at the application, not at the provider."""
    assert BODY not in page.text
    assert TOLD not in page.fields
    assert scene.browser.cookies(scene.gateway.url).keys() & {"PHPSESSID", "gateway"} == set()
    assert len(scene.events("sign-out")) == 1
    page = await scene.browser.follow(page)
    assert page.url.path == "/_gateway/signed-out"
    assert "ainsi que votre session ProConnect" in page.text
    assert scene.provider.memory.sessions == {}


@pytest.mark.parametrize(
    "target", ["/logout", "/logout?from=menu", "/index.php?action=logout&x=1", "/appli/quitter", "/told"]
)
async def test_a_link_of_the_application_signs_out_of_everything(target: str) -> None:
    async with at_work() as scene:
        page = await scene.browser.navigate(scene.gateway.url + target, initiator=page_of(scene))
        assert page.status == 303
        await left(scene, page)


@pytest.mark.parametrize("target", ["/logout", "/told"])
async def test_a_form_of_the_application_signs_out_of_everything(target: str) -> None:
    async with at_work() as scene:
        page = await scene.browser.navigate(
            scene.gateway.url + target, method="POST", form={"_token": "x"}, initiator=page_of(scene)
        )
        (link,) = [each.href for each in page.links if each.label == "Continuer"]
        assert BODY not in page.text
        page = await scene.browser.open(URL(link, encoded=True))
        assert page.url.path == "/_gateway/signed-out"
        assert scene.provider.memory.sessions == {}
        assert not await scene.signed_in()


@pytest.mark.parametrize(
    "target", ["/logouts", "/logout/x", "/index.php", "/index.php?action=login", "/private/x"]
)
async def test_other_addresses_sign_nobody_out(target: str) -> None:
    async with at_work() as scene:
        page = await scene.browser.navigate(scene.gateway.url + target, initiator=page_of(scene))
        assert (page.status, page.text) == (200, BODY)
        assert await scene.signed_in()


@pytest.mark.parametrize(
    "fields",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Purpose": "prefetch"},
        {"Origin": "https://evil.example"},
    ],
    ids=["another site", "a sibling", "an image", "in advance", "an origin that is not ours"],
)
async def test_hazard_forged_sign_out_another_sites_link_ends_no_session(fields: dict[str, str]) -> None:
    async with at_work() as scene:
        page = await scene.browser.navigate(
            f"{scene.gateway.url}/logout", fields=fields, initiator=page_of(scene)
        )
        assert (page.status, page.text) == (200, BODY)
        assert await scene.signed_in()
        assert [event["fault"] for event in scene.events("sign-out-refused")] == [Fault.CROSS_SITE.value]


@pytest.mark.parametrize("target", ["/logout", "/told"])
async def test_a_script_gets_the_applications_answer_and_the_session_ends(target: str) -> None:
    async with at_work() as scene:
        before = scene.browser.cookies(scene.gateway.url)["gateway"]
        page = await scene.browser.fetch(scene.gateway.url + target, method="POST", body=b"{}")
        assert (page.status, page.text) == (200, BODY)
        assert TOLD not in page.fields
        assert scene.browser.cookies(scene.gateway.url)["gateway"] == before
        assert not await scene.signed_in()
        assert len(scene.events("sign-out")) == 1


async def test_whoever_is_not_signed_in_is_not_asked_to_sign_in_to_sign_out() -> None:
    async with served(application()) as upstream, story(app=PATHS, upstream=upstream) as scene:
        page = await scene.browser.navigate(f"{scene.gateway.url}/logout")
        page = await scene.browser.follow(page)
        assert (page.status, page.url.path) == (200, "/_gateway/signed-out")


async def test_an_application_that_is_away_keeps_nobody_signed_in() -> None:
    async with story(app=PATHS, upstream="http://127.0.0.1:1") as scene:
        await scene.sign_in()
        page = await scene.browser.navigate(f"{scene.gateway.url}/logout", initiator=page_of(scene))
        assert page.status == 303
        assert not await scene.signed_in()


async def test_a_browser_cannot_say_in_a_request_that_it_leaves() -> None:
    async with at_work() as scene:
        page = await scene.browser.navigate(
            f"{scene.gateway.url}/private/x", fields={TOLD: "1"}, initiator=page_of(scene)
        )
        assert (page.status, page.text) == (200, BODY)
        assert await scene.signed_in()


async def test_a_person_may_stay_signed_in_at_the_provider() -> None:
    async with at_work() as scene:
        page = await scene.browser.navigate(scene.own("sign-out"))
        page = await scene.browser.follow(
            await scene.browser.submit(page, press="Se déconnecter de ce service seulement")
        )
        assert (page.status, page.url.path) == (200, "/_gateway/signed-out")
        assert not await scene.signed_in()
        assert len(scene.provider.memory.sessions) == 1


@pytest.mark.real
async def test_at_the_engine_the_applications_sign_out_ends_both_sessions(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(oidc_engine, app='sign_out_paths = ["/private/dossier"]') as gateway:
        page = await sign_in(http_browser, gateway.url + "/", "eleonore")
        page = await http_browser.navigate(f"{gateway.url}/private/dossier", initiator=page.url)
        assert "gateway" not in http_browser.cookies(gateway.url)
        page = await http_browser.follow(page)
        page = await http_browser.follow(await http_browser.submit(page)) if page.forms else page
        assert (page.status, str(page.url.with_query(None))) == (200, gateway.post_logout_redirect_uri)
        assert [event["event"] for event in gateway.audited()] == ["sign-in", "sign-out"]
