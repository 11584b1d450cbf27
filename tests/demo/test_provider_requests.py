from __future__ import annotations

import json
from typing import Any

import pytest
from multidict import MultiDict

from gateway.demo.people import PEOPLE, SCOPE_CLAIMS
from gateway.demo.provider_requests import (
    AuthorizationRequest,
    RedirectedError,
    RenderedError,
    read_authorization_request,
    response_url,
    single,
)
from tests.support.demo_provider import CALLBACK, CHALLENGE, AtProvider, registration

CLIENT = registration(scopes=("openid", "email", "roles"))
GOOD = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": CALLBACK,
    "scope": "openid email",
    "state": "state",
}


def read(**changes: str) -> AuthorizationRequest:
    params = single(MultiDict({**GOOD, **changes}))
    idp_ids = frozenset(person.idp_id for person in PEOPLE)
    return read_authorization_request(params, clients={"client": CLIENT}, idp_ids=idp_ids)


def required(acr: Any) -> frozenset[str] | None:
    return read(claims=json.dumps({"id_token": {"acr": acr}})).required_acrs


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"client_id": ""}, "Y000400"),
        ({"state": ""}, "Y000400"),
        ({"scope": ""}, "Y000400"),
        ({"redirect_uri": ""}, "Y000400"),
        ({"redirect_uri": "app:/callback"}, "Y000400"),
        ({"redirect_uri": "http:///callback"}, "Y000400"),
        ({"nonce": "é"}, "Y000400"),
        ({"nonce": "n" * 513}, "Y000400"),
        ({"login_hint": "nobody"}, "Y000400"),
        ({"siret_hint": "1000000170001"}, "Y000400"),
        ({"client_id": "other"}, "oidc-provider-rendered-error:invalid_client"),
        ({"redirect_uri": f"{CALLBACK}/"}, "oidc-provider-rendered-error:invalid_redirect_uri"),
        ({"redirect_uri": CALLBACK.upper()}, "Y000400"),
        ({"redirect_uri": f"{CALLBACK}?"}, "oidc-provider-rendered-error:invalid_redirect_uri"),
    ],
)
def test_a_request_in_doubt_ends_on_a_page(changes: dict[str, str], code: str) -> None:
    with pytest.raises(RenderedError) as raised:
        read(**changes)
    assert raised.value.code == code


