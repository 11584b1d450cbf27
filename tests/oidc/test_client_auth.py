from __future__ import annotations

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl

import pytest
from joserfc import jwt

from gateway.oidc.client import AssertionAudience, Client, ClientAuthMethod, SigningAlg
from gateway.oidc.client_auth import FormRequest, authenticated
from gateway.oidc.client_keys import ClientKeys
from gateway.secret import Secret
from tests.support.honest import CLIENT_ID, CLIENT_SECRET, EC, ISSUER, NOW, OTHER_RSA, client, metadata

CODE = {"grant_type": "authorization_code", "code": "a&b=c"}


def posted(registered: Client) -> FormRequest:
    return authenticated(CODE, client=registered, metadata=metadata(), now=NOW, jti="jti-1")


def form_of(request: FormRequest) -> dict[str, str]:
    return dict(parse_qsl(request.form.reveal(), strict_parsing=True))


def signing(alg: SigningAlg = SigningAlg.ES256, **changes: Any) -> Client:
    key = EC if alg is SigningAlg.ES256 else OTHER_RSA
    return client(
        client_secret=Secret(""),
        token_endpoint_auth_method=ClientAuthMethod.PRIVATE_KEY_JWT,
        token_endpoint_auth_signing_alg=alg,
        keys=ClientKeys((key,)),
        **changes,
    )


def test_a_client_authenticates_in_the_form() -> None:
    request = posted(client())
    assert request.authorization is None
    assert form_of(request) == {**CODE, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def test_a_client_authenticates_in_a_field_with_each_half_encoded() -> None:
    registered = client(
        client_id="a:b",
        client_secret=Secret("c d%é" + "x" * 32),
        token_endpoint_auth_method=ClientAuthMethod.CLIENT_SECRET_BASIC,
    )
    request = posted(registered)
    assert request.authorization is not None
    scheme, pair = request.authorization.reveal().split()
    assert scheme == "Basic"
    assert b64decode(pair) == b"a%3Ab:c+d%25%C3%A9" + b"x" * 32
    assert form_of(request) == CODE


@pytest.mark.parametrize("alg", [SigningAlg.ES256, SigningAlg.RS256, SigningAlg.PS256])
def test_a_client_authenticates_with_an_assertion(alg: SigningAlg) -> None:
    request = posted(signing(alg))
    form = form_of(request)
    assert request.authorization is None
    assert form.keys() == {*CODE, "client_id", "client_assertion_type", "client_assertion"}
    assert form["client_id"] == CLIENT_ID
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    key = EC if alg is SigningAlg.ES256 else OTHER_RSA
    assertion = jwt.decode(form["client_assertion"], key, algorithms=[alg.value])
    assert assertion.header == {"alg": alg.value, "typ": "JWT", "kid": key.thumbprint()}
    assert assertion.claims == {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": ISSUER,
        "jti": "jti-1",
        "iat": NOW,
        "exp": NOW + 60,
    }


def test_an_assertion_may_be_meant_for_the_token_endpoint() -> None:
    request = posted(signing(client_assertion_audience=AssertionAudience.TOKEN_ENDPOINT))
    assertion = jwt.decode(form_of(request)["client_assertion"], EC, algorithms=["ES256"])
    assert assertion.claims["aud"] == f"{ISSUER}/token"


@pytest.mark.parametrize("method", ClientAuthMethod)
def test_a_request_does_not_show_itself(method: ClientAuthMethod) -> None:
    shown = repr(posted(client(token_endpoint_auth_method=method, keys=ClientKeys((EC,)))))
    assert not any(secret in shown for secret in (CLIENT_SECRET, "eyJ", "grant_type"))
