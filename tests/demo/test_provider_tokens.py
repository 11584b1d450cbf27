from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from gateway.demo.people import PEOPLE
from tests.support.demo_provider import SEE_ACR, SIGNED_OUT, AtProvider, registration

ALGORITHMS = [
    {"id_token_signed_response_alg": alg, "userinfo_signed_response_alg": alg}
    for alg in ("RS256", "ES256", "HS256")
]


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


async def code(at: AtProvider, **changes: str) -> str:
    return (await at.sign_in(**changes))["code"]


async def test_a_token_response_has_six_members(at: AtProvider) -> None:
    tokens = await at.tokens(scope="openid email unknown")
    assert set(tokens) == {
        "access_token",
        "token_type",
        "expires_in",
        "id_token",
        "refresh_token",
        "scope",
    }
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "openid email")
    assert len(tokens["access_token"]) == 43


async def test_no_token_response_is_stored(at: AtProvider) -> None:
    async with at.http.post(f"{at.provider.issuer}/token", data=at.redemption(await code(at))) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("at", ALGORITHMS, indirect=True, ids=lambda at: at["id_token_signed_response_alg"])
async def test_tokens_are_signed_with_the_registered_algorithm(at: AtProvider) -> None:
    alg = at.client.id_token_signed_response_alg
    tokens = await at.tokens()
    _, content_type, signed = await at.userinfo(tokens["access_token"])
    assert content_type == "application/jwt; charset=utf-8"
    for token in (await at.read(tokens["id_token"], alg=alg), await at.read(signed, alg=alg)):
        assert (token.header["alg"], token.header["typ"]) == (alg, "JWT")
        assert ("kid" in token.header) == (alg != "HS256")


async def test_an_id_token_holds_no_identity_and_no_acr_by_default(at: AtProvider) -> None:
    tokens = await at.tokens(nonce="some-nonce")
    claims = (await at.read(tokens["id_token"])).claims
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims == {
        "sub": PEOPLE[0].sub,
        "aud": "client",
        "iss": at.provider.issuer,
        "iat": at.clock.now,
        "exp": at.clock.now + 3600,
        "auth_time": at.clock.now,
        "nonce": "some-nonce",
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
    }


async def test_an_id_token_without_a_nonce_asked_has_none(at: AtProvider) -> None:
    assert "nonce" not in (await at.read((await at.tokens(nonce=""))["id_token"])).claims


async def test_the_claims_parameter_brings_what_it_names(at: AtProvider) -> None:
    asked = json.dumps({"id_token": {"acr": None, "amr": None, "sid": None, "given_name": None, "iss": None}})
    claims = (await at.read((await at.tokens(claims=asked))["id_token"])).claims
    assert (claims["acr"], claims["amr"], claims["given_name"]) == ("eidas1", ["pwd"], "Éléonore")
    assert len(claims["sid"]) == 43
    assert claims["iss"] == at.provider.issuer


async def test_an_amr_that_nobody_gave_is_absent(at: AtProvider) -> None:
    asked = json.dumps({"id_token": {"amr": {"essential": True}}})
    assert "amr" not in (await at.read((await at.tokens("ahmed", claims=asked))["id_token"])).claims


async def test_auth_time_is_the_time_of_the_authorization_even_when_silent(at: AtProvider) -> None:
    await at.sign_in()
    at.clock.now += 1000
    answer = await at.authorize()
    _, tokens = await at.post("/token", at.redemption(answer.location.query["code"]))
    assert (await at.read(tokens["id_token"])).claims["auth_time"] == at.clock.now


async def test_client_secret_basic_is_taken_too(at: AtProvider) -> None:
    form = at.redemption(await code(at), client_id="", client_secret="")
    status, _ = await at.post("/token", form, headers=basic("client", at.client.client_secret))
    assert status == 200


