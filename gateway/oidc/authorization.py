"""The authorization request out, the authorization response in (OpenID Connect Core 1.0 section 3.1.2).

Finding the attempt that a response belongs to, and making sure that it is used once, is the caller's affair.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.errors import (
    Fault,
    ForbiddenError,
    GatewayError,
    ProviderError,
    ProviderUnavailableError,
    RequestError,
)
from gateway.oidc.checks import require, same
from gateway.oidc.client import Client, ResponseMode
from gateway.oidc.metadata import ProviderMetadata
from gateway.oidc.pending import Pending
from gateway.secret import Secret

Query: TypeAlias = Sequence[tuple[str, str]]
"""Decoded parameters in their order, each as often as it came."""

_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # as `oidc.pending` draws it
_CODE: Final = re.compile(r"[\x20-\x7e]{1,2048}")  # RFC 6749 appendix A.11
_TOKENS: Final = frozenset({"id_token", "access_token"})  # other flows' (RFC 9700 section 2.1.2)

_TWICE: Final[Mapping[str, Fault]] = {"state": Fault.STATE, "iss": Fault.RESPONSE_ISS}

_UNMET: Final = "unmet_authentication_requirements"
_UNMET_AT_PROCONNECT: Final = "requested ACRs could not be satisfied"  # its `error` is that of every refusal

_REFUSED: Final = ForbiddenError, Fault.PROVIDER_REFUSED
_FAILED: Final = ProviderError, Fault.PROVIDER_ERROR
_ASKED_WRONG: Final = ProviderError, Fault.PROVIDER_REQUEST
_NOBODY: Final = ProviderError, Fault.PROVIDER_NOBODY

_ERRORS: Final[Mapping[str, tuple[type[GatewayError], Fault]]] = {
    # RFC 6749 section 4.1.2.1
    "access_denied": _REFUSED,
    "invalid_request": _ASKED_WRONG,
    "invalid_scope": (ProviderError, Fault.PROVIDER_SCOPE),
    "server_error": _FAILED,
    "temporarily_unavailable": (ProviderUnavailableError, Fault.PROVIDER_BUSY),
    "unauthorized_client": _ASKED_WRONG,
    "unsupported_response_type": _ASKED_WRONG,
    # OpenID Connect Core 1.0 section 3.1.2.6
    "account_selection_required": _NOBODY,
    "consent_required": _NOBODY,
    "interaction_required": _NOBODY,
    "invalid_request_object": _ASKED_WRONG,
    "invalid_request_uri": _ASKED_WRONG,
    "login_required": _NOBODY,
    "registration_not_supported": _ASKED_WRONG,
    "request_not_supported": _ASKED_WRONG,
    "request_uri_not_supported": _ASKED_WRONG,
    # OpenID Connect Core Unmet Authentication Requirements 1.0 section 3
    _UNMET: _REFUSED,
    # ProConnect
    "idp_hint_not_found": (ProviderError, Fault.IDP_HINT_UNKNOWN),
    "unsupported_response_mode": _ASKED_WRONG,
}

_TECHNICAL: Final = "authentication aborted due to a technical error on the authorization server"
_AT_PROCONNECT: Final[Mapping[tuple[str, str], tuple[type[GatewayError], Fault]]] = {
    # One `error` stands for several things there, which only its text tells apart. Each comes from the button
    # "Réessayer de vous connecter" of an error page of ProConnect's own.
    ("server_error", _TECHNICAL): (ProviderError, Fault.PROVIDER_TECHNICAL),
    ("server_error", "An unexpected error occurred"): (ProviderError, Fault.PROVIDER_TECHNICAL),
    ("invalid_request", _TECHNICAL): (ProviderError, Fault.PROVIDER_TECHNICAL),
    ("access_denied", "user authentication aborted"): (ForbiddenError, Fault.PROVIDER_ABORTED),
    ("access_denied", "authentication aborted due to invalid identity"): (
        ForbiddenError,
        Fault.PROVIDER_ACCOUNT,
    ),
    ("access_denied", "authentication aborted due to a configuration limitation"): (
        ForbiddenError,
        Fault.PROVIDER_DOMAIN,
    ),
}

RETRIES: Final = frozenset({Fault.PROVIDER_TECHNICAL, Fault.PROVIDER_ABORTED})
"""Errors with which a person comes back who pressed a button to sign in again."""


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code that came to the browser that asked, from the provider that was asked. Not yet redeemed."""

    code: Secret


