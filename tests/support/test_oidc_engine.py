from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser
from pytest_aiohttp import AiohttpServer
from yarl import URL

from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import PROVIDERS, OIDCEngine, RegistrationRefusedError
from tests.support.processes import find_program
from tests.support.relying_party import CALLBACK, SCOPE, STATE, RelyingParty, register

pytestmark = pytest.mark.real


@pytest.fixture(params=["RS256", "ES256", "HS256"])
def each(request: pytest.FixtureRequest, oidc_engine: OIDCEngine, http_browser: HTTPBrowser) -> RelyingParty:
    client = oidc_engine.clients[request.param]
    register(oidc_engine, client)
    return RelyingParty(oidc_engine, http_browser, client)


async def test_a_person_signs_in_and_their_tokens_and_userinfo_hold(each: RelyingParty) -> None:
    engine, client = each.engine, each.client
    page = await each.sign_in("eleonore")
    assert page.location.query["state"] == STATE
    assert page.location.query["iss"] == engine.issuer

    status, tokens = await each.exchange(page)
    assert status == 200
    assert set(tokens) == {
        "access_token",
        "expires_in",
        "id_token",
        "refresh_token",
        "scope",
        "token_type",
    }
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)

    id_token = await each.verified(tokens["id_token"])
    # The two engines differ here, and a client must take both.
    assert (id_token.header.get("typ") == "JWT") is (engine.engine == 7)
    assert ("at_hash" in id_token.claims) is (engine.engine == 7)
    assert ("kid" in id_token.header) is (client.id_token_signed_response_alg != "HS256")
    always = {"sub", "aud", "iss", "exp", "iat", "nonce", "auth_time"}
    assert set(id_token.claims) - {"at_hash"} == always
    assert (id_token.claims["iss"], id_token.claims["aud"]) == (engine.issuer, client.client_id)

    status, media_type, text = await each.userinfo(tokens)
    assert status == 200
    if client.userinfo_signed_response_alg is None:
        assert media_type == "application/json; charset=utf-8"
        claims = json.loads(text)
    else:
        assert media_type == "application/jwt; charset=utf-8"
        claims = dict((await each.verified(text)).claims)
        assert {claims.pop("iss"), claims.pop("aud")} == {engine.issuer, client.client_id}
        assert 3600 - 60 < claims.pop("exp") - claims.pop("iat") <= 3600
    expected = engine.accounts["eleonore"].claims
    assert claims == {name: expected[name] for name in ["sub", *SCOPE.split()[1:]]}


async def test_discovery_says_what_proconnect_says(party: RelyingParty) -> None:
    status, media_type, text = await party.call("GET", "/.well-known/openid-configuration")
    metadata = json.loads(text)
    assert (status, media_type) == (200, "application/json; charset=utf-8")
    issuer = party.engine.issuer
    assert {name: value for name, value in metadata.items() if str(value).startswith(issuer)} == {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/session/end",
        "introspection_endpoint": f"{issuer}/token/introspection",
        "revocation_endpoint": f"{issuer}/token/revocation",
    }
    assert metadata["response_types_supported"] == ["code"]
    assert set(metadata["grant_types_supported"]) == {"authorization_code", "refresh_token"}
    assert metadata["subject_types_supported"] == ["public"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert set(metadata["id_token_signing_alg_values_supported"]) == {"HS256", "ES256", "RS256"}
    assert set(metadata["userinfo_signing_alg_values_supported"]) == {"HS256", "ES256", "RS256"}
    assert metadata["token_endpoint_auth_methods_supported"] == ["client_secret_post", "private_key_jwt"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["claims_parameter_supported"] is True
    assert "eidas1-mfa" in metadata["acr_values_supported"]
    assert not {"offline_access", "profile"} & set(metadata["scopes_supported"])
    assert not [name for name in metadata if name.startswith(("frontchannel_", "backchannel_logout_"))]


async def test_the_published_keys_are_one_of_each_family(party: RelyingParty) -> None:
    _, media_type, text = await party.call("GET", "/jwks")
    keys = json.loads(text)["keys"]
    assert media_type == "application/jwk-set+json; charset=utf-8"
    assert sorted((key["kty"], key["alg"], key["use"]) for key in keys) == [
        ("EC", "ES256", "sig"),
        ("RSA", "RS256", "sig"),
    ]
    assert not any("d" in key for key in keys)


async def test_a_registration_that_makes_no_sense_is_refused_and_the_old_one_stays(
    party: RelyingParty,
) -> None:
    with pytest.raises(RegistrationRefusedError, match="redirect_uris"):
        party.engine.register(party.client, redirect_uris=["not a URL"])
    assert "code" in (await party.sign_in("eleonore")).location.query


def test_an_engine_does_not_outlive_its_standard_input(oidc_engine: OIDCEngine) -> None:
    command = [
        find_program("node", "nodejs", package="nodejs"),
        "server.mjs",
        "--engine",
        str(oidc_engine.engine),
    ]
    ended = subprocess.run(command, cwd=PROVIDERS, stdin=subprocess.DEVNULL, timeout=30, check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.fixture
def own_engine(oidc_engine: OIDCEngine) -> Iterator[OIDCEngine]:
    with OIDCEngine(oidc_engine.engine, redirect_uris=[CALLBACK]) as engine:
        yield engine


async def test_a_restart_keeps_the_issuer_and_changes_the_keys(
    own_engine: OIDCEngine, http_browser: HTTPBrowser
) -> None:
    party = RelyingParty(own_engine, http_browser, own_engine.clients["RS256"])
    before, keys = own_engine.issuer, (await party.call("GET", "/jwks"))[2]
    own_engine.restart()
    assert own_engine.issuer == before
    assert (await party.call("GET", "/jwks"))[2] != keys
    assert (await party.id_token(await party.sign_in("eleonore"))).claims["iss"] == before


async def test_a_stopped_engine_refuses_connections(own_engine: OIDCEngine) -> None:
    own_engine.stop()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(own_engine.issuer)


async def test_chromium_signs_in_and_out(
    oidc_engine: OIDCEngine, chromium: Browser, aiohttp_server: AiohttpServer
) -> None:
    async def arrived(request: web.Request) -> web.Response:
        return web.Response(text=f"arrived at {request.rel_url}")

    app = web.Application()
    app.router.add_get("/{path:.*}", arrived)
    server = await aiohttp_server(app)
    base = f"http://127.0.0.1:{server.port}"
    client = oidc_engine.clients["ES256"]
    register(
        oidc_engine,
        client,
        redirect_uris=[f"{base}/callback"],
        post_logout_redirect_uris=[f"{base}/signed-out"],
    )
    tab = await chromium.new_page()
    async with HTTPBrowser() as browser:
        party = RelyingParty(oidc_engine, browser, client)
        start = party.authorization_url(redirect_uri=f"{base}/callback")
        await tab.goto(str(start))
        await tab.get_by_role("button", name="Éléonore Zoë Lefèvre-Œillet (Eleonore.").first.click()
        assert "arrived at /callback?code=" in await tab.inner_text("body")
        await tab.goto(str(start))
        assert "arrived at /callback?code=" in await tab.inner_text("body"), "the session is reused"
        out = {"client_id": client.client_id, "post_logout_redirect_uri": f"{base}/signed-out", "state": "z"}
        await tab.goto(str(URL(f"{oidc_engine.issuer}/session/end").with_query(out)))
        await tab.wait_for_url(f"{base}/signed-out?state=z")
        await tab.goto(str(start))
        assert await tab.get_by_role("button").count() > len(oidc_engine.accounts)
