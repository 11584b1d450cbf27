"""Logout tokens (OpenID Connect Back-Channel Logout 1.0): the honest one, and each way to be wrong.

A claim or a field of the header is changed to a value, left out as ABSENT, or made of the honest one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.errors import Fault
from tests.support import honest
from tests.support.alterations import HONESTLY, Signing, changed, public_key
from tests.support.honest import ABSENT
from tests.support.hostile import Hostile
from tests.support.oidc_engine import Client

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutCase:
    """One way of being no logout token.

    Args:
        fault: what the audit line says.
        signing: what it is signed with.
        header: changes to its header; a function gets the provider.
        claims: changes to its claims.
        content: what is signed instead of the claims.
        mangled: what becomes of the signed token.
    """

    fault: Fault
    signing: Signing = HONESTLY
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    content: Callable[[dict[str, Any]], object] | None = None
    mangled: Callable[[str], str] | None = None


def honest_claims(*, issuer: str, client_id: str, now: int, **who: str) -> dict[str, Any]:
    """The claims of section 2.4; `who` is `sub`, `sid` or both."""
    return {
        "iss": issuer,
        "aud": client_id,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(16),
        "events": {EVENT: {}},
        **who,
    }


def logout_token(provider: Hostile, client: Client, case: LogoutCase | None = None, **who: str) -> str:
    """A logout token about somebody, as honest as the case lets it be."""
    case = case or LogoutCase(fault=Fault.UNEXPECTED)
    claims = honest_claims(issuer=provider.issuer, client_id=client.client_id, now=int(time.time()), **who)
    said = changed(claims, case.claims)
    alg, key = case.signing
    header = {name: value(provider) if callable(value) else value for name, value in case.header.items()}
    signed = honest.signed(
        case.content(said) if case.content else said,
        key=key if isinstance(key, RSAKey | ECKey | OctKey) else key(provider),
        alg=alg,
        header={"typ": "logout+jwt", **header},
    )
    provider.unsaid.add("logout token", signed)
    return case.mangled(signed) if case.mangled else signed


def _unsigned(compact: str) -> str:
    return compact.rpartition(".")[0] + "."


def _flipped(compact: str) -> str:
    head, _, signature = compact.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _in_a_century(_: object) -> int:
    return int(time.time()) + 100 * 365 * 24 * HOUR


def _wrong_signature(**how: Any) -> LogoutCase:
    return LogoutCase(fault=Fault.LOGOUT_SIGNATURE, **how)


def _wrong_claims(**claims: Any) -> LogoutCase:
    return LogoutCase(fault=Fault.LOGOUT_CLAIMS, claims=claims)


def _malformed(**how: Any) -> LogoutCase:
    return LogoutCase(fault=Fault.LOGOUT_MALFORMED, **how)


def _twice(claims: dict[str, Any]) -> str:
    return honest.octets(claims).decode()[:-1] + ',"jti":"another"}'


SIGNATURES: Final = {
    "none": _wrong_signature(header={"alg": "none"}, mangled=_unsigned),
    "none, signed": _wrong_signature(header={"alg": "none"}),
    "nOnE": _wrong_signature(header={"alg": "nOnE"}, mangled=_unsigned),
    "no alg": _wrong_signature(header={"alg": ABSENT}),
    "HS256 with the public key's PEM": _wrong_signature(
        signing=("HS256", public_key(lambda key: key.as_pem(private=False)))
    ),
    "HS256 with the public key's DER": _wrong_signature(
        signing=("HS256", public_key(lambda key: key.as_der(private=False)))
    ),
    "ES256 with a published key": _wrong_signature(signing=("ES256", lambda provider: provider.keys.es256)),
    "PS256 with the right key": _wrong_signature(signing=("PS256", lambda provider: provider.keys.rs256)),
    "a bit flipped": _wrong_signature(mangled=_flipped),
    "no signature": _wrong_signature(mangled=_unsigned),
    "another key under the right kid": _wrong_signature(
        signing=("RS256", honest.OTHER_RSA), header={"kid": lambda provider: str(provider.keys.rs256.kid)}
    ),
    "an unknown kid": _wrong_signature(signing=("RS256", honest.OTHER_RSA)),
    "the kid of a key of another type": _wrong_signature(
        header={"kid": lambda provider: provider.keys.es256.kid}
    ),
    "a key in the header": _wrong_signature(
        signing=("RS256", honest.OTHER_RSA), header={"jwk": honest.OTHER_RSA.as_dict(private=False)}
    ),
    "a key to be fetched": _wrong_signature(header={"jku": lambda provider: f"{provider.attacker}/keys"}),
    "an unknown extension": _wrong_signature(header={"crit": ["bork"], "bork": 1}),
}
"""I1: whose it is cannot be told, or it is somebody else's."""

