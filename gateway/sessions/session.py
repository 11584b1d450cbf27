"""Who is behind a request: nobody, or a person who signed in; and the two lifetimes that end a session.

The stored form is a plain mapping, so that any store can hold it. Sealing it is `sessions.seal`'s work,
finding it `sessions.storage`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from gateway.secret import Secret

Claims: TypeAlias = Mapping[str, Any]
"""Claims as they came out of a checked ID token or userinfo response: JSON values by name."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody: no cookie, no record for it, a record that does not open, or one past a lifetime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the provider is asked with, again and again, whether it still stands by a session.

    Args:
        refresh_token: to be used once, for the provider may give another for it (RFC 6749 section 6).
        nonce: of the sign-in; no ID token of the session may have another one.
        due_at: when to ask again, in Unix seconds.
        number: how often it was asked: of two grants of a session the greater is the newer.
    """

    refresh_token: Secret
    nonce: str
    due_at: int
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person who signed in, as everything after the callback knows them.

    Args:
        id: what logs, `sessions list` and `sessions revoke` call this session; useless to a thief.
        host: the host the session was opened at; it counts nowhere else.
        provider: the settings' name of the provider that signed the person in.
        claims: the userinfo claims, with `acr`, `amr` and `auth_time` of the ID token.
        id_token: kept for the `id_token_hint` of sign-out only.
        signed_in_at: Unix seconds; the absolute lifetime counts from here.
        last_seen: Unix seconds; the idle lifetime counts from here.
        sid: the provider's own session, if its ID token named one (Back-Channel Logout 1.0 section 2.1).
        grant: what the session is refreshed with, where sessions are.
    """

    id: str
    host: str
    provider: str
    claims: Claims
    id_token: Secret
    signed_in_at: int
    last_seen: int
    sid: str | None = None
    grant: Grant | None = None

    @property
    def sub(self) -> str:
        """The subject identifier (OpenID Connect Core 1.0 section 2)."""
        return str(self.claims["sub"])

    def seen(self, now: int) -> SignedIn:
        """The same session, seen at `now` (Unix seconds)."""
        return replace(self, last_seen=now)


Session: TypeAlias = Anonymous | SignedIn

ANONYMOUS = Anonymous()


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lives, in seconds: since it was last used, and since the person signed in."""

    idle: int
    absolute: int

    def alive(self, session: SignedIn, *, now: int) -> bool:
        """Tell whether neither lifetime has passed at `now` (Unix seconds)."""
        return now < self.end(signed_in_at=session.signed_in_at, last_seen=session.last_seen)

    def end(self, *, signed_in_at: int, last_seen: int) -> int:
        """When the first of the two has passed; all are Unix seconds."""
        return min(last_seen + self.idle, signed_in_at + self.absolute)

    def idle_write_due(self, session: SignedIn, *, now: int) -> bool:
        """Tell whether a tenth of the idle lifetime has passed since the stored `last_seen`."""
        return now >= session.last_seen + max(1, self.idle // 10)

    def settled(self, session: SignedIn, *, now: int) -> bool:
        """Tell whether the session is alive at `now`, and nothing about it is to be written."""
        return self.alive(session, now=now) and not self.idle_write_due(session, now=now)

    def remaining(self, session: SignedIn, *, now: int) -> int:
        """How many seconds a store should keep the record if nobody comes back."""
        return max(1, min(self.idle, session.signed_in_at + self.absolute - now))


def to_stored(session: SignedIn) -> dict[str, Any]:
    """The session as JSON-ready values, its tokens in clear: for `sessions.seal` and nobody else."""
    return {
        "id": session.id,
        "host": session.host,
        "provider": session.provider,
        "claims": dict(session.claims),
        "id_token": session.id_token.reveal(),
        "signed_in_at": session.signed_in_at,
        "last_seen": session.last_seen,
        "sid": session.sid,
        "grant": session.grant and _stored_grant(session.grant),
    }


def from_stored(stored: Mapping[str, Any]) -> Session:
    """Read what `to_stored` wrote; a record of any other shape is nobody."""
    match stored:
        case {
            "id": str(identifier),
            "host": str(host),
            "provider": str(provider),
            "claims": dict(claims),
            "id_token": str(id_token),
            "signed_in_at": int(signed_in_at),
            "last_seen": int(last_seen),
            "sid": (str() | None) as sid,
            "grant": (dict() | None) as grant,
        } if isinstance(claims.get("sub"), str) and (grant is None or _is_grant(grant)):
            return SignedIn(
                id=identifier,
                host=host,
                provider=provider,
                claims=claims,
                id_token=Secret(id_token),
                signed_in_at=signed_in_at,
                last_seen=last_seen,
                sid=sid,
                grant=None if grant is None else _grant(grant),
            )
    return ANONYMOUS


def _stored_grant(grant: Grant) -> dict[str, Any]:
    return {
        "refresh_token": grant.refresh_token.reveal(),
        "nonce": grant.nonce,
        "due_at": grant.due_at,
        "number": grant.number,
    }


def _is_grant(stored: Mapping[str, Any]) -> bool:
    match stored:
        case {"refresh_token": str(), "nonce": str(), "due_at": int(), "number": int()}:
            return True
        case _:
            return False


def _grant(stored: Mapping[str, Any]) -> Grant:
    return Grant(**{**stored, "refresh_token": Secret(stored["refresh_token"])})