@pytest.mark.parametrize(
    "changes, error, description",
    [
        ({"response_type": ""}, "invalid_request", "missing required parameter 'response_type'"),
        ({"response_type": "none"}, "unsupported_response_type", "unsupported response_type requested"),
        ({"response_mode": "fragment"}, "unsupported_response_mode", "unsupported response_mode requested"),
        ({"request": "a.b.c"}, "request_not_supported", "request parameter provided but not supported"),
        ({"prompt": "select_account"}, "invalid_request", "unsupported prompt value requested"),
        ({"prompt": "none login"}, "invalid_request", "prompt none must only be used alone"),
        ({"scope": "email"}, "invalid_request", "openid scope must be requested"),
        ({"scope": "openid phone"}, "invalid_scope", "requested scope is not allowed"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request", None),
        ({"code_challenge": "!" * 43, "code_challenge_method": "S256"}, "invalid_request", None),
        ({"code_challenge": CHALLENGE}, "invalid_request", "plain code_challenge_method fallback disabled"),
        (
            {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
            "invalid_request",
            "not supported value of code_challenge_method",
        ),
        (
            {"code_challenge_method": "S256"},
            "invalid_request",
            "code_challenge must be provided with code_challenge_method",
        ),
        ({"claims": "{"}, "invalid_request", "could not parse the claims parameter JSON"),
        ({"claims": "[]"}, "invalid_request", "claims parameter should be a JSON object"),
        ({"claims": "{}"}, "invalid_request", "claims parameter should have userinfo or id_token properties"),
        ({"claims": '{"userinfo": 1}'}, "invalid_request", "claims.userinfo should be an object"),
        ({"max_age": "-1"}, "invalid_request", "invalid max_age parameter value"),
        ({"idp_hint": "unknown"}, "idp_hint_not_found", "provided idp_hint could not be found"),
    ],
)
def test_a_wrong_request_is_answered_at_the_redirect_uri(
    changes: dict[str, str], error: str, description: str | None
) -> None:
    with pytest.raises(RedirectedError) as raised:
        read(**changes)
    assert raised.value.redirect_uri == CALLBACK
    assert raised.value.response["error"] == error
    assert raised.value.response["state"] == "state"
    assert description in {None, raised.value.response["error_description"]}


def test_an_invalid_scope_is_named() -> None:
    with pytest.raises(RedirectedError) as raised:
        read(scope="openid phone")
    assert raised.value.response["scope"] == "phone"


def test_an_unknown_scope_is_dropped() -> None:
    assert read(scope="openid profile email offline_access").scope == ("openid", "email")


@pytest.mark.parametrize("response_type, separator", [("id_token", "#"), ("token", "#"), ("none", "?")])
def test_an_error_goes_where_the_response_type_would(response_type: str, separator: str) -> None:
    with pytest.raises(RedirectedError) as raised:
        read(response_type=response_type)
    assert raised.value.separator == separator


def test_a_repeated_parameter_is_refused() -> None:
    with pytest.raises(RenderedError) as raised:
        single(MultiDict([("state", "one"), ("state", "two")]))
    assert raised.value.code == "Y000400"


@pytest.mark.parametrize("name", ["organization", "remember_me", "utm_source"])
def test_an_unknown_parameter_is_ignored(name: str) -> None:
    assert read(**{name: "x"}) == read()


@pytest.mark.parametrize(
    "acr, values",
    [
        (None, None),
        ({"values": ["eidas2"]}, None),
        ({"essential": False, "values": ["eidas2"]}, None),
        ({"essential": True}, None),
        ({"essential": True, "value": "eidas2"}, {"eidas2"}),
        ({"essential": True, "values": ["eidas2", "eidas3"]}, {"eidas2", "eidas3"}),
        ({"essential": True, "values": ["eidas2", "gold"]}, {"eidas2"}),
        ({"essential": True, "values": ["gold"]}, set()),
    ],
)
def test_only_an_essential_acr_is_required(acr: Any, values: set[str] | None) -> None:
    assert required(acr) == values


def test_levels_have_no_order() -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "eidas1"}}})
    assert not read(claims=claims).satisfied_by("eidas2")


@pytest.mark.parametrize("nonce", ["n", "n" * 512, "with space ~"])
def test_a_nonce_is_printable_ascii(nonce: str) -> None:
    assert read(nonce=nonce).nonce == nonce


def test_a_response_keeps_the_uri_and_encodes_a_space_as_proconnect_does() -> None:
    assert response_url("http://a.test/cb", {"e": "a b&c"}) == "http://a.test/cb?e=a%20b%26c"
    assert response_url("http://a.test/cb?x=1", {"e": "a"}) == "http://a.test/cb?x=1&e=a"
    assert response_url("http://a.test/cb", {"e": "a"}, separator="#") == "http://a.test/cb#e=a"


def test_a_registration_does_not_print_its_secret() -> None:
    assert CLIENT.client_secret not in repr(CLIENT)


def test_a_client_may_ask_for_every_scope_unless_registered_for_fewer() -> None:
    assert set(registration().scopes) == set(SCOPE_CLAIMS)


async def test_a_page_error_redirects_nowhere(at: AtProvider) -> None:
    page = await at.authorize(redirect_uri="http://elsewhere.test/")
    assert page.status == 400
    assert "Location" not in page.fields
    assert "invalid_redirect_uri" in page.text


async def test_a_redirected_error_carries_iss(at: AtProvider) -> None:
    answer = await at.authorize(scope="email")
    assert answer.status == 303
    assert list(answer.location.query) == ["error", "error_description", "state", "iss"]
    assert answer.location.query["iss"] == at.provider.issuer


async def test_a_hint_that_is_no_token_of_ours_is_an_error(at: AtProvider) -> None:
    answer = await at.authorize(id_token_hint="a.b.c")
    assert answer.location.query["error_description"] == "could not validate id_token_hint"


async def test_a_hint_that_is_ours_is_accepted(at: AtProvider) -> None:
    hint = (await at.tokens())["id_token"]
    assert "code" in (await at.authorize(id_token_hint=hint)).location.query


async def test_the_page_of_an_error_escapes_what_was_asked(at: AtProvider) -> None:
    page = await at.authorize(login_hint="<script>alert(1)</script>@a.b")
    assert "<script>" not in (await at.browser.follow(page)).text
