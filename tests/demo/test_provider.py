from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from gateway.demo.provider_keys import KeyPair
from tests.support.demo_provider import AtProvider


async def get_json(at: AtProvider, path: str) -> tuple[aiohttp.ClientResponse, dict[str, Any]]:
    async with at.http.get(f"{at.provider.issuer}{path}") as answer:
        return answer, await answer.json(content_type=None)


async def test_the_discovery_document_is_proconnects(at: AtProvider) -> None:
    answer, metadata = await get_json(at, "/.well-known/openid-configuration")
    assert answer.headers["Cache-Control"] == "public, max-age=600"
    assert metadata["issuer"] == at.provider.issuer
    assert metadata["issuer"].startswith("http://localhost:")
    assert metadata["issuer"].endswith("/api/v2")
    assert metadata["end_session_endpoint"] == f"{at.provider.issuer}/session/end"
    assert metadata["token_endpoint_auth_methods_supported"] == ["client_secret_post", "private_key_jwt"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["claims_parameter_supported"] is True
    assert "offline_access" not in metadata["scopes_supported"]


async def test_the_key_set_holds_one_public_key_of_each_kind(at: AtProvider) -> None:
    answer, jwks = await get_json(at, "/jwks")
    assert answer.content_type == "application/jwk-set+json"
    assert sorted((key["alg"], key["use"]) for key in jwks["keys"]) == [("ES256", "sig"), ("RS256", "sig")]
    assert len({key["kid"] for key in jwks["keys"]}) == 2
    assert not any("d" in key for key in jwks["keys"])


@pytest.mark.parametrize("keep_old, published", [(True, 4), (False, 2)])
async def test_rotated_keys_sign_from_then_on(at: AtProvider, *, keep_old: bool, published: int) -> None:
    before = await at.read((await at.tokens())["id_token"])
    at.provider.rotate_keys(keep_old=keep_old)
    after = await at.read((await at.tokens())["id_token"])
    assert after.header["kid"] != before.header["kid"]
    assert len((await get_json(at, "/jwks"))[1]["keys"]) == published


@pytest.mark.parametrize(
    "method, path", [("POST", "/session/end"), ("GET", "/token"), ("GET", "/nowhere"), ("GET", "/par")]
)
async def test_what_is_not_routed_is_a_404_page(at: AtProvider, method: str, path: str) -> None:
    async with at.http.request(method, f"{at.provider.issuer}{path}") as answer:
        assert answer.status == 404
        assert "Y000404" in await answer.text()


async def test_the_journal_names_each_request(at: AtProvider) -> None:
    await at.tokens()
    await at.browser.open(f"{at.provider.issuer}/nowhere")
    assert at.provider.journal == [
        ("authorize", "GET"),
        ("interaction", "GET"),
        ("interaction", "POST"),
        ("token", "POST"),
        ("unknown", "GET"),
    ]


@pytest.mark.parametrize("path", ["/", "/api/v2"])
async def test_the_providers_own_address_says_what_it_is(at: AtProvider, path: str) -> None:
    page = await at.browser.open(f"{at.provider.issuer.removesuffix('/api/v2')}{path}")
    assert page.status == 200
    assert "Simulateur ProConnect" in page.text
    assert at.provider.issuer in page.text


async def test_the_style_is_served_and_not_in_the_journal(at: AtProvider) -> None:
    async with at.http.get(f"{at.provider.issuer.removesuffix('/api/v2')}/assets/provider.css") as answer:
        assert answer.content_type == "text/css"
    assert at.provider.journal == []


def test_new_keys_are_never_the_same(key_pair: KeyPair) -> None:
    other = KeyPair.generate()
    assert len({key_pair.rs256.kid, key_pair.es256.kid, other.rs256.kid, other.es256.kid}) == 4
