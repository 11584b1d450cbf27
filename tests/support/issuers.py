"""An issuer of the shared stage: how it behaves from the start, and what the gateway is told about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import Fault
from tests.support.hostile import Alteration
from tests.support.oidc_engine import Client
from tests.support.story import CLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer, the client there, and the one app whose people sign in with it.

    Args:
        name: of the issuer's path, of the provider in the settings, and of the app, whose host it begins.
        base: what it does not say honestly from the start.
        client: what differs from the usual registration, on both sides.
        profile: the settings' profile.
        settings: further lines of the provider's section.
        app: further lines of the app's section.
        own_keys: whether it signs with keys that no other issuer has.
        address: where it is for the gateway, when nobody is there.
    """

    name: str
    base: tuple[Alteration, ...] = ()
    client: Mapping[str, Any] = field(default_factory=dict)
    profile: str = "proconnect"
    settings: str = ""
    app: str = ""
    own_keys: bool = False
    address: str | None = None

    @property
    def registered(self) -> Client:
        """The client's registration."""
        return Client(**{**{name: getattr(CLIENT, name) for name in CLIENT.__slots__}, **self.client})

    def toml(self, issuer: str, *, origins: Mapping[str, str], ca_file: Path) -> str:
        """The sections of the settings that are about it; `settings` may name one of `origins` in braces."""
        client = self.registered
        environment = 'environment = "integration"' if self.profile == "proconnect" else ""
        return f"""
[providers.{self.name}]
profile = "{self.profile}"
{environment}
issuer = "{issuer}"
ca_file = "{ca_file}"
client_id = "{client.client_id}"
client_secret = "{client.client_secret}"
token_endpoint_auth_method = "client_secret_post"
id_token_signed_response_alg = "{client.id_token_signed_response_alg}"
userinfo_signed_response_alg = "{client.userinfo_signed_response_alg or "none"}"
{self.settings.format_map(origins)}
[[apps]]
name = "{self.name}"
host = "{self.name}.localhost"
upstream = "{origins["upstream"]}"
provider = "{self.name}"
{self.app}
"""


def patience(fault: Fault) -> str:
    """Lines of the provider's section: who is slow is not waited for as long as usual."""
    return 'timeout = "1s"' if fault is Fault.PROVIDER_SLOW else ""


def name_of(case: str) -> str:
    """A case's name as part of a host: `A1 issuer absent` is `a1-issuer-absent`."""
    return re.sub(r"[^a-z0-9]+", "-", case.lower()).strip("-")
