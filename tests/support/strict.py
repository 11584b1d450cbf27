"""The gateway before a provider that is not ProConnect: how the two sides are set up, and a sign-in there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from joserfc.jwk import ECKey, RSAKey
from yarl import URL

from gateway.demo.upstream import make_upstream
from tests.support.gateway import RunningGateway, Wanted, running_gateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, Client, OIDCEngine
from tests.support.page import Page
from tests.support.serving import served

SCOPE = 'scope = ["openid", "email", "given_name", "usual_name"]'
PAGE = "/private/dossier?numero=42"
EC_KEY = ECKey.generate_key("P-256").as_pem(private=True).decode()
RSA_KEY = RSAKey.generate_key(2048).as_pem(private=True).decode()
OLD_KEY = ECKey.generate_key("P-256").as_pem(private=True).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the two sides are set up: lines of the settings, and metadata of the client's registration."""

    settings: str = ""
    registered: Mapping[str, Any]
    publishes: bool = False


def by_key(*keys: str, settings: str = "", **registered: Any) -> Way:
    key = f"client_key = '''{''.join(keys)}'''"
    return Way(
        settings=f"token_endpoint_auth_method = 'private_key_jwt'\n{key}\n{settings}",
        registered={"token_endpoint_auth_method": "private_key_jwt", **registered},
        publishes=True,
    )


BASIC = {"token_endpoint_auth_method": "client_secret_basic"}
PUSHED = {"require_pushed_authorization_requests": True}
WAYS = {
    "client_secret_basic, as by default": Way(registered=BASIC),
    "client_secret_post": Way(
        settings="token_endpoint_auth_method = 'client_secret_post'",
        registered={"token_endpoint_auth_method": "client_secret_post"},
    ),
    "private_key_jwt with ES256": by_key(EC_KEY),
    "private_key_jwt with RS256": by_key(RSA_KEY),
    "private_key_jwt with PS256": by_key(
        RSA_KEY,
        settings="token_endpoint_auth_signing_alg = 'PS256'",
        token_endpoint_auth_signing_alg="PS256",
    ),
    "private_key_jwt with a new key before the old": by_key(EC_KEY, OLD_KEY),
    "private_key_jwt for the token endpoint": by_key(
        EC_KEY, settings="client_assertion_audience = 'token_endpoint'"
    ),
    "pushed requests": Way(
        settings="require_pushed_authorization_requests = true", registered={**BASIC, **PUSHED}
    ),
    "pushed requests with private_key_jwt": by_key(
        EC_KEY, settings="require_pushed_authorization_requests = true", **PUSHED
    ),
    "form_post": Way(settings="response_mode = 'form_post'", registered=BASIC),
    "everything at once": by_key(
        EC_KEY,
        settings="response_mode = 'form_post'\nrequire_pushed_authorization_requests = true",
        **PUSHED,
    ),
}


@asynccontextmanager
async def gateway_before(engine: OIDCEngine, way: Way, **wanted: Any) -> AsyncIterator[RunningGateway]:
    """The gateway between a strict engine and the old application, its client registered."""
    client = replace(CLIENTS["RS256"], userinfo_signed_response_alg=None)
    async with (
        served(make_upstream()) as upstream,
        running_gateway(
            Wanted(
                issuer=engine.issuer,
                client=client,
                upstream=upstream,
                profile="oidc",
                provider=f"{way.settings}\n{SCOPE}",
                **wanted,
            )
        ) as gateway,
    ):
        register(engine, client, gateway, way)
        yield gateway


def register(engine: OIDCEngine, client: Client, gateway: RunningGateway, way: Way) -> None:
    published = {"jwks_uri": f"{gateway.url}/_gateway/client-keys"} if way.publishes else {}
    engine.register(
        client,
        redirect_uris=[gateway.redirect_uri],
        post_logout_redirect_uris=[gateway.post_logout_redirect_uri],
        **{**way.registered, **published},
    )


async def begin(browser: HTTPBrowser, gateway: RunningGateway) -> Page:
    start = URL(f"{gateway.url}/_gateway/sign-in").with_query(return_to=PAGE)
    return await browser.navigate(start)


async def answered(browser: HTTPBrowser, begun: Page, gateway: RunningGateway) -> Page:
    """Choose a person: what comes back, a redirect to the callback or the page whose form leads there."""
    page = await browser.follow(begun, until=gateway.redirect_uri)
    return await browser.follow(await browser.submit(page, press="eleonore"), until=gateway.redirect_uri)


async def sign_in(browser: HTTPBrowser, gateway: RunningGateway) -> Page:
    page = await answered(browser, await begin(browser, gateway), gateway)
    if page.status == 200:
        page = await browser.submit(page)
    return await browser.follow(page)


async def email(browser: HTTPBrowser, gateway: RunningGateway) -> str:
    fields = dict(json.loads((await browser.fetch(f"{gateway.url}/api/me")).text))
    return str(fields["X-ProConnect-Email"])
