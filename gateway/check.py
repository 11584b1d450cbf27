"""What `proconnect-gateway check` looks at: everything that the settings name, reached for real."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, assert_never

from gateway.access.hosts import WILDCARD
from gateway.adapters import open_records, origin_of, provider_of
from gateway.errors import Fault, GatewayError
from gateway.oidc.provider import Provider
from gateway.proxy.target import UpstreamAddress
from gateway.settings.faults import SettingFault
from gateway.settings.model import Settings, dangers, shadows
from gateway.settings.provider import Provider as ProviderSettings
from gateway.settings.upstreams import Behind
from gateway.settings.urls import AnyStore, MemoryStore, RedisStore, SqliteStore
from gateway.upstreams import behind_app, upstream_of
from gateway.web.paths import OwnPaths

_CLOCKS_APART: Final = 5  # seconds, from which on it is worth saying
_PROBE_LIFETIME: Final = 60  # seconds
_PROBE: Final = b"check"


class State(StrEnum):
    """How a thing is."""

    OK = "ok"
    NOTE = "note"  # the gateway can work with it, but should not for long
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        what: what it is, as in the settings.
        said: how it is.
        state: whether the gateway can work with it.
        remedy: what to do when it cannot, or should not.
    """

    what: str
    said: str
    state: State = State.OK
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """What one client must have at its provider, byte for byte."""

    provider: str
    client_id: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    jwks_uri: str | None = None
    backchannel_logout_uri: str | None = None

    @property
    def wildcard(self) -> bool:
        """Whether some of these stand for one at each host that is used: the provider compares letters."""
        return any(f"//{WILDCARD}" in uri for uri in self.redirect_uris)


_FAULTS: Final[Mapping[Fault, tuple[str, str]]] = {
    Fault.PROVIDER_UNREACHABLE: (
        "cannot be reached",
        "check issuer, the network and the firewall (to the provider, TCP 443)",
    ),
    Fault.PROVIDER_TLS: (
        "has a certificate that is not trusted",
        "check the clock of this machine, and ca_file if the provider has an authority of its own",
    ),
    Fault.PROVIDER_SLOW: ("does not answer in time", "check the network; timeout says how long to wait"),
    Fault.METADATA_ISSUER: (
        "calls itself by another name",
        "issuer must be the very text that the provider publishes, to the last slash",
    ),
    Fault.METADATA_ENDPOINT: (
        "names an endpoint outside its own address",
        "with profile oidc, endpoint_origins may name further addresses, if you trust them",
    ),
    Fault.METADATA_DOWNGRADE: (
        "does not offer what the client is registered with",
        "compare algorithms and authentication method with the registration",
    ),
    Fault.METADATA_MALFORMED: ("publishes no usable metadata", "check that issuer is an OpenID Provider's"),
    Fault.METADATA_REDIRECT: (
        "sends to another address for its metadata",
        "issuer must be the address that answers itself",
    ),
    Fault.KEYS_MALFORMED: ("publishes no usable keys", "tell the people who run the provider"),
    Fault.STORE_UNREACHABLE: (
        "cannot be used",
        "check sessions.store, its password, and that this machine may reach and write it",
    ),
    Fault.UPSTREAM_UNREACHABLE: ("cannot be reached", "check that the application runs, and its upstream"),
    Fault.UPSTREAM_TLS: (
        "does not come to terms over TLS",
        "upstream_ca_file names an authority of its own, upstream_server_name the name in its certificate",
    ),
    Fault.UPSTREAM_SLOW: (
        "does not answer in time",
        "check that the application runs; connect_timeout says how long to wait",
    ),
}
"""What is wrong with the thing, and what to do."""

FILE_REMEDY: Final = (
    "check sessions.store: its folder must be there, and the gateway's user must be able to write to both"
)


def fault_finding(fault: SettingFault) -> Finding:
    """A fault of the settings themselves."""
    return Finding(fault.path, fault.problem, State.FAULT, fault.remedy)


async def check_everything(settings: Settings) -> AsyncIterator[Finding]:
    """Look at one thing after the other; nothing is changed but one record that is written and deleted."""
    providers = settings.all_providers
    yield Finding("settings", f"{_count(settings.apps, 'app')}, {_count(providers, 'provider')}")
    for danger in dangers(settings):
        yield Finding(danger, "is on", State.NOTE, "for tests only: turn it off before people use this")
    for route in shadows(settings):
        yield Finding(
            route, "is in shadow mode and refuses nobody", State.NOTE, 'read "report", then enforce it'
        )
    async for finding in check_providers(providers):
        yield finding
    yield await _store(settings)
    for app in settings.apps:
        for what, behind in behind_app(app):
            for address in behind.upstream:
                yield await _upstream(what, behind, address)


