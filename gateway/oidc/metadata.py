"""The discovery document to ProviderMetadata (OpenID Connect Discovery 1.0; RFC 8414).

What is not checked here is not used. When the document is fetched, and what happens to the last good one, is
`oidc.known`'s affair.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.errors import Fault
from gateway.oidc.answer import Answer, json_body, require_success
from gateway.oidc.checks import require, shown
from gateway.oidc.client import Client, ClientAuthMethod, ResponseMode

_WELL_KNOWN: Final = "/.well-known/openid-configuration"  # Discovery 1.0 section 4
_TYPES: Final = frozenset({"application/json"})  # Discovery 1.0 section 4.2
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/?\[\]!$&'()*+,;=%-]{1,2000}")  # RFC 3986, no `@`, no `#`
_DEFAULT_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
_DEFAULTS: Final = {  # Discovery 1.0 section 3
    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    "response_modes_supported": ["query", "fragment"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """What the gateway uses of a checked document; names as in Discovery 1.0 section 3.

    Args:
        issuer: equal to the one of the settings.
        userinfo_endpoint: None when the provider has none.
        end_session_endpoint: None when the provider has none (RP-Initiated Logout 1.0 section 2.1).
        response_iss: whether each authorization response names the issuer (RFC 9207 section 3).
        pushed_authorization_request_endpoint: where the authorization request goes first, if it does
            (RFC 9126 section 5).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    response_iss: bool
    pushed_authorization_request_endpoint: str | None = None


def metadata_url(issuer: str) -> str:
    """Where the document of this issuer is (Discovery 1.0 section 4: a terminating slash is dropped)."""
    return issuer.removesuffix("/") + _WELL_KNOWN


def check_metadata(
    answer: Answer, *, issuer: str, client: Client, origins: Collection[str], userinfo_required: bool
) -> ProviderMetadata:
    """Read a discovery document.

    PKCE is not looked for: every authorization request carries an S256 challenge, whatever is advertised
    (RFC 9700 section 2.1.1).

    Args:
        answer: the document as it came.
        issuer: the issuer of the settings, compared byte for byte (Discovery 1.0 section 4.3).
        client: what it must let the client do.
        origins: beside the issuer's own, the origins that endpoints may have.
        userinfo_required: whether a provider without userinfo_endpoint is of no use.

    Raises:
        ProviderError: metadata-redirect, metadata-malformed, metadata-issuer, metadata-endpoint or
            metadata-downgrade.
    """
    require_success(answer, Fault.METADATA_MALFORMED, redirect=Fault.METADATA_REDIRECT)
    document = json_body(answer, Fault.METADATA_MALFORMED, types=_TYPES)
    got = document.get("issuer")
    require(got == issuer, Fault.METADATA_ISSUER, expected=issuer, got=shown(got))
    endpoints = _Endpoints(document, issuer, frozenset(map(_origin, (issuer, *origins))) - {None})
    userinfo_endpoint = endpoints.required if userinfo_required else endpoints.optional
    metadata = ProviderMetadata(
        issuer=issuer,
        authorization_endpoint=endpoints.required("authorization_endpoint"),
        token_endpoint=endpoints.required("token_endpoint"),
        jwks_uri=endpoints.required("jwks_uri"),
        userinfo_endpoint=userinfo_endpoint("userinfo_endpoint"),
        end_session_endpoint=endpoints.optional("end_session_endpoint"),
        response_iss=_flag(document, "authorization_response_iss_parameter_supported"),
        pushed_authorization_request_endpoint=_pushed(document, endpoints, client),
    )
    _require_advertised(document, client)
    return metadata


def _require_advertised(document: Mapping[str, Any], client: Client) -> None:
    """Nothing weaker than what the client is registered with is ever used instead (RFC 9700 section 4.8)."""
    supported = {
        "response_types_supported": "code",
        "id_token_signing_alg_values_supported": client.id_token_signed_response_alg.value,
        "token_endpoint_auth_methods_supported": client.token_endpoint_auth_method.value,
    }
    if client.userinfo_signed_response_alg and "userinfo_signing_alg_values_supported" in document:
        supported["userinfo_signing_alg_values_supported"] = client.userinfo_signed_response_alg.value
    if client.response_mode is not ResponseMode.QUERY:
        supported["response_modes_supported"] = client.response_mode.value
    if (
        client.token_endpoint_auth_method is ClientAuthMethod.PRIVATE_KEY_JWT
        and "token_endpoint_auth_signing_alg_values_supported" in document
    ):
        alg = client.token_endpoint_auth_signing_alg.value
        supported["token_endpoint_auth_signing_alg_values_supported"] = alg
    for member, needed in supported.items():
        values = document.get(member, _DEFAULTS.get(member))
        require(isinstance(values, list), Fault.METADATA_MALFORMED, member=member)
        require(needed in values, Fault.METADATA_DOWNGRADE, member=member, needed=needed, got=shown(values))


def _pushed(document: Mapping[str, Any], endpoints: _Endpoints, client: Client) -> str | None:
    """Where authorization requests are pushed; None where neither side asks for it (RFC 9126 section 5)."""
    required = _flag(document, "require_pushed_authorization_requests")
    if not required and not client.require_pushed_authorization_requests:
        return None
    member = "pushed_authorization_request_endpoint"
    require(document.get(member) is not None, Fault.METADATA_DOWNGRADE, member=member, got="none")
    return endpoints.required(member)


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """The endpoints of one document, each checked when it is taken."""

    document: Mapping[str, Any]
    issuer: str
    origins: frozenset[str | None]

    def required(self, member: str) -> str:
        url = self.document.get(member)
        # RFC 3986 section 3.2.1: a user part hides the host, so `@` has no place in an endpoint at all.
        require(
            isinstance(url, str)
            and _URL.fullmatch(url)
            and (url.startswith("https:") or self.issuer.startswith("http:"))
            and _origin(url) in self.origins,
            Fault.METADATA_ENDPOINT,
            member=member,
            got=shown(url),
        )
        return str(url)

    def optional(self, member: str) -> str | None:
        return None if self.document.get(member) is None else self.required(member)


def _origin(url: str) -> str | None:
    """Scheme, host and port (RFC 6454 section 4); None when some part is malformed."""
    try:
        parts = urlsplit(url)
        port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    except (ValueError, KeyError):
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _flag(document: Mapping[str, Any], member: str) -> bool:
    value = document.get(member, False)
    require(isinstance(value, bool), Fault.METADATA_MALFORMED, member=member)
    return value is True