CLAIMS: Final = {
    # Section 2.6 point 3, as for an ID token
    "iss with a slash more": _wrong_claims(iss=lambda iss: f"{iss}/"),
    "iss in capitals": _wrong_claims(iss=str.upper),
    "iss an array": _wrong_claims(iss=lambda iss: [iss]),
    "iss absent": _wrong_claims(iss=ABSENT),
    "aud another client": _wrong_claims(aud="another-client"),
    "aud us and another": _wrong_claims(aud=lambda aud: [aud, "another"]),
    "aud nobody": _wrong_claims(aud=[]),
    "aud absent": _wrong_claims(aud=ABSENT),
    "exp past": _wrong_claims(exp=lambda exp: exp - HOUR),
    "exp absent": _wrong_claims(exp=ABSENT),
    "exp a text": _wrong_claims(exp=str),
    "exp true": _wrong_claims(exp=True),
    "exp years away": _wrong_claims(exp=lambda exp: exp + 100 * 365 * 24 * HOUR),
    "nbf future": _wrong_claims(nbf=_in_a_century),
    "iat future": _wrong_claims(iat=lambda iat: iat + HOUR),
    "iat in milliseconds": _wrong_claims(iat=lambda iat: iat * 1000),
    "iat absent": _wrong_claims(iat=ABSENT),
    # Point 4
    "neither sub nor sid": _wrong_claims(sub=ABSENT, sid=ABSENT),
    "sub empty": _wrong_claims(sub=""),
    "sub a number": _wrong_claims(sub=1),
    "sub an array": _wrong_claims(sub=lambda sub: [sub]),
    "sid empty": _wrong_claims(sid=""),
    "sid a number": _wrong_claims(sid=1),
    "sid with a line break": _wrong_claims(sid="x\r\nX-Forged: 1"),
    # Point 5
    "events absent": _wrong_claims(events=ABSENT),
    "events others": _wrong_claims(events={"http://schemas.openid.net/event/other": {}}),
    "events an array": _wrong_claims(events=[EVENT]),
    "events a text": _wrong_claims(events=EVENT),
    "the event no object": _wrong_claims(events={EVENT: True}),
    # Point 6
    "nonce": _wrong_claims(nonce="n" * 43),
    "nonce empty": _wrong_claims(nonce=""),
    "nonce null": _wrong_claims(nonce=None),
    # Point 7
    "jti absent": _wrong_claims(jti=ABSENT),
    "jti empty": _wrong_claims(jti=""),
    "jti a number": _wrong_claims(jti=1),
    "jti of 300 characters": _wrong_claims(jti="j" * 300),
    # RFC 8725 section 3.11: other kinds of JWT
    "an ID token": LogoutCase(
        fault=Fault.LOGOUT_CLAIMS,
        header={"typ": "JWT"},
        claims={"events": ABSENT, "jti": ABSENT, "nonce": "n" * 43},
    ),
    "typ of an access token": LogoutCase(fault=Fault.LOGOUT_CLAIMS, header={"typ": "at+jwt"}),
    "typ of another event": LogoutCase(fault=Fault.LOGOUT_CLAIMS, header={"typ": "secevent+jwt"}),
}
"""I2: it says something else than that these sessions end."""

FORMS: Final = {
    "two parts": _malformed(mangled=lambda token: token.rpartition(".")[0]),
    "five parts": _malformed(mangled=lambda token: f"{token}.a.b"),
    "a newline at the end": _malformed(mangled=lambda token: f"{token}\n"),
    "claims in an array": _malformed(content=lambda claims: [claims]),
    "jti twice": _malformed(content=_twice),
    "empty": _malformed(mangled=lambda _: ""),
}
"""What is no token at all."""
