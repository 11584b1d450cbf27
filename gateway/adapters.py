"""Settings to adapters and rules: each outside thing as the settings name it, not yet reached."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from gateway.access.assurance import levels
from gateway.access.hosts import ByHost
from gateway.access.paths import path_pattern
from gateway.access.policy import App as PolicyApp
from gateway.access.policy import Route
from gateway.access.request import TrustedProxies
from gateway.access.requirements import NOTHING_REQUIRED, Condition, Key, Requirement
from gateway.access.sign_out_paths import sign_out_path
from gateway.branding import branding_of
from gateway.errors import StoreError
from gateway.oidc.client import AssertionAudience, Client, ClientAuthMethod, ResponseMode, SigningAlg
from gateway.oidc.discovery import ProviderOptions
from gateway.oidc.http import ProviderHttp
from gateway.oidc.known import ProviderHealth
from gateway.oidc.profiles import ProfileName
from gateway.oidc.provider import Provider
from gateway.oidc.refresh import Refreshing
from gateway.proxy.streams import Streams
from gateway.sessions.redis_client import Credentials
from gateway.sessions.redis_records import RedisRecords
from gateway.sessions.session import Lifetimes
from gateway.sessions.sqlite_records import SqliteRecords
from gateway.sessions.store import SessionStore
from gateway.settings.conditions import Conditions, Require
from gateway.settings.model import App, Sessions, Settings
from gateway.settings.provider import Provider as ProviderSettings
from gateway.settings.urls import MemoryStore, Origin, RedisStore, SqliteStore
from gateway.upstreams import destinations_of, identity_of, reserved_of
from gateway.web.site import SignInStyle, Site, Sites


def now() -> int:
    """The time, in Unix seconds."""
    return int(time.time())


async def open_records(
    settings: Settings,
    *,
    told: Callable[[StoreError | None], object] = lambda _: None,
    clock: Callable[[], int] = now,
) -> SessionStore:
    """Open the session store that the settings name.

    Args:
        settings: of the sessions.
        told: of the error when a store that others share is found away, and None when it is back.
        clock: Unix seconds.
    """
    match settings.sessions.store:
        case MemoryStore():
            return await SqliteRecords.open(None, clock=clock)
        case SqliteStore(path):
            return await SqliteRecords.open(Path(path), clock=clock)
        case RedisStore(url):
            return RedisRecords.open(
                url,
                credentials=_credentials(settings.sessions),
                limit=settings.sessions.store_timeout,
                connections=settings.sessions.store_connections,
                told=told,
            )
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
    given: ProviderSettings,
    name: str,
    *,
    on_health: Callable[[ProviderHealth], None],
    clock: Callable[[], int] = now,
) -> Provider:
    """One provider, with the client registered there; nothing is fetched yet.

    Args:
        given: its settings.
        name: its name in them.
        on_health: told each time that the provider becomes ready or not.
        clock: Unix seconds.
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
            token_endpoint_auth_signing_alg=SigningAlg(given.token_endpoint_auth_signing_alg or "ES256"),
            client_assertion_audience=AssertionAudience(given.client_assertion_audience),
            keys=given.client_key,
            response_mode=ResponseMode(given.response_mode),
            require_pushed_authorization_requests=given.require_pushed_authorization_requests,
        ),
        http=ProviderHttp(
            timeout=given.timeout,
            tls=ssl.create_default_context(cafile=given.ca_file) if given.ca_file else None,
        ),
        clock=clock,
        options=ProviderOptions(
            origins=tuple(map(str, given.endpoint_origins)),
            userinfo_required=proconnect,
            metadata_refresh=given.metadata_refresh,
            key_cooldown=given.key_cooldown,
            timeout=given.timeout,
            clock_skew=given.clock_skew,
            refreshing=Refreshing(given.refresh_interval) if given.refresh else None,
        ),
        on_health=on_health,
    )


def sites_of(settings: Settings, providers: Mapping[str, Provider], streams: Streams) -> Sites:
    """Each app with its rules, its provider and its upstreams; no connection is made yet.

    Args:
        settings: of all of them.
        providers: by their names.
        streams: holds what is open for long.
    """
    rules = rules_of_apps(settings)
    return Sites(
        by_host=ByHost(
            {
                app.host: Site(
                    app=rules[app.host],
                    origin=str(origin_of(settings, app)),
                    sign_in=SignInStyle(app.sign_in),
                    provider=providers[app.provider],
                    destinations=destinations_of(app, origin_of(settings, app), streams),
                    identity=identity_of(app),
                    reserved=reserved_of(app),
                    branding=branding_of(settings, app),
                    backchannel_logout=settings.all_providers[app.provider].backchannel_logout,
                    websocket_origins=frozenset(map(str, app.websocket_origins)),
                    sign_out_paths=tuple(map(sign_out_path, app.sign_out_paths)),
                )
                for app in settings.apps
            },
            at=Site.at,
        ),
        proxies=TrustedProxies(settings.gateway.trusted_proxies),
        scheme=settings.gateway.public_url.scheme,
    )


def origin_of(settings: Settings, app: App) -> Origin:
    """Scheme, host and port by which browsers reach an app."""
    return replace(settings.gateway.public_url, host=app.host)


def lifetimes_of(settings: Settings) -> Callable[[str], Lifetimes]:
    """The lifetimes of sessions opened at a host; where no app is any more, those of `sessions`."""
    usual = Lifetimes(settings.sessions.idle_lifetime, settings.sessions.absolute_lifetime)
    by_host = ByHost(
        {
            app.host: Lifetimes(app.idle_lifetime or usual.idle, app.absolute_lifetime or usual.absolute)
            for app in settings.apps
        },
        at=lambda lifetimes, _: lifetimes,
    )
    return lambda host: by_host.get(host) or usual


def longest_idle(settings: Settings) -> int:
    """The longest idle lifetime that any session has, in seconds."""
    return max(settings.sessions.idle_lifetime, *(app.idle_lifetime or 0 for app in settings.apps))


def rules_of_apps(settings: Settings) -> dict[str, PolicyApp]:
    """The rules of every app, by its host."""
    profiles = {name: provider.profile for name, provider in settings.all_providers.items()}
    return {
        app.host: _policy_app(app, index, profiles[app.provider]) for index, app in enumerate(settings.apps)
    }


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
            shadow=route.mode == "shadow",
            silent=route.silent_sign_in,
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
