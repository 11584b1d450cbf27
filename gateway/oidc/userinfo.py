"""The userinfo response to the claims about a person (OpenID Connect Core 1.0 section 5.3).

It is read once, right after the token response. A signed one is verified by `oidc.jws` in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.errors import Fault
from gateway.oidc.answer import Answer, json_object, require_success
from gateway.oidc.checks import require, same, shown
from gateway.oidc.claims import (
    ASSURANCE_CLAIMS,
    is_only_audience,
    personal,
    require_current,
)
from gateway.oidc.client import Client, SigningAlg
from gateway.oidc.id_token import IDToken
from gateway.secret import Secret
from gateway.sessions.session import Claims

_JWT: Final = "application/jwt"
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class SignedUserinfo:
    """A response that must be verified, with the registered algorithm, before anything in it counts."""

    compact: Secret
    alg: SigningAlg


@dataclass(frozen=True, slots=True)
class PlainUserinfo:
    """A response that is believed for the connection that it came over."""

    claims: Claims = field(repr=False)


Userinfo: TypeAlias = SignedUserinfo | PlainUserinfo


def check_userinfo_response(answer: Answer, client: Client) -> Userinfo:
    """Check that the response is of the registered kind, whatever follows its media type.

    Raises:
        ProviderError: userinfo-error, userinfo-unsigned, userinfo-type or userinfo-malformed.
    """
    require_success(answer, Fault.USERINFO_ERROR, redirect=Fault.USERINFO_ERROR)
    alg = client.userinfo_signed_response_alg
    unsigned = alg is not None and answer.media_type == _JSON
    require(not unsigned, Fault.USERINFO_UNSIGNED)
    expected = _JSON if alg is None else _JWT
    require(answer.media_type == expected, Fault.USERINFO_TYPE, content_type=shown(answer.content_type))
    if alg is None:
        return PlainUserinfo(json_object(answer.body, Fault.USERINFO_MALFORMED))
    return SignedUserinfo(Secret(answer.body.decode("latin-1")), alg)


def check_signed_userinfo(
    claims: Claims, *, issuer: str, client: Client, id_token: IDToken, now: int, skew: int
) -> None:
    """The checks that only a signed response has: it is this issuer's, for this client, and not an ID token.

    Args:
        claims: out of a verified response.
        issuer: of the provider that was asked.
        client: the gateway as registered there.
        id_token: of the same token response.
        now: Unix seconds.
        skew: by how many seconds the provider's clock may differ.

    Raises:
        ProviderError: userinfo-iss, userinfo-aud, userinfo-exp or userinfo-type.
    """
    iss = claims.get("iss")
    require(iss == issuer, Fault.USERINFO_ISS, expected=issuer, got=shown(iss))
    require(is_only_audience(claims, client.client_id), Fault.USERINFO_AUD)
    if "exp" in claims:
        require_current(claims, exp=Fault.USERINFO_EXP, nbf=Fault.USERINFO_EXP, now=now, skew=skew)
    # RFC 8725 section 3.12: both are signed alike and fit both checks, but only one answers a nonce.
    require(claims.get("nonce") != id_token.claims["nonce"], Fault.USERINFO_TYPE, why="an ID token")


def identity_claims(id_token: IDToken, userinfo: Claims | None) -> Claims:
    """Who the person is: userinfo's claims, with how they were authenticated from the ID token alone.

    Without userinfo the ID token says both. What a statement says about itself is left out.

    Raises:
        ProviderError: userinfo-sub, when the two are about different persons (Core 1.0 section 5.3.2).
    """
    if userinfo is not None:
        require(same(id_token.sub, userinfo.get("sub")), Fault.USERINFO_SUB)
    said = personal(id_token.claims if userinfo is None else userinfo)
    return said | {name: id_token.claims[name] for name in ASSURANCE_CLAIMS if name in id_token.claims}
