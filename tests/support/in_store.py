"""Sessions written straight into a store, as a gateway with some secrets writes them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from gateway.secret import Secret
from gateway.sessions.cookie import SessionCookie, new_cookie
from gateway.sessions.directory import Directory
from gateway.sessions.seal import Sealer
from gateway.sessions.session import SignedIn
from gateway.sessions.store import SessionStore
from gateway.sessions.summary import By, Sighting, Summaries

NOW = 1_000_000
IDLE = 3_600
OLD, NEW, OTHER = (Secret(letter * 43) for letter in "onx")
SIRET = "13002526500013"
SEEN = Sighting("2001:db8::17", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
ALICE = SignedIn(
    id="",
    host="app.example",
    provider="default",
    claims={
        "sub": "sub-of-alice",
        "email": "Alice.Élan@Example.gouv.fr",
        "siret": SIRET,
        "given_name": "Alice",
        "usual_name": "Élan-Œuvré",
        "organization_label": "Préfecture du Morbihan",
        "acr": "eidas1",
    },
    id_token=Secret("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"),
    signed_in_at=NOW,
    last_seen=NOW,
    sid="sid-of-alice",
)
BOB = replace(ALICE, claims={"sub": "sub-of-bob", "email": "bob@example.fr", "siret": SIRET}, sid=None)


@dataclass(frozen=True)
class Gateway:
    """One process, with the secrets that it holds."""

    store: SessionStore
    sealer: Sealer

    @property
    def summaries(self) -> Summaries:
        return Summaries(self.sealer, kept=IDLE)

    @property
    def directory(self) -> Directory:
        return Directory(index=self.store, records=self.store, summaries=self.summaries)

    async def write(
        self, session: SignedIn, cookie: SessionCookie | None = None, *, lifetime: int = IDLE, **changes: Any
    ) -> SessionCookie:
        """Sign somebody in, or with their cookie, write again that they are."""
        put = self.store.put if cookie is None else self.store.replace
        cookie = cookie or new_cookie(secrets.token_bytes)
        session = replace(session, id=cookie.session_id, **changes)
        await put(
            cookie.key,
            cookie.seal(session, sealer=self.sealer, random=secrets.token_bytes),
            lifetime=lifetime,
            listed=self.summaries.listed(session, SEEN, key=cookie.key, random=secrets.token_bytes),
        )
        return cookie

    async def found(self, by: By, value: str) -> set[str]:
        keys = [key async for key, _ in self.directory.find(by, value)]
        assert len(keys) == len(set(keys))
        return set(keys)

    async def every(self) -> set[str]:
        return {key async for key, _ in self.directory.every()}


def at(store: SessionStore, *held: Secret) -> Gateway:
    return Gateway(store, Sealer(held or (NEW,)))