@pytest.mark.parametrize(
    "changes, status, error, description",
    [
        ({"client_id": ""}, 400, "invalid_request", "no client authentication mechanism provided"),
        ({"client_secret": ""}, 401, "invalid_client", "client authentication failed"),
        ({"client_secret": "wrong"}, 401, "invalid_client", "client authentication failed"),
        ({"client_id": "other"}, 401, "invalid_client", "client authentication failed"),
        ({"grant_type": ""}, 400, "invalid_request", "missing required parameter 'grant_type'"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", "unsupported grant_type requested"),
        ({"code": ""}, 400, "invalid_request", "missing required parameter 'code'"),
        ({"redirect_uri": ""}, 400, "invalid_request", "missing required parameter 'redirect_uri'"),
        ({"code": "x" * 43}, 400, "invalid_grant", "grant request is invalid"),
        ({"redirect_uri": SIGNED_OUT}, 400, "invalid_grant", "grant request is invalid"),
        ({"code_verifier": "w" * 43}, 400, "invalid_grant", "grant request is invalid"),
        ({"code_verifier": ""}, 400, "invalid_grant", "grant request is invalid"),
    ],
)
async def test_a_wrong_token_request_is_an_error(
    at: AtProvider, changes: dict[str, str], status: int, error: str, description: str
) -> None:
    answer = await at.post("/token", {**at.redemption(await code(at)), **changes})
    assert answer == (status, {"error": error, "error_description": description})


async def test_a_verifier_without_a_challenge_is_refused(at: AtProvider) -> None:
    plain = await code(at, code_challenge="", code_challenge_method="")
    assert (await at.post("/token", at.redemption(plain)))[1]["error"] == "invalid_grant"
    assert (await at.post("/token", at.redemption(plain, code_verifier="")))[0] == 200


async def test_a_code_of_another_client_is_refused(at: AtProvider) -> None:
    at.provider.register(registration(client_id="other"))
    status, answer = await at.post("/token", at.redemption(await code(at), client_id="other"))
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("age, status", [(59, 200), (60, 400)])
async def test_a_code_lives_sixty_seconds(at: AtProvider, age: int, status: int) -> None:
    redemption = at.redemption(await code(at))
    at.clock.now += age
    assert (await at.post("/token", redemption))[0] == status


async def test_a_replayed_code_revokes_what_it_gave(at: AtProvider) -> None:
    redemption = at.redemption(await code(at))
    _, tokens = await at.post("/token", redemption)
    assert (await at.userinfo(tokens["access_token"]))[0] == 200
    assert (await at.post("/token", redemption))[1]["error"] == "invalid_grant"
    assert (await at.userinfo(tokens["access_token"]))[0] == 401
    assert (await at.refresh(tokens["refresh_token"]))[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "fields",
    [
        {"Authorization": "Basic !"},
        {"Authorization": "Basic bm8tY29sb24="},
        {"Authorization": "Bearer x"},
        basic("client", "0123456789abcdef" * 4),
    ],
    ids=["not base64", "no colon", "another scheme", "both ways at once"],
)
async def test_a_wrong_authorization_field_is_an_invalid_request(
    at: AtProvider, fields: dict[str, str]
) -> None:
    status, answer = await at.post("/token", at.redemption("code"), headers=fields)
    assert (status, answer["error"]) == (400, "invalid_request")


async def test_a_basic_failure_is_challenged(at: AtProvider) -> None:
    form = {"grant_type": "authorization_code"}
    async with at.http.post(
        f"{at.provider.issuer}/token", data=form, headers=basic("client", "no")
    ) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith(f'Basic realm="{at.provider.issuer}"')


@pytest.mark.parametrize(
    "body",
    [{"json": {"grant_type": "authorization_code"}}, {"data": [("code", "1"), ("code", "2")]}],
    ids=["JSON", "a name twice"],
)
async def test_anything_but_a_plain_form_is_refused(at: AtProvider, body: dict[str, Any]) -> None:
    async with at.http.post(f"{at.provider.issuer}/token", **body) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")


async def test_a_refresh_gives_the_same_sign_in_again(at: AtProvider) -> None:
    tokens = await at.tokens(claims=SEE_ACR)
    first = (await at.read(tokens["id_token"])).claims
    at.clock.now += 1800
    status, again = await at.refresh(tokens["refresh_token"])
    claims = (await at.read(again["id_token"])).claims
    assert status == 200
    assert set(again) == set(tokens)
    assert again["refresh_token"] == tokens["refresh_token"]
    assert [claims[name] for name in ("nonce", "acr", "auth_time")] == [
        first[name] for name in ("nonce", "acr", "auth_time")
    ]
    assert claims["at_hash"] != first["at_hash"]
    assert (await at.userinfo(again["access_token"]))[0] == 200


async def test_an_old_refresh_token_is_replaced_and_its_reuse_ends_the_grant(at: AtProvider) -> None:
    old = (await at.tokens())["refresh_token"]
    at.clock.now += 43_200 * 7 // 10
    _, again = await at.refresh(old)
    assert again["refresh_token"] != old
    assert (await at.refresh(old))[1]["error"] == "invalid_grant"
    assert (await at.refresh(again["refresh_token"]))[1]["error"] == "invalid_grant"


@pytest.mark.parametrize("form", [{"refresh_token": "x" * 43}, {"refresh_token": ""}])
async def test_a_refresh_needs_a_token_of_ours(at: AtProvider, form: dict[str, str]) -> None:
    status, _ = await at.refresh(form["refresh_token"])
    assert status == 400


async def test_a_revoked_access_token_is_refused_and_the_refresh_token_lives(at: AtProvider) -> None:
    tokens = await at.tokens()
    form = {**at.redemption(""), "token": tokens["access_token"]}
    async with at.http.post(f"{at.provider.issuer}/token/revocation", data=form) as answer:
        assert (answer.status, await answer.text()) == (200, "")
    assert (await at.userinfo(tokens["access_token"]))[0] == 401
    assert (await at.refresh(tokens["refresh_token"]))[0] == 200


async def test_a_revoked_refresh_token_takes_the_access_token_along(at: AtProvider) -> None:
    tokens = await at.tokens()
    form = {**at.redemption(""), "token": tokens["refresh_token"]}
    async with at.http.post(f"{at.provider.issuer}/token/revocation", data=form) as answer:
        assert answer.status == 200
    assert (await at.userinfo(tokens["access_token"]))[0] == 401


async def test_nobody_revokes_the_tokens_of_another_client(at: AtProvider) -> None:
    at.provider.register(registration(client_id="other"))
    tokens = await at.tokens()
    form = {**at.redemption("", client_id="other"), "token": tokens["access_token"]}
    assert (await at.post("/token/revocation", form))[0] == 400
    assert (await at.userinfo(tokens["access_token"]))[0] == 200


async def test_introspection_describes_a_token(at: AtProvider) -> None:
    tokens = await at.tokens(scope="openid email")
    form = {**at.redemption(""), "token": tokens["access_token"]}
    assert await at.post("/token/introspection", form) == (
        200,
        {
            "active": True,
            "sub": PEOPLE[0].sub,
            "client_id": "client",
            "scope": "openid email",
            "iat": at.clock.now,
            "exp": at.clock.now + 3600,
            "iss": at.provider.issuer,
            "token_type": "Bearer",
        },
    )


@pytest.mark.parametrize("token", ["unknown", "expired"])
async def test_introspection_says_only_inactive_of_a_token_that_is(at: AtProvider, token: str) -> None:
    value = (await at.tokens())["access_token"] if token == "expired" else "x" * 43
    at.clock.now += 3600
    form = {**at.redemption(""), "token": value}
    assert await at.post("/token/introspection", form) == (200, {"active": False})


async def test_introspection_gives_a_refresh_token_no_token_type(at: AtProvider) -> None:
    tokens = await at.tokens()
    form = {**at.redemption(""), "token": tokens["refresh_token"]}
    _, answer = await at.post("/token/introspection", form)
    assert answer["active"]
    assert answer["exp"] == at.clock.now + 43_200
    assert "token_type" not in answer
