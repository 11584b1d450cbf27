"""The claims of a verified logout token to LogoutToken (OpenID Connect Back-Channel Logout 1.0).

The signature was checked before, by `oidc.jws`. Which sessions end, and that no token counts twice, is the
affair of whoever received it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.errors import Fault
from gateway.oidc.checks import require, shown
from gateway.oidc.claims import is_only_audience, is_subject, require_current, seconds
from gateway.oidc.client import Client
from gateway.sessions.session import Claims

_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"  # section 2.4
_IDENTIFIER: Final = re.compile(r"[\x20-\x7e]{1,255}")  # `sid` and `jti`: opaque to us
_LONGEST_LIFE: Final = (
    86_400  # seconds; section 4 asks for two minutes at most, and `jti` is kept for as long
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutToken:
    """A logout token that holds; `sub`, `sid` or both say whose sessions end.

    Args:
        sub: the person; all their sessions, if there is no `sid`.
        sid: one session at the provider.
        jti: this token's own name at the issuer.
        ends: when it expires for us, in Unix seconds.
    """

    sub: str | None
    sid: str | None
    jti: str
    ends: int


def check_logout_token(claims: Claims, *, issuer: str, client: Client, now: int, skew: int) -> LogoutToken:
    """The claim checks of section 2.6, in its order: those of an ID token first.

    Args:
        claims: out of a verified token.
        issuer: of the provider whose token it should be.
        client: the gateway as registered there.
        now: Unix seconds.
        skew: by how many seconds the provider's clock may differ.

    Raises:
        ProviderError: logout-claims, with the claim that does not hold.
    """
    fault = Fault.LOGOUT_CLAIMS
    iss = claims.get("iss")
    require(iss == issuer, fault, claim="iss", expected=issuer, got=shown(iss))
    require(is_only_audience(claims, client.client_id), fault, claim="aud")
    require_current(claims, exp=fault, nbf=fault, now=now, skew=skew)
    exp = seconds(claims, "exp", fault)
    require(exp <= now + skew + _LONGEST_LIFE, fault, claim="exp", why="too late")
    require(seconds(claims, "iat", fault) <= now + skew, fault, claim="iat", why="future")
    sub, sid, jti = (claims.get(name) for name in ("sub", "sid", "jti"))
    require(sub is not None or sid is not None, fault, claim="sub", why="neither sub nor sid")
    require(sub is None or is_subject(sub), fault, claim="sub")
    require(sid is None or _is_identifier(sid), fault, claim="sid")
    events = claims.get("events")
    require(isinstance(events, dict) and isinstance(events.get(_EVENT), dict), fault, claim="events")
    # Whatever is its value: a nonce makes it an ID token, or what an attacker made of one.
    require("nonce" not in claims, fault, claim="nonce")
    require(_is_identifier(jti), fault, claim="jti")
    return LogoutToken(sub=sub, sid=sid, jti=str(jti), ends=int(exp) + skew + 1)


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None
