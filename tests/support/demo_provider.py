"""A browser and a client at a running demo provider: what a test says to it, in few words."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from yarl import URL

from gateway.demo.provider import Provider, Registration, serve
from gateway.demo.provider_keys import KeyPair
from tests.support.http_browser import HTTPBrowser
from tests.support.page import Page

CALLBACK = "http://app.test/_gateway/callback"
SIGNED_OUT = "http://app.test/_gateway/signed-out"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
MFA = json.dumps({"id_token": {"acr": {"essential": True, "values": ["eidas0-mfa", "eidas1-mfa", "eidas2"]}}})
SEE_ACR = json.dumps({"id_token": {"acr": None}})


def registration(**changes: Any) -> Registration:
    """A client as the portal makes it, with what a test changes."""
    values: dict[str, Any] = {
        "client_id": "client",
        "client_secret": "0123456789abcdef" * 4,
        "redirect_uris": (CALLBACK,),
        "post_logout_redirect_uris": (SIGNED_OUT,),
    }
    return Registration(**{**values, **changes})


@dataclass
class Clock:
    """Unix seconds that pass only when a test says so."""

    now: int = 1_800_000_000

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True)
class AtProvider:
    """The provider, one browser, and the client's own connection."""

    provider: Provider
    browser: HTTPBrowser
    http: aiohttp.ClientSession
    clock: Clock
    client: Registration = field(default_factory=registration)

    def parameters(self, **changes: str) -> dict[str, str]:
        """A good authorization request, changed; an empty value takes a parameter out."""
        good = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid given_name usual_name email siret roles organization_label phone",
            "state": "s" * 43,
            "nonce": "n" * 43,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**good, **changes}.items() if value}

    async def authorize(self, **changes: str) -> Page:
        """Visit the authorization endpoint; redirects are not followed."""
        url = URL(f"{self.provider.issuer}/authorize").with_query(self.parameters(**changes))
        return await self.browser.navigate(url)

    async def sign_in(self, person: str = "eleonore", *, acr: str = "", **changes: str) -> dict[str, str]:
        """Choose a person, in a browser that knows nobody; what comes back to the redirect URI."""
        self.browser.forget_cookies()
        page = await self.browser.step(await self.authorize(**changes))
        answer = await self.browser.submit(page, press=person, acr=acr)
        assert str(answer.location).startswith(f"{CALLBACK}?")
        return dict(answer.location.query)

    async def post(self, path: str, form: dict[str, str], **more: Any) -> tuple[int, dict[str, Any]]:
        """A form for one of the client's endpoints: status and JSON."""
        async with self.http.post(f"{self.provider.issuer}{path}", data=form, **more) as answer:
            return answer.status, await answer.json()

    def redemption(self, code: str, **changes: str) -> dict[str, str]:
        """A good token request, changed; an empty value takes a parameter out."""
        good = {
            "grant_type": "authorization_code",
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
            "redirect_uri": CALLBACK,
            "code": code,
            "code_verifier": VERIFIER,
        }
        return {name: value for name, value in {**good, **changes}.items() if value}

    async def tokens(self, person: str = "eleonore", **changes: str) -> dict[str, Any]:
        """A token response for that person."""
        callback = await self.sign_in(person, **changes)
        status, answer = await self.post("/token", self.redemption(callback["code"]))
        assert status == 200, answer
        return answer

    async def refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        """Use a refresh token."""
        form = self.redemption("", grant_type="refresh_token", redirect_uri="", code_verifier="")
        return await self.post("/token", {**form, "refresh_token": token})

    async def userinfo(self, access_token: str) -> tuple[int, str, str]:
        """Status, Content-Type and text of userinfo."""
        fields = {"Authorization": f"Bearer {access_token}"}
        async with self.http.get(f"{self.provider.issuer}/userinfo", headers=fields) as answer:
            return answer.status, answer.headers["Content-Type"], await answer.text()

    async def claims(self, access_token: str) -> dict[str, Any]:
        """The verified claims of a signed userinfo."""
        return (await self.read(alg="RS256", token=(await self.userinfo(access_token))[2])).claims

    async def read(self, token: str, *, alg: str = "RS256") -> jwt.Token:
        """A JWT verified as a client does, with the published keys or its own secret."""
        if alg == "HS256":
            return jwt.decode(token, OctKey.import_key(self.client.client_secret), algorithms=[alg])
        async with self.http.get(f"{self.provider.issuer}/jwks") as answer:
            keys = KeySet.import_key_set(await answer.json(content_type="application/jwk-set+json"))
        return jwt.decode(token, keys, algorithms=[alg])


@asynccontextmanager
async def at_provider(keys: KeyPair, client: Registration) -> AsyncIterator[AtProvider]:
    """Serve a provider that knows `client`, with a browser and a connection of their own."""
    clock = Clock()
    async with (
        serve(Provider([client], clock=clock, keys=keys)) as provider,
        HTTPBrowser() as browser,
        aiohttp.ClientSession() as http,
    ):
        yield AtProvider(provider, browser, http, clock, client)
