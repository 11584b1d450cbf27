"""A page asks for a level of assurance: who has it comes in, who has not is sent for it once, and told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from gateway.web.languages import LOCALES
from tests.support.alterations import id_token
from tests.support.flows import gateway_before, sign_in
from tests.support.gateway import RunningGateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import ACCOUNTS, OIDCEngine
from tests.support.page import Page
from tests.support.story import story

MFA = "/private/mfa/dossier?numero=42"
FRENCH = LOCALES["fr"]["common"]
LEVELS = ["eidas0-mfa", "eidas1-mfa", "eidas2", "eidas3"]
ROUTES = """
[[apps.routes]]
path = "/private/mfa/"
require.acr = ["mfa"]
[[apps.routes]]
path = "/private/either/"
require.any = [{ acr = ["eidas3"] }, { acr = ["mfa"], roles = ["agent_public_territorial"] }]
"""


@pytest.fixture
async def gateway(oidc_engine: OIDCEngine) -> AsyncIterator[RunningGateway]:
    async with gateway_before(oidc_engine, routes=ROUTES) as gateway:
        yield gateway


def asked_for(page: Page) -> dict[str, str]:
    """The authorization request that a page leads to."""
    assert page.status == 303
    assert page.location.path.endswith("/authorize")
    return dict(page.location.query)


def essential(levels: list[str]) -> dict[str, Any]:
    return {"id_token": {"acr": {"essential": True, "values": levels}}}


async def level(browser: HTTPBrowser, gateway: RunningGateway) -> str:
    fields = dict(json.loads((await browser.fetch(gateway.url + "/api/me")).text))
    return str(fields["X-ProConnect-Acr"])


@pytest.mark.real
async def test_the_first_sign_in_already_asks_for_the_level(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    page = await http_browser.navigate(gateway.url + MFA)
    asked = asked_for(await http_browser.click(page, "S'identifier avec ProConnect"))
    assert json.loads(asked["claims"]) == essential(LEVELS)
    assert not {"acr_values", "login_hint", "prompt"} & asked.keys()


@pytest.mark.real
@pytest.mark.parametrize("person, acr", [("jean-noel", "eidas1-mfa"), ("solene", "eidas2")])
async def test_each_level_of_the_set_opens_the_page(
    gateway: RunningGateway, http_browser: HTTPBrowser, person: str, acr: str
) -> None:
    page = await sign_in(http_browser, gateway.url + MFA, person)
    assert (page.status, page.url.raw_path_qs) == (200, MFA)
    assert await level(http_browser, gateway) == acr


@pytest.mark.real
async def test_a_level_that_is_there_already_is_not_asked_for_again(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    await sign_in(http_browser, gateway.url + "/", "jean-noel")
    assert (await http_browser.navigate(gateway.url + MFA)).status == 200


@pytest.mark.real
async def test_somebody_signed_in_is_stepped_up_and_comes_back_to_the_page(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    await sign_in(http_browser, gateway.url + "/", "camille")
    assert await level(http_browser, gateway) == "eidas1"
    before = http_browser.cookies(gateway.url)["gateway"]
    page = await http_browser.open(gateway.url + MFA)
    assert (page.status, page.url.raw_path_qs) == (200, MFA)
    assert await level(http_browser, gateway) == "eidas1-mfa"
    assert http_browser.cookies(gateway.url)["gateway"] != before


@pytest.mark.real
async def test_a_step_up_names_the_account_as_it_was_received(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    await sign_in(http_browser, gateway.url + "/", "eleonore")
    asked = asked_for(await http_browser.navigate(gateway.url + MFA))
    assert (
        asked["login_hint"]
        == ACCOUNTS["eleonore"].claims["email"]
        == "Eleonore.LEFEVRE-OEILLET@morbihan.example"
    )
    assert json.loads(asked["claims"]) == essential(LEVELS)


@pytest.mark.hostile("D7")
@pytest.mark.real
async def test_a_level_that_cannot_be_reached_is_told_once_and_costs_nothing_that_was_there(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    await sign_in(http_browser, gateway.url + "/", "eleonore")
    cookie = http_browser.cookies(gateway.url)["gateway"]
    page = await http_browser.open(gateway.url + MFA)
    assert (page.status, page.url.path) == (403, "/_gateway/callback")
    for said in ("double authentification", "(eidas1)", "Eleonore.LEFEVRE-OEILLET@morbihan.example"):
        assert said in page.text.replace("<wbr>", "")
    assert FRENCH["still_signed_in"] in page.text
    assert http_browser.cookies(gateway.url)["gateway"] == cookie
    assert (await http_browser.navigate(gateway.url + "/")).status == 200
    refused = gateway.audited()[-1]
    assert (refused["event"], refused["fault"]) == ("sign-in-refused", "acr-too-low")
    # Another try is the person's own choice, and asks for the same.
    again = await http_browser.click(page, FRENCH["try_again"])
    assert json.loads(asked_for(again)["claims"]) == essential(LEVELS)


@pytest.mark.hostile("D7")
@pytest.mark.real
async def test_nobody_is_signed_in_with_a_level_that_is_too_low(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    page = await sign_in(http_browser, gateway.url + MFA, "eleonore")
    assert page.status == 403
    assert FRENCH["still_signed_in"] not in page.text
    assert "gateway" not in http_browser.cookies(gateway.url)
    assert (FRENCH["home"], "/") in {(link.label, link.href) for link in page.links}


@pytest.mark.real
async def test_a_level_that_no_level_list_knows_is_only_another_level(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    await sign_in(http_browser, gateway.url + "/", "level-unknown")
    page = await http_browser.open(gateway.url + MFA)
    assert page.status == 403


@pytest.mark.real
@pytest.mark.parametrize(
    "person, levels", [("eleonore", [*LEVELS[:3], "eidas3"]), ("solene", ["eidas3"]), ("minimal", ["eidas3"])]
)
async def test_only_levels_that_would_let_this_person_in_are_asked_for(
    gateway: RunningGateway, http_browser: HTTPBrowser, person: str, levels: list[str]
) -> None:
    await sign_in(http_browser, gateway.url + "/", person)
    asked = asked_for(await http_browser.navigate(gateway.url + "/private/either/"))
    wanted = json.loads(asked["claims"])["id_token"]["acr"]
    assert wanted["essential"] is True
    assert sorted(wanted["values"]) == sorted(levels)


@pytest.mark.real
async def test_a_program_is_told_which_level_it_needs(
    gateway: RunningGateway, http_browser: HTTPBrowser
) -> None:
    await sign_in(http_browser, gateway.url + "/", "eleonore")
    page = await http_browser.fetch(gateway.url + MFA)
    assert (page.status, page.fields["Content-Type"]) == (401, "application/problem+json; charset=utf-8")
    assert 'error="insufficient_user_authentication"' in page.fields["WWW-Authenticate"]
    assert f'acr_values="{" ".join(LEVELS)}"' in page.fields["WWW-Authenticate"]
    problem = json.loads(page.text)
    assert problem["type"] == "urn:proconnect-gateway:acr-too-low"
    assert problem["acr_values"] == LEVELS
    assert problem["sign_in_url"] == f"{gateway.url}/_gateway/sign-in"


@pytest.mark.real
async def test_with_redirect_the_level_is_asked_for_at_once(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(oidc_engine, routes=ROUTES, app='sign_in = "redirect"') as gateway:
        asked = asked_for(await http_browser.navigate(gateway.url + MFA))
        assert json.loads(asked["claims"]) == essential(LEVELS)


@pytest.mark.real
async def test_a_link_cannot_ask_for_less(gateway: RunningGateway, http_browser: HTTPBrowser) -> None:
    link = URL(f"{gateway.url}/_gateway/sign-in").with_query(
        return_to=MFA, acr_values="eidas0", claims="{}", login_hint="mallory@example.fr", prompt="none"
    )
    asked = asked_for(await http_browser.navigate(link))
    assert json.loads(asked["claims"]) == essential(LEVELS)
    assert not {"acr_values", "login_hint", "prompt"} & asked.keys()


@pytest.mark.hostile("D7")
@pytest.mark.parametrize("came", ["eidas1", "eidas2 ", "EIDAS2", "mfa", ""])
async def test_a_provider_that_passes_the_level_over_is_found_out(came: str) -> None:
    async with story(id_token(acr=came), routes=ROUTES) as scene:
        page = await scene.sign_in(person="noemie", return_to=MFA)
        assert page.status == 403
        assert "noemie.kowalczyk@finances.example.gouv.fr" in page.text.replace("<wbr>", "")
        assert not await scene.signed_in()
        assert scene.upstream == []
        (event,) = scene.events("sign-in-refused")
        assert event["fault"] == "acr-too-low"
        assert event["facts"] == {"asked": LEVELS, "got": came or "none"}


@pytest.mark.hostile("D7")
async def test_a_session_outlives_a_step_up_that_the_provider_passed_over() -> None:
    async with story(routes=ROUTES) as scene:
        await scene.sign_in(person="eleonore", return_to="/")
        scene.provider.alter(id_token(acr="eidas0"))
        begun = await scene.browser.navigate(scene.gateway.url + MFA)
        page = await scene.browser.follow(await scene.choose(begun, person="noemie"))
        assert page.status == 403
        assert "(eidas0)" in page.text
        who = json.loads((await scene.browser.fetch(scene.own("whoami"))).text)
        assert who["claims"]["given_name"] == "Éléonore"
        assert who["claims"]["acr"] == "eidas1"


async def test_a_program_at_the_callback_is_told_too() -> None:
    async with story(id_token(acr="eidas1"), routes=ROUTES) as scene:
        callback = (await scene.answered(person="noemie", return_to=MFA)).location
        page = await scene.browser.fetch(callback)
        assert page.status == 403
        assert json.loads(page.text)["type"] == "urn:proconnect-gateway:acr-too-low"
