"""Claims that every signed statement of a provider shares, and which claims say who a person is.

What an ID token or a userinfo response must hold beyond that is checked by the modules for them.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import Fault, ProviderError
from gateway.oidc.checks import require
from gateway.sessions.session import Claims

ASSURANCE_CLAIMS: Final = frozenset({"acr", "amr", "auth_time"})
"""How the person was authenticated: the ID token's word only."""

PROTOCOL_CLAIMS: Final = frozenset(
    {
        # RFC 7519 section 4.1, without `sub`
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        # OpenID Connect Core 1.0 sections 2, 3.1.3.6 and 3.3.2.11, Back-Channel Logout 1.0 section 2.1
        "nonce",
        "azp",
        "at_hash",
        "c_hash",
        "sid",
        # OpenID Connect Core 1.0 section 5.6.2: would point to other servers, which are never asked
        "_claim_names",
        "_claim_sources",
    }
)
"""What a statement says about itself."""


# Core 1.0 section 2: at most 255 ASCII characters; a space at an end is somebody's mistake or trick.
_SUB: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def is_subject(value: object) -> bool:
    """Whether a value can be a subject identifier."""
    return isinstance(value, str) and _SUB.fullmatch(value) is not None


def personal(claims: Claims) -> dict[str, object]:
    """The claims about the person alone."""
    return {name: value for name, value in claims.items() if name not in PROTOCOL_CLAIMS | ASSURANCE_CLAIMS}


def is_only_audience(claims: Claims, client_id: str) -> bool:
    """Whether `aud` names this client and nobody else (OpenID Connect Core 1.0 section 3.1.3.7, point 3)."""
    return claims.get("aud") in (client_id, [client_id])


def seconds(claims: Claims, name: str, fault: Fault) -> float:
    """A NumericDate (RFC 7519 section 2); true and false are no dates.

    Raises:
        ProviderError: `fault`, when it is absent or anything but a number from 0.
    """
    value = claims.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return value
    raise ProviderError(fault, claim=name, why="not a date")


def require_current(claims: Claims, *, exp: Fault, nbf: Fault, now: int, skew: int) -> None:
    """Check `exp`, and `nbf` when it is there (RFC 7519 sections 4.1.4 and 4.1.5).

    Args:
        claims: what was signed.
        exp: the fault of one that has expired.
        nbf: the fault of one that is not valid yet.
        now: Unix seconds.
        skew: by how many seconds the provider's clock may differ.

    Raises:
        ProviderError: `exp` or `nbf`.
    """
    require(now < seconds(claims, "exp", exp) + skew, exp, claim="exp", why="past")
    holds = "nbf" not in claims or seconds(claims, "nbf", nbf) <= now + skew
    require(holds, nbf, claim="nbf", why="future")
