"""The look-alike provider's discovery document: the members that ProConnect's has, with its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.demo.people import ACR_VALUES, SCOPE_CLAIMS

SIGNING: Final = ["HS256", "ES256", "RS256"]
CLIENT_AUTHENTICATION: Final = ["client_secret_post", "private_key_jwt"]

ENDPOINTS: Final[Mapping[str, str]] = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "end_session_endpoint": "/session/end",
    "introspection_endpoint": "/token/introspection",
    "revocation_endpoint": "/token/revocation",
}
"""Paths under the issuer."""

CONSTANTS: Final[Mapping[str, Any]] = {
    "acr_values_supported": list(ACR_VALUES),
    "authorization_response_iss_parameter_supported": True,
    "claim_types_supported": ["normal"],
    "claims_parameter_supported": True,
    "claims_supported": [
        *dict.fromkeys(claim for claims in SCOPE_CLAIMS.values() for claim in claims),
        "acr",
        "sid",
        "auth_time",
        "iss",
    ],
    "code_challenge_methods_supported": ["S256"],
    "grant_types_supported": ["authorization_code", "refresh_token"],
    "id_token_signing_alg_values_supported": SIGNING,
    "introspection_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
    "introspection_signing_alg_values_supported": SIGNING,
    "request_parameter_supported": False,
    "request_uri_parameter_supported": True,
    "require_request_uri_registration": True,
    "response_modes_supported": ["form_post", "fragment", "query"],
    "response_types_supported": ["code"],
    "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
    "scopes_supported": list(SCOPE_CLAIMS),
    "subject_types_supported": ["public"],
    "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
    "userinfo_signing_alg_values_supported": SIGNING,
    # Advertised by ProConnect though no client can register a key for it.
    **{
        f"{what}_encryption_{kind}_values_supported": list(values)
        for what in ("id_token", "userinfo", "introspection")
        for kind, values in (("alg", ("ECDH-ES", "RSA-OAEP")), ("enc", ("A256GCM",)))
    },
}


def metadata(issuer: str) -> dict[str, Any]:
    """The document (OpenID Connect Discovery 1.0 section 3) of the provider at `issuer`."""
    return {"issuer": issuer, **{name: f"{issuer}{path}" for name, path in ENDPOINTS.items()}, **CONSTANTS}
