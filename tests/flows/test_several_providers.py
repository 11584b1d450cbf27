"""Several providers at one gateway: each signs in the people of its own applications, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from gateway.demo.upstream import make_upstream
from gateway.errors import Fault
from tests.support.flows import gateway_at_demo
from tests.support.gateway import RunningGateway, Wanted, running_gateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.page import Page
from tests.support.serving import served

RS256, ES256 = CLIENTS["RS256"], CLIENTS["ES256"]
FORMER = pytest.mark.parametrize("oidc_engine", [7], indirect=True)


@asynccontextmanager
async def before_two(first: OIDCEngine, second: OIDCEngine) -> AsyncIterator[RunningGateway]:
    """ProConnect for the app at `localhost`, another provider for the one at `other.localhost`."""
    async with served(make_upstream()) as upstream:
        more = f"""
            [providers.rh]
            profile = "oidc"
            issuer = "{second.issuer}"
            danger_http_issuer = true
            client_id = "{ES256.client_id}"
            client_secret = "{ES256.client_secret}"
            id_token_signed_response_alg = "ES256"
            userinfo_signed_response_alg = "ES256"
            scope = ["openid", "email"]
            [[apps]]
            name = "rh"
            host = "other.localhost"
            upstream = "{upstream}"
            provider = "rh"
        """
        async with running_gateway(
            Wanted(issuer=first.issuer, client=RS256, upstream=upstream, more=more)
        ) as gateway:
            first.register(RS256, redirect_uris=[gateway.redirect_uri])
            callback = other(gateway, "/_gateway/callback")
            second.register(ES256, redirect_uris=[callback], token_endpoint_auth_method="client_secret_basic")
            yield gateway


def other(gateway: RunningGateway, path: str) -> str:
    return f"http://other.localhost:{gateway.port}{path}"


async def answered(browser: HTTPBrowser, origin: str, person: str) -> Page:
    """Start at an app and choose a person at its provider: the answer, not followed."""
    callback = f"{origin}/_gateway/callback"
    page = await browser.open(f"{origin}/_gateway/sign-in?return_to=/", until=callback)
    return await browser.follow(await browser.submit(page, press=person), until=callback)


@pytest.mark.real
@FORMER
async def test_each_application_has_its_own_provider(
    oidc_engine: OIDCEngine, strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with before_two(oidc_engine, strict_engine) as gateway:
        for origin, person in ((gateway.url, "eleonore"), (other(gateway, ""), "camille")):
            page = await answered(http_browser, origin, person)
            assert (await http_browser.follow(page)).status == 200
        signed_in = [(event["app"], event["provider"]) for event in gateway.audited()]
        assert signed_in == [("app", "default"), ("rh", "rh")]
        emails = []
        for origin in (gateway.url, other(gateway, "")):
            fields = dict(json.loads((await http_browser.fetch(f"{origin}/api/me")).text))
            emails.append(fields["X-ProConnect-Email"])
        engine = oidc_engine.accounts
        assert emails == [engine["eleonore"].claims["email"], engine["camille"].claims["email"]]


@pytest.mark.real
@FORMER
async def test_a_code_of_one_provider_is_not_taken_for_the_others(
    oidc_engine: OIDCEngine, strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    """Mix-up (RFC 9700 section 4.4): the answer names its issuer, and the callback is another's."""
    async with before_two(oidc_engine, strict_engine) as gateway, HTTPBrowser() as attacker:
        honest = (await answered(http_browser, gateway.url, "eleonore")).location
        foreign = (await answered(attacker, other(gateway, ""), "camille")).location
        for query, fault in (
            ({**foreign.query, "state": honest.query["state"]}, Fault.RESPONSE_ISS),
            (dict(foreign.query), Fault.STATE_FOREIGN),
        ):
            page = await http_browser.navigate(URL(gateway.redirect_uri).with_query(query))
            assert page.status == 400
            assert gateway.audited()[-1]["fault"] == fault


async def test_an_attempt_counts_for_the_provider_that_it_was_begun_at() -> None:
    """The same host, the same secret and the same issuer, but another provider in the settings."""
    async with (
        served(make_upstream()) as upstream,
        gateway_at_demo(upstream) as (gateway, provider),
        HTTPBrowser() as browser,
    ):
        more = f"""
            [providers.rh]
            profile = "oidc"
            issuer = "{provider.issuer}"
            danger_http_issuer = true
            client_id = "{RS256.client_id}"
            client_secret = "{RS256.client_secret}"
            token_endpoint_auth_method = "client_secret_post"
        """
        async with running_gateway(
            Wanted(issuer=provider.issuer, client=RS256, upstream=upstream, app='provider = "rh"', more=more)
        ) as another:
            location = (await answered(browser, gateway.url, "eleonore")).location
            page = await browser.navigate(URL(another.redirect_uri).with_query(location.query))
            assert page.status == 400
            assert [event["fault"] for event in another.audited()] == [Fault.STATE_FOREIGN]
            assert (await browser.navigate(location)).status == 303
