"""The gateway as it is registered at a provider. How the registration gets here is the settings' affair."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.oidc.client_keys import NO_KEYS, ClientKeys
from gateway.secret import Secret

_SHORTEST_HMAC_KEY: Final = 32  # octets, RFC 7518 section 3.2


class SigningAlg(StrEnum):
    """The signature algorithms that a client may register here (RFC 7518 section 3.1)."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    HS256 = "HS256"


class ClientAuthMethod(StrEnum):
    """How the client authenticates at the token endpoint (OpenID Connect Core 1.0 section 9)."""

    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105 - the name of a method
    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 - the name of a method
    PRIVATE_KEY_JWT = "private_key_jwt"


class AssertionAudience(StrEnum):
    """Whom a client assertion is for (RFC 7523 section 3, point 3)."""

    ISSUER = "issuer"
    TOKEN_ENDPOINT = "token_endpoint"  # noqa: S105 - a member of the metadata


class ResponseMode(StrEnum):
    """How the authorization response comes (OAuth 2.0 Multiple Response Type Encoding Practices)."""

    QUERY = "query"
    FORM_POST = "form_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The registration, in the names of OpenID Connect Dynamic Client Registration 1.0 section 2.

    Args:
        client_id: as given by the provider.
        client_secret: as given by the provider; also the key of HS256 (Core 1.0 section 10.1).
        scope: the scope values to ask for, `openid` among them.
        id_token_signed_response_alg: the one algorithm an ID token may be signed with.
        userinfo_signed_response_alg: the one algorithm userinfo may be signed with; None: plain JSON.
        token_endpoint_auth_method: how the client authenticates.
        token_endpoint_auth_signing_alg: what a client assertion is signed with.
        client_assertion_audience: whom a client assertion is for.
        keys: the client's own, for client assertions.
        response_mode: how the authorization response comes.
        require_pushed_authorization_requests: whether the authorization request goes from server to server
            first, also where the provider leaves that to the client (RFC 9126 section 6).

    Raises:
        ValueError: `openid` is not asked for, the secret is too short for HS256, or there is no key for
            private_key_jwt.
    """

    client_id: str
    client_secret: Secret
    scope: tuple[str, ...]
    id_token_signed_response_alg: SigningAlg = SigningAlg.RS256
    userinfo_signed_response_alg: SigningAlg | None = SigningAlg.RS256
    token_endpoint_auth_method: ClientAuthMethod = ClientAuthMethod.CLIENT_SECRET_POST
    token_endpoint_auth_signing_alg: SigningAlg = SigningAlg.ES256
    client_assertion_audience: AssertionAudience = AssertionAudience.ISSUER
    keys: ClientKeys = NO_KEYS
    response_mode: ResponseMode = ResponseMode.QUERY
    require_pushed_authorization_requests: bool = False

    def __post_init__(self) -> None:
        if "openid" not in self.scope:
            raise ValueError("scope must hold openid")
        if SigningAlg.HS256 in self.algs and len(self.client_secret.reveal().encode()) < _SHORTEST_HMAC_KEY:
            raise ValueError(f"HS256 needs a client_secret of at least {_SHORTEST_HMAC_KEY} octets")
        if (
            self.token_endpoint_auth_method is ClientAuthMethod.PRIVATE_KEY_JWT
            and self.token_endpoint_auth_signing_alg not in self.keys.algs
        ):
            raise ValueError("private_key_jwt needs a key for its algorithm")

    @property
    def algs(self) -> frozenset[SigningAlg]:
        """Every algorithm the client is registered with."""
        registered = (self.id_token_signed_response_alg, self.userinfo_signed_response_alg)
        return frozenset(alg for alg in registered if alg is not None)

    @property
    def needs_key_set(self) -> bool:
        """Whether some signature is checked with a key that the provider publishes."""
        return bool(self.algs - {SigningAlg.HS256})
