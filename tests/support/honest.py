"""The honest messages of one sign-in at an imaginary provider, for tests to break one thing in.

Everything is consistent: the ID token answers the attempt, userinfo is about the same person, the keys fit.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any, Final

from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.oidc.answer import Answer
from gateway.oidc.authorization import AuthorizationCode
from gateway.oidc.client import Client
from gateway.oidc.metadata import ProviderMetadata
from gateway.oidc.pending import Pending
from gateway.secret import Secret
from gateway.sessions.return_to import parse_return_to

NOW: Final = 1_800_000_000
ISSUER: Final = "https://op.test/api/v2"
CLIENT_ID: Final = "4ec41582-1d60-4f12-a63b-d08abdd4be24"
CLIENT_SECRET: Final = "0123456789abcdef" * 4
STATE: Final = "s" * 43
NONCE: Final = "n" * 43
VERIFIER: Final = "v" * 43
CODE: Final = "c" * 43
ACCESS_TOKEN: Final = "a" * 43
REQUEST_URI: Final = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"
SUB: Final = "b7d6ff3c-0f2b-4b7e-9f6c-3f5a0e1c7d11"


class _Absent:
    """A member that is not there."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""As the value of a member: leave the member out."""

RSA: Final = RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256", "use": "sig"})
EC: Final = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"})
OTHER_RSA: Final = RSAKey.generate_key(2048, {"kid": "other"})
OTHER_EC: Final = ECKey.generate_key("P-256", {"kid": "other"})
HMAC: Final = OctKey.import_key(CLIENT_SECRET)


def client(**changes: Any) -> Client:
    registered = Client(
        client_id=CLIENT_ID,
        client_secret=Secret(CLIENT_SECRET),
        scope=("openid", "given_name", "email"),
    )
    return replace(registered, **changes)


def pending(**changes: Any) -> Pending:
    attempt = Pending(
        state=STATE,
        nonce=NONCE,
        code_verifier=Secret(VERIFIER),
        return_to=parse_return_to("/dossiers?tri=date"),
        provider="default",
        host="gw.test",
        redirect_uri="https://gw.test/_gateway/callback",
        started_at=NOW - 20,
    )
    return replace(attempt, **changes)


def code() -> AuthorizationCode:
    return AuthorizationCode(Secret(CODE))


def metadata_document(*, issuer: object = ISSUER, **changes: object) -> dict[str, Any]:
    return _with(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/session/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256", "ES256", "RS256"],
            "userinfo_signing_alg_values_supported": ["HS256", "ES256", "RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        },
        changes,
    )


def metadata(**changes: Any) -> ProviderMetadata:
    checked = ProviderMetadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/jwks",
        userinfo_endpoint=f"{ISSUER}/userinfo",
        end_session_endpoint=f"{ISSUER}/session/end",
        response_iss=True,
    )
    return replace(checked, **changes)


def id_token_claims(*, issuer: object = ISSUER, **changes: object) -> dict[str, Any]:
    return _with(
        {
            "iss": issuer,
            "sub": SUB,
            "aud": CLIENT_ID,
            "exp": NOW + 3600,
            "iat": NOW,
            "nonce": NONCE,
            "at_hash": half_hash(ACCESS_TOKEN),
            "auth_time": NOW - 5,
            "acr": "eidas1",
        },
        changes,
    )


def userinfo_claims(*, issuer: object = ISSUER, **changes: object) -> dict[str, Any]:
    return _with(
        {
            "iss": issuer,
            "aud": CLIENT_ID,
            "exp": NOW + 3600,
            "iat": NOW,
            "sub": SUB,
            "given_name": "Éléonore",
            "email": "Eleonore.Lefevre@Agriculture.example.fr",
            "roles": ["agent_public"],
        },
        changes,
    )


def token_document(*, id_token: object, **changes: object) -> dict[str, Any]:
    return _with(
        {
            "access_token": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": id_token,
            "refresh_token": "r" * 43,
            "scope": "openid given_name email",
        },
        changes,
    )


def key_set_document(*keys: RSAKey | ECKey) -> dict[str, Any]:
    return {"keys": [public(key) for key in keys or (RSA, EC)]}


def public(key: RSAKey | ECKey, **changes: object) -> dict[str, Any]:
    """A public JWK."""
    return _with({**(key.extra_parameters or {}), **key.as_dict(private=False)}, changes)


def answer(content: object, *, status: int = 200, content_type: str = "application/json") -> Answer:
    """An answer with this body: octets and text as they are, anything else as JSON."""
    return Answer(status=status, content_type=content_type, body=octets(content))


def signed(
    claims: object,
    *,
    key: RSAKey | ECKey | OctKey = RSA,
    alg: str = "RS256",
    header: dict[str, object] | None = None,
) -> str:
    """A compact JWS: whatever payload and header say, the signature is what `alg` and `key` make of them."""
    fields = {"alg": alg, "typ": "JWT"} | ({} if isinstance(key, OctKey) else {"kid": key.kid})
    signing_input = f"{base64url(octets(_with(fields, header or {})))}.{base64url(octets(claims))}"
    signature = JWSRegistry.algorithms[alg].sign(signing_input.encode(), key)
    return f"{signing_input}.{base64url(signature)}"


def octets(content: object) -> bytes:
    match content:
        case bytes():
            return content
        case str():
            return content.encode()
        case _:
            return json.dumps(content, ensure_ascii=False).encode()


def base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def half_hash(token: str) -> str:
    """OpenID Connect Core 1.0 section 3.1.3.6, for SHA-256."""
    return base64url(hashlib.sha256(token.encode()).digest()[:16])


def _with(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not ABSENT}
