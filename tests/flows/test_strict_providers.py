"""Providers that are not ProConnect: every way to prove oneself to them, to ask and to be answered."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from joserfc.jwk import ECKey
from yarl import URL

from gateway.errors import Fault
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.strict import (
    EC_KEY,
    OLD_KEY,
    PAGE,
    WAYS,
    Way,
    answered,
    begin,
    email,
    gateway_before,
    register,
    sign_in,
)

pytestmark = pytest.mark.real


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_person_signs_in(strict_engine: OIDCEngine, http_browser: HTTPBrowser, way: Way) -> None:
    assert strict_engine.issuer.endswith("/realms/agents/")
    async with gateway_before(strict_engine, way) as gateway:
        page = await sign_in(http_browser, gateway)
        assert (page.status, page.url.raw_path_qs) == (200, PAGE)
        assert await email(http_browser, gateway) == "Eleonore.LEFEVRE-OEILLET@morbihan.example"
        assert [event["event"] for event in gateway.audited()] == ["sign-in"]


async def test_a_pushed_request_leaves_nothing_in_the_address(
    strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(strict_engine, WAYS["pushed requests"]) as gateway:
        begun = await begin(http_browser, gateway)
        assert set(begun.location.query) == {"client_id", "request_uri"}


async def test_a_posted_code_is_in_no_address(strict_engine: OIDCEngine, http_browser: HTTPBrowser) -> None:
    async with gateway_before(strict_engine, WAYS["form_post"]) as gateway:
        page = await answered(http_browser, await begin(http_browser, gateway), gateway)
        fields = dict(page.forms[0].fields)
        assert {"code", "state", "iss"} <= fields.keys()
        again = await http_browser.submit(page)
        assert (again.status, set(again.location.query)) == (303, {"posted"})
        assert (await http_browser.follow(again)).status == 200
        addresses = [str(page.url) + page.fields.get("Location", "") for page in http_browser.pages]
        assert not [address for address in addresses if fields["code"] in address]


async def test_a_code_in_the_address_is_refused_where_a_form_was_asked_for(
    strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(strict_engine, WAYS["form_post"]) as gateway:
        page = await answered(http_browser, await begin(http_browser, gateway), gateway)
        query = dict(page.forms[0].fields)
        refused = await http_browser.navigate(URL(gateway.redirect_uri).with_query(query))
        assert refused.status == 400
        assert [event["fault"] for event in gateway.audited()] == [Fault.RESPONSE_MALFORMED]
        # The attempt is not spent by it.
        assert (await http_browser.follow(await http_browser.submit(page))).status == 200


async def test_a_posted_error_is_told(strict_engine: OIDCEngine, http_browser: HTTPBrowser) -> None:
    async with gateway_before(strict_engine, WAYS["form_post"]) as gateway:
        page = await answered(http_browser, await begin(http_browser, gateway), gateway)
        answer = dict(page.forms[0].fields)
        error = {"error": "access_denied", "state": answer["state"], "iss": answer["iss"]}
        posted = await http_browser.navigate(
            gateway.redirect_uri, method="POST", form=error, initiator=page.url
        )
        assert (await http_browser.follow(posted)).status == 403
        assert [event["fault"] for event in gateway.audited()] == [Fault.PROVIDER_REFUSED]


async def test_a_form_posted_in_another_browser_signs_nobody_in(
    strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(strict_engine, WAYS["form_post"]) as gateway, HTTPBrowser() as victim:
        page = await answered(http_browser, await begin(http_browser, gateway), gateway)
        planted = await victim.navigate(
            gateway.redirect_uri,
            method="POST",
            form=list(page.forms[0].fields),
            initiator=URL("http://attacker.test/"),
        )
        refused = await victim.follow(planted)
        assert refused.status == 400
        assert [event["fault"] for event in gateway.audited()] == [Fault.STATE_FOREIGN]


async def test_a_request_that_is_not_taken_is_told(
    strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    way = WAYS["pushed requests"]
    async with gateway_before(strict_engine, way) as gateway:
        other = replace(CLIENTS["RS256"], client_secret="another secret of thirty-two characters")
        register(strict_engine, other, gateway, way)
        page = await begin(http_browser, gateway)
        assert page.status == 502
        assert Fault.PUSHED_REQUEST.value not in page.text


async def test_the_keys_are_published_without_their_private_halves(
    strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    way = WAYS["private_key_jwt with a new key before the old"]
    async with gateway_before(strict_engine, way) as gateway:
        page = await http_browser.fetch(f"{gateway.url}/_gateway/client-keys")
        assert page.fields["Content-Type"] == "application/jwk-set+json"
        keys = json.loads(page.text)["keys"]
        thumbprints = [ECKey.import_key(pem).thumbprint() for pem in (EC_KEY, OLD_KEY)]
        assert [key["kid"] for key in keys] == thumbprints
        assert not any("d" in key for key in keys)


async def test_a_client_with_a_secret_publishes_nothing(
    strict_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    async with gateway_before(strict_engine, WAYS["client_secret_post"]) as gateway:
        assert (await http_browser.fetch(f"{gateway.url}/_gateway/client-keys")).status == 404


async def test_signing_out_ends_both_sessions(strict_engine: OIDCEngine, http_browser: HTTPBrowser) -> None:
    async with gateway_before(strict_engine, WAYS["client_secret_basic, as by default"]) as gateway:
        await sign_in(http_browser, gateway)
        page = await http_browser.navigate(
            f"{gateway.url}/_gateway/sign-out", method="POST", initiator=URL(gateway.url + PAGE)
        )
        (link,) = [link for link in page.links if link.href.startswith(strict_engine.issuer)]
        page = await http_browser.navigate(link.href)
        page = await http_browser.follow(await http_browser.submit(page))
        assert (page.status, page.url.path) == (200, "/_gateway/signed-out")
        assert (await http_browser.navigate(f"{gateway.url}/_gateway/whoami")).status == 401
