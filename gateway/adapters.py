"""Settings to adapters and rules: each outside thing as the settings name it, not yet reached."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from gateway.access.assurance import levels
from gateway.access.identity import IdentityFields
from gateway.access.paths import path_pattern
from gateway.access.policy import App as PolicyApp
from gateway.access.policy import Policy, Route
from gateway.access.request import TrustedProxies
from gateway.access.requirements import NOTHING_REQUIRED, Condition, Key, Requirement
from gateway.oidc.client import Client, ClientAuthMethod, SigningAlg
from gateway.oidc.discovery import ProviderOptions
from gateway.oidc.http import ProviderHttp
from gateway.oidc.known import ProviderHealth
from gateway.oidc.profiles import ProfileName
from gateway.oidc.provider import Provider
from gateway.proxy.limits import Limits
from gateway.proxy.upstream import Upstream
from gateway.sessions.redis_client import Credentials
from gateway.sessions.redis_records import RedisRecords
from gateway.sessions.sqlite_records import SqliteRecords
from gateway.sessions.storage import SessionStore
from gateway.settings.model import App, Sessions, Settings
from gateway.settings.provider import Provider as ProviderSettings
from gateway.settings.rules import Conditions, Require
from gateway.settings.urls import MemoryStore, RedisStore, SqliteStore
from gateway.web.pages import Branding
from gateway.web.site import SignInStyle, Site, Sites


async def open_records(settings: Settings) -> SessionStore:
    """Open the session store that the settings name."""
    match settings.sessions.store:
        case MemoryStore():
            return await SqliteRecords.open(None, clock=now)
        case SqliteStore(path):
            return await SqliteRecords.open(Path(path), clock=now)
        case RedisStore(url):
            return RedisRecords.open(url, credentials=_credentials(settings.sessions))
        case other:
            assert_never(other)


def _credentials(given: Sessions) -> Credentials:
    return Credentials(
        password=given.store_password,
        sentinel_password=given.store_sentinel_password,
        ca_file=given.store_ca_file,
        cert_file=given.store_cert_file,
        key_file=given.store_key_file,
    )


def provider_of(
    given: ProviderSettings, name: str, *, on_health: Callable[[ProviderHealth], None]
) -> Provider:
    """One provider, with the client registered there; nothing is fetched yet.

    Args:
        given: its settings.
        name: its name in them.
        on_health: told each time that the provider becomes ready or not.
    """
    userinfo_alg = given.userinfo_signed_response_alg
    proconnect = given.profile is ProfileName.PROCONNECT
    return Provider(
        name=name,
        issuer=given.issuer,
        client=Client(
            client_id=given.client_id,
            client_secret=given.client_secret,
            scope=given.scope,
            id_token_signed_response_alg=SigningAlg(given.id_token_signed_response_alg),
            userinfo_signed_response_alg=None if userinfo_alg == "none" else SigningAlg(userinfo_alg),
            token_endpoint_auth_method=ClientAuthMethod(given.token_endpoint_auth_method),
        ),
        http=ProviderHttp(
            timeout=given.timeout,
            tls=ssl.create_default_context(cafile=given.ca_file) if given.ca_file else None,
        ),
        clock=now,
        options=ProviderOptions(
            origins=tuple(map(str, given.endpoint_origins)),
            userinfo_required=proconnect,
            metadata_refresh=given.metadata_refresh,
            key_cooldown=given.key_cooldown,
            timeout=given.timeout,
            clock_skew=given.clock_skew,
        ),
        on_health=on_health,
    )


def sites_of(settings: Settings, providers: Mapping[str, Provider]) -> Sites:
    """Each app with its rules, its provider and its upstream; no connection is made yet."""
    policy = policy_of(settings)
    return Sites(
        policy=policy,
        by_name={
            app.name: Site(
                app=policy.apps[app.host],
                origin=origin_of(settings, app),
                sign_in=SignInStyle(app.sign_in),
                provider=providers[app.provider],
                upstream=upstream_of(app),
                upstream_host=None if app.preserve_host else app.upstream.authority,
                identity=IdentityFields(encoding=app.encoding, remote_user=app.remote_user),
                branding=_branding(settings, app),
            )
            for app in settings.apps
        },
        proxies=TrustedProxies(settings.gateway.trusted_proxies),
        scheme=settings.gateway.public_url.scheme,
    )


def origin_of(settings: Settings, app: App) -> str:
    """Scheme, host and port by which browsers reach an app."""
    return str(replace(settings.gateway.public_url, host=app.host))


def upstream_of(app: App) -> Upstream:
    """The application behind one app; nothing is connected yet."""
    return Upstream(
        app.upstream,
        limits=Limits(
            connect=app.connect_timeout,
            first_byte=app.first_byte_timeout,
            idle=app.idle_timeout,
            connections=app.max_connections,
        ),
    )


def policy_of(settings: Settings) -> Policy:
    """The rules of every app."""
    profiles = {name: provider.profile for name, provider in settings.all_providers.items()}
    return Policy(
        {app.host: _policy_app(app, index, profiles[app.provider]) for index, app in enumerate(settings.apps)}
    )


def _policy_app(app: App, index: int, profile: ProfileName) -> PolicyApp:
    routes = tuple(
        Route(
            place=f"apps[{index}].routes[{number}]",
            path=path_pattern(route.path, exact=route.exact),
            methods=None if route.methods is None else frozenset(route.methods),
            access=route.access,
            require=requirement_of(route.require, profile),
            refusal=route.refusal or app.refusal,
            hints={**app.hints.given(), **route.hints.given()},
        )
        for number, route in enumerate(app.routes)
    )
    looked_at = {claim for route in routes for claim in route.require.claims}
    if profile is ProfileName.PROCONNECT:
        # It tells the level only when asked; applications and audit events have it from there.
        looked_at.add(Key.ACR)
    return PolicyApp(
        name=app.name,
        host=app.host,
        provider=app.provider,
        routes=routes,
        fallback=Route(
            place=f"apps[{index}], no route matches", path=path_pattern("/"), hints=app.hints.given()
        ),
        link_hints=frozenset(app.allow_hints),
        assurance=tuple(key.value for key in (Key.ACR, Key.AMR) if key in looked_at),
    )


def requirement_of(given: Require | None, profile: ProfileName) -> Requirement:
    """What a rule requires; the names of sets of levels count with ProConnect only."""

    def conditions(group: Conditions | None) -> tuple[Condition, ...]:
        if group is None:
            return ()
        values = dict(group.given())
        if Key.ACR in values and profile is ProfileName.PROCONNECT:
            values[Key.ACR] = levels(values[Key.ACR])
        named = [Condition(Key.CLAIMS, texts, name) for name, texts in (group.claims or {}).items()]
        return (*(Condition.on(key, texts) for key, texts in values.items()), *named)

    if given is None:
        return NOTHING_REQUIRED
    return Requirement(
        every=conditions(given),
        alternatives=tuple(map(conditions, given.alternatives or ())),
        excluded=conditions(given.excluded),
    )


def _branding(settings: Settings, app: App) -> Branding:
    proconnect = settings.all_providers[app.provider].profile is ProfileName.PROCONNECT
    return Branding(
        service_name=app.service_name,
        contact=app.contact,
        who_may_enter=app.who_may_enter,
        provider_name=None if proconnect else app.provider,
    )


def now() -> int:
    """The time, in Unix seconds."""
    return int(time.time())
