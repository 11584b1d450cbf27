"""The claims of a verified ID token to IDToken (OpenID Connect Core 1.0 sections 3.1.3.7 and 3.1.3.8).

The signature was checked before, by `oidc.jws`. Whether an assurance level is enough is for `access.policy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oidc.core.util import create_half_hash

from gateway.errors import Fault
from gateway.oidc.authorization import AuthorizationCode
from gateway.oidc.checks import require, same, shown
from gateway.oidc.claims import is_only_audience, is_subject, require_current, seconds
from gateway.oidc.client import Client
from gateway.oidc.pending import Pending
from gateway.secret import Secret
from gateway.sessions.session import Claims, Grant, SignedIn


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedIDToken:
    """What an ID token must agree with.

    Args:
        issuer: of the provider that was asked.
        client: the gateway as registered there.
        pending: the attempt.
        code: what the token was given for.
        access_token: what came with it.
        skew: by how many seconds the provider's clock may differ.
    """

    issuer: str
    client: Client
    pending: Pending
    code: AuthorizationCode
    access_token: Secret
    skew: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRefreshed:
    """What the ID token of a refreshed session must agree with.

    Args:
        issuer: of the provider that was asked.
        client: the gateway as registered there.
        session: as it is.
        grant: what the token was given for.
        asked_at: when, in Unix seconds.
        access_token: what came with it.
        skew: by how many seconds the provider's clock may differ.
    """

    issuer: str
    client: Client
    session: SignedIn
    grant: Grant
    asked_at: int
    access_token: Secret
    skew: int


@dataclass(frozen=True, slots=True)
class IDToken:
    """The claims of an ID token that holds."""

    claims: Claims

    @property
    def sub(self) -> str:
        """The subject identifier, unique at the issuer and never reassigned."""
        return str(self.claims["sub"])

    @property
    def sid(self) -> str | None:
        """The provider's own session, if it names one as text (Back-Channel Logout 1.0 section 2.1)."""
        sid = self.claims.get("sid")
        return sid if isinstance(sid, str) else None


def check_id_token(claims: Claims, *, expected: ExpectedIDToken, now: int) -> IDToken:
    """The claim checks of OpenID Connect Core 1.0 section 3.1.3.7, in its order, and those it refers to.

    A token issued before the attempt began cannot be an answer to it, whatever its `exp` says.

    Args:
        claims: out of a verified token.
        expected: what they must agree with.
        now: Unix seconds.

    Raises:
        ProviderError: with the fault of the claim that does not.
    """
    _require_ours(claims, expected, now=now, since=expected.pending.started_at)
    require(same(expected.pending.nonce, claims.get("nonce")), Fault.ID_TOKEN_NONCE)
    require(_hash_holds(claims, "at_hash", expected.access_token, expected.client), Fault.ID_TOKEN_AT_HASH)
    require(_hash_holds(claims, "c_hash", expected.code.code, expected.client), Fault.ID_TOKEN_AT_HASH)
    _require_forms(claims, now=now, skew=expected.skew)
    return IDToken(claims)


def check_refreshed_id_token(claims: Claims, *, expected: ExpectedRefreshed, now: int) -> IDToken:
    """The same checks for an ID token that a refresh token was answered with, and those of Core section 12.2.

    It need not name the sign-in's `nonce`, but no other; `auth_time` is that of the sign-in, if it is there.

    Args:
        claims: out of a verified token.
        expected: what they must agree with.
        now: Unix seconds.

    Raises:
        ProviderError: with the fault of the claim that does not.
    """
    session = expected.session
    # No nonce need tell it from a logout token here, which fits every other check (Back-Channel Logout 1.0
    # section 2.4).
    require("events" not in claims, Fault.ID_TOKEN_TYPE, got="events")
    _require_ours(claims, expected, now=now, since=expected.asked_at)
    if "nonce" in claims:
        require(same(expected.grant.nonce, claims["nonce"]), Fault.ID_TOKEN_NONCE)
    require(_hash_holds(claims, "at_hash", expected.access_token, expected.client), Fault.ID_TOKEN_AT_HASH)
    _require_forms(claims, now=now, skew=expected.skew)
    require(same(session.sub, claims["sub"]), Fault.ID_TOKEN_SUB, why="somebody else")
    if "auth_time" in claims and "auth_time" in session.claims:
        moved = claims["auth_time"] != session.claims["auth_time"]
        require(not moved, Fault.ID_TOKEN_AUTH_TIME, why="moved")
    return IDToken(claims)


def _require_ours(
    claims: Claims, expected: ExpectedIDToken | ExpectedRefreshed, *, now: int, since: int
) -> None:
    """By whom, for whom and when a token was issued."""
    client_id, skew = expected.client.client_id, expected.skew
    iss = claims.get("iss")
    require(iss == expected.issuer, Fault.ID_TOKEN_ISS, expected=expected.issuer, got=shown(iss))
    require(is_only_audience(claims, client_id), Fault.ID_TOKEN_AUD)
    require(claims.get("azp", client_id) == client_id, Fault.ID_TOKEN_AZP)
    require_current(claims, exp=Fault.ID_TOKEN_EXP, nbf=Fault.ID_TOKEN_NBF, now=now, skew=skew)
    iat = seconds(claims, "iat", Fault.ID_TOKEN_IAT)
    require(iat <= now + skew, Fault.ID_TOKEN_IAT, why="future")
    require(iat >= since - skew, Fault.ID_TOKEN_IAT, why="before the attempt")


def _require_forms(claims: Claims, *, now: int, skew: int) -> None:
    """What a token says of a person, and of how they were authenticated."""
    require(is_subject(claims.get("sub")), Fault.ID_TOKEN_SUB)
    require(isinstance(claims.get("acr", ""), str), Fault.ID_TOKEN_MALFORMED, claim="acr")
    require(_is_texts(claims.get("amr", [])), Fault.ID_TOKEN_MALFORMED, claim="amr")
    if "auth_time" in claims:
        auth_time = seconds(claims, "auth_time", Fault.ID_TOKEN_AUTH_TIME)
        require(auth_time <= now + skew, Fault.ID_TOKEN_AUTH_TIME, why="future")


def _hash_holds(claims: Claims, name: str, token: Secret, client: Client) -> bool:
    """Core 1.0 sections 3.1.3.8 and 3.3.2.11: optional in this flow, right when there."""
    if name not in claims:
        return True
    alg = client.id_token_signed_response_alg.value
    half: bytes = create_half_hash(token.reveal(), alg)  # type: ignore[no-untyped-call]
    return same(half.decode(), claims[name])


def _is_texts(value: Any) -> bool:  # noqa: ANN401 - whatever JSON held
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
