"""What becomes of a session when its provider is asked again (OpenID Connect Core 1.0 section 12).

What the answer must look like is in `oidc.tokens`, what its ID token must say in `oidc.id_token`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.oidc.claims import personal
from gateway.oidc.id_token import IDToken
from gateway.oidc.tokens import RefreshResponse, TokenResponse
from gateway.sessions.session import Claims, Grant, SignedIn

_USUAL_LIFE: Final = 300  # seconds, where nothing says how long tokens live
_SHORTEST: Final = 10  # seconds between two refreshes, however short tokens live


@dataclass(frozen=True, slots=True)
class Refreshing:
    """That sessions are refreshed, and when.

    Args:
        interval: seconds between two refreshes; None: when nine tenths of the access token's life are over.
    """

    interval: int | None = None

    def due_at(self, expires_in: int | None, id_token: IDToken | None, *, now: int) -> int:
        """When to refresh what was given at `now`; both are Unix seconds.

        Args:
            expires_in: the life of the access token, if the provider told; else that of the ID token counts.
            id_token: what came with it.
            now: when it came.
        """
        if self.interval is not None:
            return now + self.interval
        life = expires_in
        if life is None:
            life = _USUAL_LIFE if id_token is None else int(id_token.claims["exp"]) - now
        return now + max(_SHORTEST, life * 9 // 10)


def first_grant(
    tokens: TokenResponse, id_token: IDToken, how: Refreshing | None, *, now: int
) -> Grant | None:
    """What a sign-in gives to refresh its session with; None where nothing, or where nobody wants it."""
    if how is None or tokens.refresh_token is None:
        return None
    return Grant(
        refresh_token=tokens.refresh_token,
        nonce=str(id_token.claims["nonce"]),
        due_at=how.due_at(tokens.expires_in, id_token, now=now),
    )


def refreshed(
    session: SignedIn,
    grant: Grant,
    tokens: RefreshResponse,
    *,
    id_token: IDToken | None,
    before: Claims,
    how: Refreshing,
    now: int,
) -> SignedIn:
    """The session as its provider now has it.

    A claim follows the ID token if it did before; what came from userinfo stays, and so does what the new
    ID token does not mention, and how the person was authenticated: nobody was authenticated now.

    Args:
        session: as it was.
        grant: what was used.
        tokens: what came for it.
        id_token: checked, if one came.
        before: the claims of the session's ID token so far.
        how: when the next refresh is due.
        now: Unix seconds.
    """
    following = replace(
        grant,
        refresh_token=tokens.refresh_token or grant.refresh_token,
        due_at=how.due_at(tokens.expires_in, id_token, now=now),
        number=grant.number + 1,
    )
    if id_token is None or tokens.id_token is None:
        return replace(session, grant=following)
    newer = {
        name: value
        for name, value in personal(id_token.claims).items()
        if name in before and before[name] == session.claims.get(name)
    }
    return replace(
        session,
        claims={**session.claims, **newer},
        id_token=tokens.id_token,
        sid=id_token.sid or session.sid,
        grant=following,
    )
