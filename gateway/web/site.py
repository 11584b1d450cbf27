"""One application as the handlers need it, and how a request finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiohttp import web

from gateway.access.identity import IdentityFields
from gateway.access.policy import App, Policy
from gateway.access.request import AccessRequest, TrustedProxies, read_request
from gateway.oidc.provider import Provider
from gateway.proxy.framing import Framing, check_request
from gateway.proxy.target import read_target
from gateway.proxy.upstream import Upstream
from gateway.web.notes import NOTES
from gateway.web.pages import Branding
from gateway.web.paths import OwnPaths

ASKED: Final = web.RequestKey("asked", AccessRequest)
"""What is asked, once `Sites.read` has read it."""


class SignInStyle(StrEnum):
    """What a navigation without a session gets."""

    PAGE = "page"  # the page with the ProConnect button
    REDIRECT = "redirect"  # the provider at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One application: its rules, its provider, its upstream, and how its people are told about it.

    Args:
        app: its rules.
        origin: scheme, host and port that browsers use, such as `https://demarches.example.gouv.fr`.
        sign_in: what a navigation without a session gets.
        provider: signs its people in.
        upstream: the application itself.
        upstream_host: the `Host` that it is sent; None for the browser's own.
        identity: how it is told about a person.
        branding: its name and contact on pages.
    """

    app: App
    origin: str
    sign_in: SignInStyle
    provider: Provider
    upstream: Upstream
    upstream_host: bytes | None
    identity: IdentityFields
    branding: Branding

    @property
    def secure(self) -> bool:
        """Whether browsers use https here: cookies are `Secure` and have `__Host-` names."""
        return self.origin.startswith("https:")

    @property
    def challenge(self) -> str:
        """The authentication scheme of a 401, which no browser prompts for (RFC 9110 section 11.6.1)."""
        return f'ProConnect realm="{self.origin}"'

    def redirect_uri(self, paths: OwnPaths) -> str:
        """The redirect URI, exactly as it is registered at the provider."""
        return self.origin + paths.callback

    def post_logout_redirect_uri(self, paths: OwnPaths) -> str:
        """The post-logout redirect URI, exactly as it is registered at the provider."""
        return self.origin + paths.signed_out

    def backchannel_logout_uri(self, paths: OwnPaths) -> str:
        """The back-channel logout URI, for providers that send logout tokens."""
        return self.origin + paths.backchannel_logout


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, read: what is asked, of which application, and how its message goes on.

    Args:
        asked: the request as the policy sees it.
        site: the application that answers at its host.
        framing: where its body ends, and whether it asks for an upgrade.
    """

    asked: AccessRequest
    site: Site
    framing: Framing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Every application, found by the host that a request names.

    Args:
        policy: the apps by host.
        by_name: the sites by their app's name.
        proxies: whose forwarded fields count.
        scheme: the scheme that browsers use when no trusted proxy names one.
    """

    policy: Policy
    by_name: Mapping[str, Site]
    proxies: TrustedProxies
    scheme: str

    def read(self, request: web.Request) -> Visit:
        """What is asked, and of which application.

        Raises:
            RequestError: the message, its target or its Host is malformed or ambiguous.
            MethodNotAllowedError: the method is one that no application can mean.
            MisdirectedError: no application answers at this host.
        """
        framing = check_request(request)
        authority = request.headers.get("Host", "")
        asked = read_request(
            method=request.method,
            target=read_target(request.raw_path, method=request.method, host=authority),
            fields=request.headers,
            peer=_peer(request),
            scheme=self.scheme,
            proxies=self.proxies,
        )
        request[ASKED] = asked
        notes = request[NOTES]
        notes.client = asked.client
        app = self.policy.app_for(asked.host)
        notes.app = app.name
        return Visit(asked, self.by_name[app.name], framing)


def _peer(request: web.Request) -> str | None:
    peername = request.get_extra_info("peername")
    return peername[0] if isinstance(peername, tuple) else None
