"""As much of a relying party as shows that an engine is a provider. It tests nothing of the gateway."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from yarl import URL

from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import Client, OIDCEngine
from tests.support.page import Page

CALLBACK = "http://127.0.0.1:1/_gateway/callback"
SIGNED_OUT = "http://127.0.0.1:1/_gateway/signed-out"
SCOPE = "openid given_name usual_name email uid siret idp_id roles organization_label"
VERIFIER = "v" * 43
STATE = "s" * 43


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """One client and one person's browser, at one engine. Nobody listens at its redirect URI.

    Args:
        engine: where the person signs in.
        browser: the person's.
        client: one that is registered with CALLBACK and SIGNED_OUT.
    """

    engine: OIDCEngine
    browser: HTTPBrowser
    client: Client

    def authorization_url(self, **changes: str | None) -> URL:
        """The authorization request, with parameters changed or, as None, left out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": STATE,
            "nonce": "n" * 43,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        present = {name: value for name, value in query.items() if value is not None}
        return URL(f"{self.engine.issuer}/authorize").with_query(present)

    async def ask(self, **changes: str | None) -> Page:
        """Sends the browser there: the engine's page, or the redirect that comes back."""
        return await self.browser.open(self.authorization_url(**changes), until=CALLBACK)

    async def choose(self, page: Page, button: str) -> Page:
        """Presses a button of the sign-in page and follows to the next page, or to what comes back."""
        return await self.browser.follow(await self.browser.submit(page, press=button), until=CALLBACK)

    async def sign_in(self, account: str, **changes: str | None) -> Page:
        """Asks, and chooses an account (or a failure) on the page."""
        return await self.choose(await self.ask(**changes), account)

    async def call(self, method: str, path: str, **sent: Any) -> tuple[int, str, str]:
        """One call from server to server: status, media type and body."""
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, f"{self.engine.issuer}{path}", **sent) as answer,
        ):
            return answer.status, answer.headers["Content-Type"], await answer.text()

    async def exchange(self, page: Page) -> tuple[int, dict[str, Any]]:
        """The token request for the code that came back."""
        form = {
            "grant_type": "authorization_code",
            "code": page.location.query["code"],
            "redirect_uri": CALLBACK,
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
            "code_verifier": VERIFIER,
        }
        status, _, text = await self.call("POST", "/token", data=form)
        return status, json.loads(text)

    async def userinfo(self, tokens: dict[str, Any]) -> tuple[int, str, str]:
        """The userinfo response: status, media type and body."""
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        return await self.call("GET", "/userinfo", headers=bearer)

    async def verified(self, token: str) -> jwt.Token:
        """A token of the engine, its signature checked with the client's algorithm and the published keys."""
        algorithm = self.client.id_token_signed_response_alg
        key: Any = OctKey.import_key(self.client.client_secret)
        if algorithm != "HS256":
            key = KeySet.import_key_set(json.loads((await self.call("GET", "/jwks"))[2]))
        return jwt.decode(token, key, algorithms=[algorithm])

    async def id_token(self, page: Page) -> jwt.Token:
        """The checked ID token for the code that came back."""
        return await self.verified((await self.exchange(page))[1]["id_token"])

    async def sign_out(self, **query: str) -> Page:
        """Sends the browser to sign out, through the provider's form."""
        url = URL(f"{self.engine.issuer}/session/end").with_query(query)
        page = await self.browser.navigate(url)
        if not page.forms:
            return page
        return await self.browser.follow(await self.browser.submit(page), until=SIGNED_OUT)


def register(engine: OIDCEngine, client: Client, **metadata: Any) -> None:
    """Registers a client of the engine with CALLBACK and SIGNED_OUT."""
    uris = {"redirect_uris": [CALLBACK], "post_logout_redirect_uris": [SIGNED_OUT], **metadata}
    engine.register(client, **uris)