async def check_providers(providers: Mapping[str, ProviderSettings]) -> AsyncIterator[Finding]:
    """Look at each provider's metadata, keys and clock."""
    for name, given in providers.items():
        provider = provider_of(given, name, on_health=lambda _: None)
        try:
            await provider.start()
            yield _provider(name, provider)
            offset = provider.health().clock_offset
            if offset is not None:
                yield _clock(name, offset, skew=given.clock_skew)
        finally:
            await provider.close()


def registrations(settings: Settings) -> list[Registration]:
    """What to register at each provider that an app uses."""
    paths = OwnPaths(settings.gateway.path)
    apps: dict[str, list[str]] = {}
    for app in settings.apps:
        apps.setdefault(app.provider, []).append(str(origin_of(settings, app)))
    return [
        Registration(
            provider=name,
            client_id=given.client_id,
            redirect_uris=tuple(origin + paths.callback for origin in origins),
            post_logout_redirect_uris=tuple(origin + paths.signed_out for origin in origins),
            # Each app's host has them; a client has one JWKS URI.
            jwks_uri=origins[0] + paths.client_keys if given.client_key.algs else None,
            backchannel_logout_uri=(
                # A client has one at most; it is about the sessions of all its apps.
                origins[0] + paths.backchannel_logout if given.backchannel_logout else None
            ),
        )
        for name, origins in apps.items()
        for given in (settings.all_providers[name],)
    ]


def _provider(name: str, provider: Provider) -> Finding:
    health = provider.health()
    what = f"provider {name}"
    if health.ready and health.fault is None:
        return Finding(what, f"metadata and keys of {provider.issuer}")
    return _fault(what, health.fault or Fault.KEYS_MALFORMED, {"issuer": provider.issuer, **health.facts})


def _clock(name: str, offset: int, *, skew: int) -> Finding:
    what = f"clock of provider {name}"
    if not offset:
        return Finding(what, "the same as ours")
    said = f"{abs(offset)} s {'ahead of' if offset > 0 else 'behind'} ours"
    if abs(offset) < _CLOCKS_APART:
        return Finding(what, said)
    remedy = f"set this machine's clock (NTP); clock_skew lets them be {skew} s apart"
    return Finding(what, said, State.NOTE if abs(offset) <= skew else State.FAULT, remedy)


async def _store(settings: Settings) -> Finding:
    what = f"store {_shown(settings.sessions.store)}"
    records = None
    try:
        records = await open_records(settings)
        key = f"gateway:check:{secrets.token_hex(8)}"
        await records.put(key, _PROBE, lifetime=_PROBE_LIFETIME)
        found = await records.get(key)
        await records.delete(key)
    except GatewayError as error:
        finding = _fault(what, error.fault, error.facts)
        of_file = isinstance(settings.sessions.store, SqliteStore)
        return replace(finding, remedy=FILE_REMEDY) if of_file else finding
    finally:
        if records is not None:
            await records.close()
    if found != _PROBE:
        return Finding(what, "forgets at once what it is given", State.FAULT, "check its memory policy")
    return Finding(what, "a record was written, read and deleted")


async def _upstream(what: str, behind: Behind, address: UpstreamAddress) -> Finding:
    upstream = upstream_of(behind, address)
    try:
        await upstream.probe()
    except GatewayError as error:
        return _fault(what, error.fault, error.facts)
    finally:
        await upstream.close()
    return Finding(what, f"{address} takes connections")


def _fault(what: str, fault: Fault, facts: Mapping[str, object]) -> Finding:
    said, remedy = _FAULTS.get(fault, (fault.value.replace("-", " "), ""))
    details = ", ".join(f"{name} {value}" for name, value in facts.items())
    return Finding(what, said + (f" ({details})" if details else ""), State.FAULT, remedy)


def _shown(store: AnyStore) -> str:
    match store:
        case MemoryStore():
            return "in memory"
        case SqliteStore(path):
            return f"sqlite:{path}"
        case RedisStore(url):
            return url
        case other:
            assert_never(other)


def _count(things: tuple[object, ...] | Mapping[str, object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
