"""The token request out, the token response in (RFC 6749 sections 4.1.3, 4.1.4 and 5).

How the client authenticates is in `oidc.client_auth`. The ID token in the response is not looked at here: see
`oidc.jws` and `oidc.id_token`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from gateway.errors import Fault, ProviderError, SessionRefusedError
from gateway.oidc.answer import REDIRECTS, Answer, json_body
from gateway.oidc.authorization import AuthorizationCode
from gateway.oidc.checks import require
from gateway.oidc.pending import Pending
from gateway.oidc.strict_json import JSONRefusedError, parse_object
from gateway.secret import Secret

_TYPES: Final = frozenset({"application/json"})  # RFC 6749 section 5.1
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")  # RFC 6749 appendices A.12 and A.17, without the space
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
class TokenResponse:
    """A token response of the right form. Its ID token is unchecked, so it says nothing about anybody yet."""

    access_token: Secret
    id_token: Secret
    refresh_token: Secret | None
    expires_in: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshResponse:
    """The answer to a refresh token (Core 1.0 section 12.2): what is None in it stays what it was."""

    access_token: Secret
    id_token: Secret | None
    refresh_token: Secret | None
    expires_in: int | None


def refresh_parameters(refresh_token: Secret) -> dict[str, str]:
    """Ask for new tokens, for all that the person has consented to (RFC 6749 section 6)."""
    return {"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}


def token_parameters(code: AuthorizationCode, pending: Pending) -> dict[str, str]:
    """Redeem a code, with the verifier of the attempt it was given to (RFC 7636 section 4.5)."""
    return {
        "grant_type": "authorization_code",
        "code": code.code.reveal(),
        "redirect_uri": pending.redirect_uri,
        "code_verifier": pending.code_verifier.reveal(),
    }


def check_token_response(answer: Answer) -> TokenResponse:
    """Read a token response; what is not needed in it is ignored (RFC 6749 section 5.1).

    Raises:
        ProviderError: token-redirect, token-error, token-malformed or token-type.
    """
    response = _response(answer)
    id_token, refresh_token = response.get("id_token"), response.get("refresh_token")
    require(isinstance(id_token, str) and id_token, Fault.TOKEN_MALFORMED, member="id_token")
    return TokenResponse(
        access_token=Secret(response["access_token"]),
        id_token=Secret(str(id_token)),
        refresh_token=Secret(str(refresh_token)) if _is_token(refresh_token) else None,
        expires_in=response.get("expires_in"),
    )


def check_refresh_response(answer: Answer) -> RefreshResponse:
    """Read the answer to a refresh token, the same way.

    Raises:
        SessionRefusedError: refresh-refused, when the token is good for nothing any more; refresh-mismatch,
            when what stands for an ID token is none.
        ProviderError: as of a token response.
    """
    try:
        response = _response(answer)
    except ProviderError as error:
        if error.facts.get("error") == "invalid_grant":
            raise SessionRefusedError(Fault.REFRESH_REFUSED, status=answer.status) from error
        raise
    id_token, refresh_token = response.get("id_token"), response.get("refresh_token")
    require(
        id_token is None or (isinstance(id_token, str) and id_token),
        Fault.REFRESH_MISMATCH,
        raises=SessionRefusedError,
        member="id_token",
    )
    malformed = refresh_token is not None and not _is_token(refresh_token)
    require(not malformed, Fault.TOKEN_MALFORMED, member="refresh_token")
    return RefreshResponse(
        access_token=Secret(response["access_token"]),
        id_token=None if id_token is None else Secret(id_token),
        refresh_token=None if refresh_token is None else Secret(refresh_token),
        expires_in=response.get("expires_in"),
    )


def _response(answer: Answer) -> dict[str, Any]:
    """The members of a token response, those checked that every one has."""
    require(answer.status not in REDIRECTS, Fault.TOKEN_REDIRECT, status=answer.status)
    if answer.status != HTTPStatus.OK:
        raise ProviderError(Fault.TOKEN_ERROR, status=answer.status, error=_error(answer))
    response = json_body(answer, Fault.TOKEN_MALFORMED, types=_TYPES)
    require("error" not in response, Fault.TOKEN_ERROR, status=answer.status, error=_error(answer))
    token_type = response.get("token_type")
    require(isinstance(token_type, str) and token_type.lower() == "bearer", Fault.TOKEN_TYPE)
    require(_is_token(response.get("access_token")), Fault.TOKEN_MALFORMED, member="access_token")
    require(_is_life(response.get("expires_in", 0)), Fault.TOKEN_MALFORMED, member="expires_in")
    require(isinstance(response.get("scope", ""), str), Fault.TOKEN_MALFORMED, member="scope")
    return response


def _error(answer: Answer) -> str:
    """The error code, if it is one that the specification knows: nothing else of a provider's is repeated."""
    try:
        error = parse_object(answer.body).get("error")
    except JSONRefusedError:
        return "unknown"
    return error if isinstance(error, str) and error in _ERRORS else "unknown"


def _is_token(value: object) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _is_life(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LONGEST_LIFE
