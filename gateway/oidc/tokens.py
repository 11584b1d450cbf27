"""The token request out, the token response in (RFC 6749 sections 4.1.3, 4.1.4 and 5).

The ID token in the response is not looked at here: see `oidc.jws` and `oidc.id_token`.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, assert_never
from urllib.parse import quote_plus, urlencode

from gateway.errors import Fault, ProviderError
from gateway.oidc.answer import REDIRECTS, Answer, json_body
from gateway.oidc.authorization import AuthorizationCode
from gateway.oidc.checks import require
from gateway.oidc.client import Client, ClientAuthMethod
from gateway.oidc.pending import Pending
from gateway.oidc.strict_json import JSONRefusedError, parse_object
from gateway.secret import Secret

_TYPES: Final = frozenset({"application/json"})  # RFC 6749 section 5.1
_ACCESS_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")  # RFC 6749 appendix A.12, without the space
_LONGEST_LIFE: Final = 1 << 32  # seconds

_ERRORS: Final = frozenset(  # RFC 6749 section 5.2; anything else is not repeated
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What is posted to the token endpoint.

    Args:
        form: the body, application/x-www-form-urlencoded.
        authorization: the value of the Authorization field, if the client authenticates there.
    """

    form: Secret
    authorization: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A token response of the right form. Its ID token is unchecked, so it says nothing about anybody yet."""

    access_token: Secret
    id_token: Secret
    expires_in: int | None


def token_request(client: Client, code: AuthorizationCode, pending: Pending) -> TokenRequest:
    """Redeem a code, with the verifier of the attempt it was given to (RFC 7636 section 4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code.code.reveal(),
        "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.code_verifier.reveal(),
    }
    authorization = None
    secret = client.client_secret.reveal()
    match client.token_endpoint_auth_method:
        case ClientAuthMethod.CLIENT_SECRET_POST:
            form |= {"client_id": client.client_id, "client_secret": secret}
        case ClientAuthMethod.CLIENT_SECRET_BASIC:
            # RFC 6749 section 2.3.1: each half is form-encoded before the two are joined.
            pair = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"
            authorization = Secret("Basic " + base64.b64encode(pair.encode()).decode())
        case other:
            assert_never(other)
    return TokenRequest(form=Secret(urlencode(form)), authorization=authorization)


def check_token_response(answer: Answer) -> TokenResponse:
    """Read a token response; what is not needed in it is ignored (RFC 6749 section 5.1).

    Raises:
        ProviderError: token-redirect, token-error, token-malformed or token-type.
    """
    require(answer.status not in REDIRECTS, Fault.TOKEN_REDIRECT, status=answer.status)
    if answer.status != HTTPStatus.OK:
        raise ProviderError(Fault.TOKEN_ERROR, status=answer.status, error=_error(answer))
    response = json_body(answer, Fault.TOKEN_MALFORMED, types=_TYPES)
    require("error" not in response, Fault.TOKEN_ERROR, status=answer.status, error=_error(answer))
    token_type = response.get("token_type")
    require(isinstance(token_type, str) and token_type.lower() == "bearer", Fault.TOKEN_TYPE)
    access_token, id_token = response.get("access_token"), response.get("id_token")
    require(_is_access_token(access_token), Fault.TOKEN_MALFORMED, member="access_token")
    require(isinstance(id_token, str) and id_token, Fault.TOKEN_MALFORMED, member="id_token")
    require(_is_life(response.get("expires_in", 0)), Fault.TOKEN_MALFORMED, member="expires_in")
    require(isinstance(response.get("scope", ""), str), Fault.TOKEN_MALFORMED, member="scope")
    return TokenResponse(
        access_token=Secret(str(access_token)),
        id_token=Secret(str(id_token)),
        expires_in=response.get("expires_in"),
    )


def _error(answer: Answer) -> str:
    """The error code, if it is one that the specification knows: nothing else of a provider's is repeated."""
    try:
        error = parse_object(answer.body).get("error")
    except JSONRefusedError:
        return "unknown"
    return error if isinstance(error, str) and error in _ERRORS else "unknown"


def _is_access_token(value: object) -> bool:
    return isinstance(value, str) and _ACCESS_TOKEN.fullmatch(value) is not None


def _is_life(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LONGEST_LIFE
