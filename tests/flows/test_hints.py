"""What a sign-in suggests to the provider: as the settings say, or as a link of the application's may."""

from __future__ import annotations

import pytest
from yarl import URL

from tests.support.flows import gateway_before
from tests.support.gateway import RunningGateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine

MINISTRY = "9c716f61-b8a1-435c-a407-ef4d677ec270"
APP = f"""
hints.idp_hint = "{MINISTRY}"
hints.siret_hint = "10000001700010"
allow_hints = ["login_hint", "siret_hint"]
"""
ROUTES = """
[[apps.routes]]
path = "/private/town/"
hints.siret_hint = "21340126800130"
"""
USUAL = {"idp_hint": MINISTRY, "siret_hint": "10000001700010"}


async def suggested(browser: HTTPBrowser, gateway: RunningGateway, **link: str) -> dict[str, str]:
    page = await browser.navigate(URL(f"{gateway.url}/_gateway/sign-in").with_query(link))
    return {name: value for name, value in page.location.query.items() if name.endswith("_hint")}


@pytest.mark.real
@pytest.mark.parametrize("oidc_engine", [7], indirect=True)
async def test_a_link_may_suggest_what_the_app_allows(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(oidc_engine, app=APP, routes=ROUTES) as gateway:
        for link, expected in [
            ({}, USUAL),
            ({"return_to": "/private/town/1"}, {**USUAL, "siret_hint": "21340126800130"}),
            ({"login_hint": "Alice@example.fr"}, {**USUAL, "login_hint": "Alice@example.fr"}),
            ({"siret_hint": "13002526500013"}, {**USUAL, "siret_hint": "13002526500013"}),
            ({"siret_hint": "1300252650001"}, USUAL),
            ({"login_hint": "alice"}, USUAL),
            ({"idp_hint": "another"}, USUAL),
        ]:
            assert await suggested(http_browser, gateway, **link) == expected


@pytest.mark.real
async def test_a_good_hint_leads_straight_to_the_person(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(oidc_engine, app='allow_hints = ["login_hint"]') as gateway:
        link = URL(f"{gateway.url}/_gateway/sign-in").with_query(
            return_to="/api/me", login_hint="solene.nunez@interieur.example"
        )
        page = await http_browser.open(link)
        assert (page.status, page.url.path) == (200, "/api/me")
        assert "solene.nunez@interieur.example" in page.text


@pytest.mark.real
async def test_an_identity_provider_that_is_gone_is_left_out_the_second_time(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    app = 'hints.idp_hint = "00000000-0000-4000-8000-000000000000"\nhints.siret_hint = "10000001700010"'
    routes = '[[apps.routes]]\npath = "/private/"\nrequire.acr = ["mfa"]'
    async with gateway_before(oidc_engine, app=app, routes=routes) as gateway:
        begun = await http_browser.navigate(gateway.url + "/_gateway/sign-in?return_to=/private/x")
        answered = await http_browser.follow(begun, until=gateway.redirect_uri)
        assert answered.location.query["error"] == "idp_hint_not_found"
        again = await http_browser.step(answered)
        assert "idp_hint" not in again.location.query
        assert again.location.query["siret_hint"] == "10000001700010"
        assert again.location.query["claims"] == begun.location.query["claims"]
        page = await http_browser.follow(again)
        page = await http_browser.follow(await http_browser.submit(page, press="jean-noel"))
        assert (page.status, page.url.path) == (200, "/private/x")
        told, came = gateway.audited()
        assert (told["event"], told["fault"]) == ("sign-in-refused", "idp-hint-unknown")
        assert came["event"] == "sign-in"
        left = [name for name in http_browser.cookies(gateway.url) if name.startswith("gateway-sign-in-")]
        assert left == []
