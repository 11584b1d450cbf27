from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.demo.people import PEOPLE, PROCONNECT_IDENTITE
from tests.support.demo_provider import AtProvider, registration


async def test_userinfo_tells_what_the_scopes_cover(at: AtProvider) -> None:
    tokens = await at.tokens(scope="openid given_name usual_name email idp_id")
    at.clock.now += 10
    claims = await at.claims(tokens["access_token"])
    assert claims == {
        "sub": PEOPLE[0].sub,
        "given_name": "Éléonore",
        "usual_name": "Lefèvre-Œillet",
        "email": "eleonore.lefevre-oeillet@morbihan.example.gouv.fr",
        "idp_id": PROCONNECT_IDENTITE,
        "aud": "client",
        "iss": at.provider.issuer,
        "iat": at.clock.now,
        "exp": at.clock.now - 10 + 3600,
    }


@pytest.mark.parametrize("at", [{"userinfo_signed_response_alg": None}], indirect=True)
async def test_an_unsigned_userinfo_is_json(at: AtProvider) -> None:
    status, content_type, text = await at.userinfo(
        (await at.tokens(scope="openid email uid"))["access_token"]
    )
    assert (status, content_type) == (200, "application/json; charset=utf-8")
    assert json.loads(text) == {
        "sub": PEOPLE[0].sub,
        "email": PEOPLE[0].email,
        "uid": "agent-eleonore",
    }


@pytest.mark.parametrize(
    "person, claim, value",
    [
        ("jean-baptiste", "email", "Jean-Baptiste.NGUYEN@Finances.Example.gouv.fr"),
        ("maelys", "phone_number", None),
        ("zoe", "organization_label", None),
        ("loic", "roles", []),
        ("loic", "custom", {}),
        ("eleonore", "custom", {"site": "Vannes"}),
        ("eleonore", "siren", "100000017"),
        ("ahmed", "idp_acr", "eidas0"),
    ],
)
async def test_userinfo_of(at: AtProvider, person: str, claim: str, value: object) -> None:
    scope = "openid email phone organization_label roles custom siren idp_acr"
    assert (await at.claims((await at.tokens(person, scope=scope))["access_token"])).get(claim) == value


async def test_the_claims_parameter_reaches_userinfo(at: AtProvider) -> None:
    asked = json.dumps({"userinfo": {"siret": None, "iss": {"value": "http://elsewhere"}}})
    claims = await at.claims((await at.tokens(scope="openid", claims=asked))["access_token"])
    assert claims["siret"] == "10000001700010"
    assert claims["iss"] == at.provider.issuer


@pytest.mark.parametrize("where", ["field", "form"])
async def test_userinfo_takes_a_post(at: AtProvider, where: str) -> None:
    token = (await at.tokens())["access_token"]
    sent: dict[str, Any] = {"data": {"access_token": token}}
    if where == "field":
        sent = {"headers": {"Authorization": f"Bearer {token}"}}
    async with at.http.post(f"{at.provider.issuer}/userinfo", **sent) as answer:
        assert answer.status == 200


async def test_userinfo_without_a_token_is_an_invalid_request(at: AtProvider) -> None:
    async with at.http.get(f"{at.provider.issuer}/userinfo") as answer:
        assert answer.status == 400
        assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{at.provider.issuer}"'


@pytest.mark.parametrize("token", ["unknown", "expired"])
async def test_userinfo_refuses_a_token_that_is(at: AtProvider, token: str) -> None:
    value = (await at.tokens())["access_token"] if token == "expired" else "x" * 43
    at.clock.now += 3600
    fields = {"Authorization": f"Bearer {value}"}
    async with at.http.get(f"{at.provider.issuer}/userinfo", headers=fields) as answer:
        assert answer.status == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_signing_out_revokes_the_tokens_of_the_last_client(at: AtProvider) -> None:
    tokens = await at.tokens()
    await at.browser.navigate(f"{at.provider.issuer}/session/end")
    assert (await at.userinfo(tokens["access_token"]))[0] == 401
    assert (await at.refresh(tokens["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_tokens_of_an_earlier_client_fail_for_want_of_the_session(at: AtProvider) -> None:
    at.provider.register(registration(client_id="other"))
    tokens = await at.tokens()
    assert "code" in (await at.authorize(client_id="other")).location.query
    await at.browser.navigate(f"{at.provider.issuer}/session/end")
    assert (await at.userinfo(tokens["access_token"]))[0] == 500