def authorization_parameters(
    client: Client, pending: Pending, *, assurance: Collection[str] = ()
) -> dict[str, str]:
    """What is asked of the provider; no parameter beyond those that this sign-in needs.

    `claims` asks for what the ID token is to say (OpenID Connect Core 1.0 sections 5.5 and 5.5.1.1), never
    `acr_values` beside it: ProConnect's answer to both is not specified.

    Args:
        client: the gateway as registered there.
        pending: the attempt; the levels in it are asked for as essential.
        assurance: claims about how the person was authenticated that the ID token should have.
    """
    parameters = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": pending.redirect_uri,
        "scope": " ".join(client.scope),
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": _s256(pending.code_verifier),
        "code_challenge_method": "S256",
    }
    if client.response_mode is not ResponseMode.QUERY:
        parameters["response_mode"] = client.response_mode.value
    claims: dict[str, object] = dict.fromkeys(assurance)
    if pending.acr:
        claims["acr"] = {"essential": True, "values": pending.acr}
    if pending.silent:
        parameters["prompt"] = "none"
    if claims:
        parameters["claims"] = json.dumps({"id_token": claims}, separators=(",", ":"))
    return {**parameters, **pending.hints}


def authorization_url(
    metadata: ProviderMetadata, client: Client, pending: Pending, *, assurance: Collection[str] = ()
) -> str:
    """Where to send the browser with `authorization_parameters` (OpenID Connect Core 1.0 section 3.1.2.1)."""
    parameters = authorization_parameters(client, pending, assurance=assurance)
    return with_query(metadata.authorization_endpoint, parameters)


def with_query(endpoint: str, parameters: Mapping[str, str]) -> str:
    """An endpoint with parameters; what its own query holds is kept (RFC 6749 section 3.1)."""
    separator = "&" if "?" in endpoint else "?"
    return endpoint + separator + urlencode(parameters, quote_via=quote)


def _s256(code_verifier: Secret) -> str:
    return str(create_s256_code_challenge(code_verifier.reveal()))  # type: ignore[no-untyped-call]


def state_of(query: Query) -> str:
    """The `state` of a response, to find the attempt by; nothing is checked but its form.

    Raises:
        RequestError: state, when it is absent, there twice, or not one that the gateway could have sent.
    """
    values = [value for name, value in query if name == "state"]
    require(len(values) == 1 and _STATE.fullmatch(values[0]), Fault.STATE, raises=RequestError)
    return values[0]


def check_response(query: Query, *, expected: Pending, metadata: ProviderMetadata) -> AuthorizationCode:
    """Check a response before anything is done with its code.

    In this order: RFC 6749 section 3.1 (no parameter twice), section 10.12 (`state`), RFC 9700 section 2.1.2
    (no tokens), RFC 9207 section 2.4 (`iss`), RFC 6749 section 4.1.2.1 (`error`), section 4.1.2 (`code`).

    Args:
        query: the parameters as they came.
        expected: the attempt of this browser.
        metadata: of the provider that was asked.

    Raises:
        RequestError: response-malformed, state or response-iss: not a response to this attempt.
        ForbiddenError: provider-refused, -aborted, -account or -domain, the provider denied access to the
            person; acr-too-low, for want of the level of assurance asked for.
        ProviderError: provider-error or a closer name for it, the provider could not sign the person in;
            provider-request or -scope, it was asked for something wrong; idp-hint-unknown.
        ProviderUnavailableError: provider-busy, it says it may be able to later.
    """
    for name, times in Counter(name for name, _ in query).items():
        fault = _TWICE.get(name, Fault.RESPONSE_MALFORMED)
        require(times == 1, fault, raises=RequestError, why="twice")
    given = dict(query)
    require(same(expected.state, given.get("state")), Fault.STATE, raises=RequestError)
    require(_TOKENS.isdisjoint(given), Fault.RESPONSE_MALFORMED, raises=RequestError, why="token in query")
    iss = given.get("iss")
    require(
        iss is not None or not metadata.response_iss, Fault.RESPONSE_ISS, raises=RequestError, why="absent"
    )
    require(iss in {None, metadata.issuer}, Fault.RESPONSE_ISS, raises=RequestError, why="another issuer")
    error, code = given.get("error"), given.get("code")
    require(
        error is None or code is None, Fault.RESPONSE_MALFORMED, raises=RequestError, why="code and error"
    )
    if error is not None:
        said = given.get("error_description", "")
        raises, fault = _AT_PROCONNECT.get((error, said)) or _ERRORS.get(error, _FAILED)
        unmet = error == _UNMET or said == _UNMET_AT_PROCONNECT
        if expected.acr and fault is Fault.PROVIDER_REFUSED and unmet:
            fault = Fault.ACR_TOO_LOW
        raise raises(fault, error=error if error in _ERRORS else "unknown")
    require(code and _CODE.fullmatch(code), Fault.RESPONSE_MALFORMED, raises=RequestError, why="code")
    return AuthorizationCode(Secret(given["code"]))
