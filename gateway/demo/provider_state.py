"""What the look-alike provider remembers, and the tokens it makes of it: clients, keys, sessions, grants.

Everything is in memory and ends with the process. No request or answer is known here.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.demo.people import PEOPLE, SCOPE_CLAIMS, Person
from gateway.demo.provider_keys import Claims, KeyPair, SigningKeys
from gateway.demo.provider_requests import AuthorizationRequest, Registration

PREFIX: Final = "/api/v2"

ACCESS_TOKEN_LIFETIME: Final = 3600
ID_TOKEN_LIFETIME: Final = 3600
SESSION_LIFETIME: Final = 43_200
REFRESH_TOKEN_LIFETIME: Final = 43_200
REFRESH_TOKEN_ROTATES_AFTER: Final = REFRESH_TOKEN_LIFETIME * 7 // 10
INTERACTION_LIFETIME: Final = 3600
CODE_LIFETIME: Final = 60
"""Lifetimes in seconds. ProConnect's codes live 600, its documents say 60: the smaller is stricter."""

PROTOCOL_CLAIMS: Final = frozenset({"iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "auth_time"})
"""What the `claims` parameter cannot ask for: always there, or not the person's."""


@dataclass(slots=True, kw_only=True, eq=False)
class SsoSession:
    """The provider's own session with a browser; `expires_at` in Unix seconds."""

    person: Person
    acr: str
    sid: str
    expires_at: int
    last_client: str = ""

    def reusable_for(self, request: AuthorizationRequest) -> bool:
        """Tell whether it may answer `request` with nothing shown: no other hint, the required `acr` met."""
        if request.login_hint not in {None, self.person.email}:
            return False
        if request.idp_hint not in {None, self.person.idp_id}:
            return False
        if request.required_acrs is None:
            return True
        return request.satisfied_by(self.acr) and self.acr not in {"eidas2", "eidas3"}


@dataclass(slots=True, kw_only=True, eq=False)
class Grant:
    """One authorization: what a code, and every token that came of it, stands for; times in Unix seconds."""

    request: AuthorizationRequest
    person: Person
    acr: str
    sid: str
    auth_time: int
    code_expires_at: int
    redeemed: bool = False
    revoked: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class IssuedToken:
    """An access or refresh token's meaning; times in Unix seconds."""

    grant: Grant
    issued_at: int
    expires_at: int
    rotated: bool = False


@dataclass(frozen=True, slots=True)
class Interaction:
    """A browser that is on the provider's page, and since when (Unix seconds)."""

    request: AuthorizationRequest
    begun_at: int


class Provider:
    """A ProConnect look-alike's memory; `gateway.demo.provider` serves it.

    Args:
        clients: registered from the start; `register` adds more at any time.
        people: who can be chosen.
        clock: Unix seconds.
        token: an unguessable text of 43 characters, new at each call.
        keys: the first signing keys; generated when not given.
        code_lifetime: of an authorization code, in seconds.
        rotates_after: when a refresh token is replaced at its use, in seconds after it was issued.

    `issuer` is empty until the port is known: set it, or let `gateway.demo.provider.serve` do so.
    `journal` holds one (endpoint, method) for each request received, in order; tests may read and clear it.
    """

    def __init__(
        self,
        clients: Iterable[Registration] = (),
        *,
        people: Iterable[Person] = PEOPLE,
        clock: Callable[[], int] = lambda: int(time.time()),
        token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        keys: KeyPair | None = None,
        code_lifetime: int = CODE_LIFETIME,
        rotates_after: int = REFRESH_TOKEN_ROTATES_AFTER,
    ) -> None:
        self.issuer = ""
        self.journal: list[tuple[str, str]] = []
        self.clients = {client.client_id: client for client in clients}
        self.people = {person.id: person for person in people}
        self.keys = SigningKeys(keys or KeyPair.generate())
        self.clock = clock
        self.token = token
        self.code_lifetime = code_lifetime
        self.rotates_after = rotates_after
        self.interactions: dict[str, Interaction] = {}
        self.sessions: dict[str, SsoSession] = {}
        self.codes: dict[str, Grant] = {}
        self.access_tokens: dict[str, IssuedToken] = {}
        self.refresh_tokens: dict[str, IssuedToken] = {}

    @property
    def path(self) -> str:
        """The path of the issuer, which its pages and its cookie are under."""
        return urlsplit(self.issuer).path

    def register(self, client: Registration) -> None:
        """Add a client, or replace the one of the same `client_id`."""
        self.clients[client.client_id] = client

    def rotate_keys(self, new: KeyPair | None = None, *, keep_old: bool = True) -> None:
        """Sign with new keys from now on; without `keep_old` the former ones leave the JWKS at once."""
        self.keys.rotate(new or KeyPair.generate(), keep_old=keep_old)

    def session(self, cookie: str) -> SsoSession | None:
        """The live session behind a cookie's value."""
        session = self.sessions.get(cookie)
        return session if session is not None and self.clock() < session.expires_at else None

    def open_session(self, person: Person, acr: str) -> str:
        """Begin a session and return its cookie's value."""
        cookie = self.token()
        expires_at = self.clock() + SESSION_LIFETIME
        self.sessions[cookie] = SsoSession(person=person, acr=acr, sid=self.token(), expires_at=expires_at)
        return cookie

    def close_session(self, cookie: str) -> None:
        """End a session, with the tokens of its last client; other clients' tokens fail for want of it."""
        session = self.sessions.pop(cookie, None)
        for grant in self.codes.values():
            if session and grant.sid == session.sid and grant.request.client.client_id == session.last_client:
                grant.revoked = True

    def grant_code(self, cookie: str, request: AuthorizationRequest) -> str:
        """An authorization code for the session's person; the session's twelve hours begin anew."""
        now = self.clock()
        session = self.sessions[cookie] = self.sessions.pop(cookie)
        session.expires_at = now + SESSION_LIFETIME
        session.last_client = request.client.client_id
        code = self.token()
        self.codes[code] = Grant(
            request=request,
            person=session.person,
            acr=session.acr,
            sid=session.sid,
            auth_time=now,
            code_expires_at=now + self.code_lifetime,
        )
        return code

    def latest_session(self, sub: str) -> SsoSession | None:
        """The newest live session of that person, in whatever browser: what userinfo tells comes from it."""
        alive = [s for s in self.sessions.values() if s.person.sub == sub and self.clock() < s.expires_at]
        return alive[-1] if alive else None

    def issue(self, grant: Grant, *, refresh_token: str | None = None) -> dict[str, Any]:
        """A token response's six members; the refresh token is new unless one is handed in to be kept."""
        now = self.clock()
        access_token = self.token()
        self.access_tokens[access_token] = IssuedToken(
            grant=grant, issued_at=now, expires_at=now + ACCESS_TOKEN_LIFETIME
        )
        if refresh_token is None:
            refresh_token = self.token()
            self.refresh_tokens[refresh_token] = IssuedToken(
                grant=grant, issued_at=now, expires_at=now + REFRESH_TOKEN_LIFETIME
            )
        return {
            "access_token": access_token,
            "expires_in": ACCESS_TOKEN_LIFETIME,
            "id_token": self._id_token(grant, access_token, now),
            "refresh_token": refresh_token,
            "scope": " ".join(grant.request.scope),
            "token_type": "Bearer",
        }

    def userinfo(self, grant: Grant, session: SsoSession) -> Claims:
        """The claims about the session's person that the grant covers (OpenID Connect Core 1.0, 5.4)."""
        granted = {name for scope in grant.request.scope for name in SCOPE_CLAIMS[scope]}
        wanted = granted | (grant.request.userinfo_claims.keys() - PROTOCOL_CLAIMS)
        claims = session.person.claims(acr=session.acr)
        return {name: value for name, value in claims.items() if name in wanted}

    def read_id_token_hint(self, hint: str, client: Registration) -> Claims | None:
        """The claims of an ID token of ours for `client`, however old; None for anything else."""
        alg = client.id_token_signed_response_alg
        claims = self.keys.read(hint, alg=alg, client_secret=client.client_secret)
        ours = claims is not None and (claims.get("iss"), claims.get("aud")) == (
            self.issuer,
            client.client_id,
        )
        return claims if ours else None

    def _id_token(self, grant: Grant, access_token: str, now: int) -> str:
        request, client = grant.request, grant.request.client
        person = {**grant.person.claims(acr=grant.acr), "sid": grant.sid}
        asked = request.id_token_claims.keys() - PROTOCOL_CLAIMS
        claims = {name: value for name, value in person.items() if name in asked}
        claims |= {
            "sub": grant.person.sub,
            "auth_time": grant.auth_time,
            "at_hash": _left_half_hash(access_token),
            "aud": client.client_id,
            "exp": now + ID_TOKEN_LIFETIME,
            "iat": now,
            "iss": self.issuer,
        }
        if request.nonce is not None:
            claims["nonce"] = request.nonce
        alg = client.id_token_signed_response_alg
        return self.keys.sign(claims, alg=alg, client_secret=client.client_secret)


def _left_half_hash(access_token: str) -> str:
    """`at_hash` for the SHA-256 algorithms (OpenID Connect Core 1.0 section 3.1.3.6)."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()
