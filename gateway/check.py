"""What `proconnect-gateway check` looks at: everything that the settings name, reached for real."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.adapters import open_records, provider_of, sites_of
from gateway.errors import Fault, GatewayError
from gateway.oidc.provider import Provider
from gateway.settings.model import Settings, dangers
from gateway.web.paths import OwnPaths
from gateway.web.site import Site

_CLOCKS_APART: Final = 5  # seconds, from which on it is worth saying
_PROBE_LIFETIME: Final = 60  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        what: what it is, as in the settings.
        said: how it is.
        ok: whether the gateway can work with it.
        remedy: what to do when it cannot, or should not.
    """

    what: str
    said: str
    ok: bool = True
    remedy: str = ""


_REMEDIES: Final = {
    Fault.PROVIDER_UNREACHABLE: "check the name, the network and the firewall (TCP 443 to the provider)",
    Fault.PROVIDER_TLS: "check the clock of this machine, and ca_file if the provider has an authority of its own",
    Fault.PROVIDER_SLOW: "check the network; timeout says how long to wait",
    Fault.METADATA_ISSUER: "issuer must be the very text that the provider publishes",
    Fault.METADATA_ENDPOINT: "endpoint_origins may name further origins, if you trust them",
    Fault.METADATA_DOWNGRADE: "compare the algorithms and the authentication method with the registration",
    Fault.METADATA_MALFORMED: "check that issuer is an OpenID Provider's",
    Fault.METADATA_REDIRECT: "issuer must be the address that answers itself",
    Fault.STORE_UNREACHABLE: "check sessions.store, its password and the network",
    Fault.UPSTREAM_UNREACHABLE: "check that the application runs, and apps.upstream",
    Fault.UPSTREAM_SLOW: "check that the application runs; connect_timeout says how long to wait",
}


async def check_everything(settings: Settings) -> AsyncIterator[Finding]:
    """Look at one thing after the other; nothing is changed but one record that is written and deleted."""
    yield Finding("settings", f"{len(settings.apps)} app(s), {len(settings.all_providers)} provider(s)")
    for danger in dangers(settings):
        yield Finding(danger, "is on", remedy="for tests only: turn it off before people use this")
    providers = {
        name: provider_of(settings, name, on_health=lambda _: None) for name in settings.all_providers
    }
    try:
        for name, provider in providers.items():
            yield await _provider(name, provider)
            clock = _clock(name, provider, skew=settings.all_providers[name].clock_skew)
            if clock is not None:
                yield clock
        yield await _store(settings)
        sites = sites_of(settings, providers).by_name
        for name, site in sites.items():
            yield await _upstream(name, site)
        for finding in _to_register(settings, sites):
            yield finding
    finally:
        await asyncio.gather(*(provider.close() for provider in providers.values()))


async def _provider(name: str, provider: Provider) -> Finding:
    await provider.start()
    health = provider.health()
    what = f"provider {name}"
    if health.ready and health.fault is None:
        return Finding(what, f"metadata and keys of {provider.issuer}")
    fault = health.fault or Fault.KEYS_MALFORMED
    facts = ", ".join(f"{fact}: {value}" for fact, value in health.facts.items())
    said = f"{provider.issuer}: {fault.value}" + (f" ({facts})" if facts else "")
    return Finding(what, said, ok=False, remedy=_REMEDIES.get(fault, ""))


def _clock(name: str, provider: Provider, *, skew: int) -> Finding | None:
    offset = provider.health().clock_offset
    if offset is None:
        return None
    what = f"clock of provider {name}"
    said = (
        "the same as ours" if not offset else f"{abs(offset)} s {'ahead of' if offset > 0 else 'behind'} ours"
    )
    if abs(offset) < _CLOCKS_APART:
        return Finding(what, said)
    remedy = "set this machine's clock (NTP); clock_skew says how far apart they may be"
    return Finding(what, said, ok=abs(offset) <= skew, remedy=remedy)


async def _store(settings: Settings) -> Finding:
    what = "store"
    records = None
    try:
        records = await open_records(settings)
        key = f"gateway:check:{secrets.token_hex(8)}"
        await records.put(key, b"check", lifetime=_PROBE_LIFETIME)
        found = await records.get(key)
        await records.delete(key)
    except GatewayError as error:
        facts = ", ".join(f"{fact}: {value}" for fact, value in error.facts.items())
        return Finding(
            what, f"{error.fault.value} ({facts})", ok=False, remedy=_REMEDIES.get(error.fault, "")
        )
    finally:
        if records is not None:
            await records.close()
    if found != b"check":
        return Finding(what, "forgets at once what it is given", ok=False, remedy="check its memory policy")
    return Finding(what, "a record was written, read and deleted")


async def _upstream(name: str, site: Site) -> Finding:
    what = f"upstream of {name}"
    try:
        await site.upstream.probe()
    except GatewayError as error:
        facts = ", ".join(f"{fact}: {value}" for fact, value in error.facts.items())
        return Finding(
            what, f"{error.fault.value} ({facts})", ok=False, remedy=_REMEDIES.get(error.fault, "")
        )
    finally:
        await site.upstream.close()
    return Finding(what, "takes connections")


def _to_register(settings: Settings, sites: Mapping[str, Site]) -> list[Finding]:
    paths = OwnPaths(settings.gateway.path)
    found = []
    for name, site in sites.items():
        client = settings.all_providers[site.app.provider].client_id
        found += [
            Finding(f"register for {name}", f"redirect URI {site.redirect_uri(paths)}"),
            Finding(
                f"register for {name}",
                f"post-logout redirect URI {site.post_logout_redirect_uri(paths)}",
                remedy=f"both at provider {site.app.provider}, for client {client}, byte for byte",
            ),
        ]
    return found
