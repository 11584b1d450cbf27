"""What is known of a provider before its metadata is read: ProConnect's four platforms, or any provider.

Facts only. What a client registered there differs in is a setting; what the provider publishes is metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ProfileName(StrEnum):
    """The kinds of provider that the gateway knows."""

    PROCONNECT = "proconnect"
    OIDC = "oidc"


class Environment(StrEnum):
    """ProConnect's two environments. A client of one is unknown in the other."""

    INTEGRATION = "integration"
    PRODUCTION = "production"


class Network(StrEnum):
    """The networks that ProConnect answers on; `rie` is the State's interministerial network."""

    INTERNET = "internet"
    RIE = "rie"


_DOMAINS: Mapping[tuple[Environment, Network], str] = {
    (Environment.INTEGRATION, Network.INTERNET): "fca.integ01.dev-agentconnect.fr",
    (Environment.INTEGRATION, Network.RIE): "fca.integ02.agentconnect.rie.gouv.fr",
    (Environment.PRODUCTION, Network.INTERNET): "auth.agentconnect.gouv.fr",
    (Environment.PRODUCTION, Network.RIE): "auth.agentconnect.rie.gouv.fr",
}

ISSUERS: Mapping[tuple[Environment, Network], str] = MappingProxyType(
    {platform: f"https://{domain}/api/v2" for platform, domain in _DOMAINS.items()}
)
"""ProConnect's issuer identifiers, compared byte for byte: no trailing slash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What holds for a kind of provider unless the settings say otherwise.

    Args:
        scope: the scope values to ask for.
        signing_algs: the algorithms a client may register (RFC 7518 section 3.1).
        userinfo_signed_response_alg: as registered by default; `none` is plain JSON.
        token_endpoint_auth_method: as registered by default (OpenID Connect Core 1.0 section 9).
        backchannel_logout: whether logout tokens are taken by default.
    """

    scope: tuple[str, ...]
    signing_algs: tuple[str, ...]
    userinfo_signed_response_alg: str
    token_endpoint_auth_method: str
    backchannel_logout: bool


PROFILES: Mapping[ProfileName, Profile] = MappingProxyType(
    {
        ProfileName.PROCONNECT: Profile(
            scope=(
                "openid",
                "given_name",
                "usual_name",
                "email",
                "uid",
                "siret",
                "idp_id",
                "roles",
                "organization_label",
            ),
            signing_algs=("RS256", "ES256", "HS256"),
            userinfo_signed_response_alg="RS256",
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - a method's name
            backchannel_logout=False,  # it sends none
        ),
        ProfileName.OIDC: Profile(
            scope=("openid", "email", "profile"),
            signing_algs=("RS256", "ES256", "HS256", "PS256"),
            userinfo_signed_response_alg="none",
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - a method's name
            backchannel_logout=True,
        ),
    }
)

PROCONNECT_SCOPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "uid": ("uid",),
        "given_name": ("given_name",),
        "usual_name": ("usual_name",),
        "email": ("email",),
        "siret": ("siret",),
        "siren": ("siren", "siret"),  # the first nine digits of a SIRET are its SIREN
        "idp_id": ("idp_id",),
        "idp_acr": ("idp_acr",),
        "roles": ("roles",),
        "organization_label": ("organization_label",),
        "organizational_unit": ("organizational_unit",),
        "belonging_population": ("belonging_population",),
        "phone_number": ("phone",),
        "chorusdt:matricule": ("chorusdt",),
        "chorusdt:societe": ("chorusdt",),
        "custom": ("custom",),
    }
)
"""The scope values with one of which ProConnect gives a claim."""
