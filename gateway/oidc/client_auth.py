"""What a client posts to its provider, with the proof of who it is (RFC 6749 section 2.3, RFC 7523)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never
from urllib.parse import quote_plus, urlencode

from gateway.oidc.client import AssertionAudience, Client, ClientAuthMethod
from gateway.oidc.metadata import ProviderMetadata
from gateway.secret import Secret

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 section 2.2
_ASSERTION_LIFETIME: Final = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRequest:
    """What is posted.

    Args:
        form: the body, application/x-www-form-urlencoded.
        authorization: the value of the Authorization field, if the client authenticates there.
    """

    form: Secret
    authorization: Secret | None


def authenticated(
    parameters: Mapping[str, str], *, client: Client, metadata: ProviderMetadata, now: int, jti: str
) -> FormRequest:
    """A form of the client's, with its authentication.

    Args:
        parameters: what is said.
        client: the gateway as registered.
        metadata: of the provider.
        now: Unix seconds.
        jti: names a client assertion; never used twice.
    """
    form, authorization = dict(parameters), None
    secret = client.client_secret.reveal()
    match client.token_endpoint_auth_method:
        case ClientAuthMethod.CLIENT_SECRET_POST:
            form |= {"client_id": client.client_id, "client_secret": secret}
        case ClientAuthMethod.CLIENT_SECRET_BASIC:
            # RFC 6749 section 2.3.1: each half is form-encoded before the two are joined.
            pair = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"
            authorization = Secret("Basic " + base64.b64encode(pair.encode()).decode())
        case ClientAuthMethod.PRIVATE_KEY_JWT:
            form |= {
                "client_id": client.client_id,
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": _assertion(client, metadata, now=now, jti=jti).reveal(),
            }
        case other:
            assert_never(other)
    return FormRequest(form=Secret(urlencode(form)), authorization=authorization)


def _assertion(client: Client, metadata: ProviderMetadata, *, now: int, jti: str) -> Secret:
    """A client assertion (RFC 7523 section 3).

    It is meant for the issuer alone: a provider that names another's token endpoint as its own gets nothing
    that it could use there.
    """
    match client.client_assertion_audience:
        case AssertionAudience.ISSUER:
            audience = metadata.issuer
        case AssertionAudience.TOKEN_ENDPOINT:
            audience = metadata.token_endpoint
        case other:
            assert_never(other)
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": audience,
        "jti": jti,
        "iat": now,
        "exp": now + _ASSERTION_LIFETIME,
    }
    return client.keys.sign(claims, client.token_endpoint_auth_signing_alg.value)
