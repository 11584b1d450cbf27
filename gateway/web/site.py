"""One application as the handlers need it, and how a request finds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from aiohttp import web

from gateway.access.hosts import ByHost
from gateway.access.identity import IdentityFields
from gateway.access.original import read_original
from gateway.access.policy import App
from gateway.access.prefixes import ByPrefix
from gateway.access.request import AccessRequest, TrustedProxies, read_request
from gateway.access.sign_out_paths import SignOutPath, signs_out
from gateway.errors import Fault, ForbiddenError, MisdirectedError
from gateway.oidc.provider import Provider
from gateway.proxy.fields import Reserved
from gateway.proxy.forwarded import USUALLY, Telling
from gateway.proxy.framing import Framing, check_method, check_request
from gateway.proxy.target import read_target
from gateway.proxy.upstream import Upstream
from gateway.web.branding import Branding
from gateway.web.notes import NOTES
from gateway.web.paths import OwnPaths

ASKED: Final = web.RequestKey("asked", AccessRequest)
"""What is asked, once `Sites.read` has read it."""


class SignInStyle(StrEnum):
    """What a navigation without a session gets."""

    PAGE = "page"  # the page with the ProConnect button
    REDIRECT = "redirect"  # the provider at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One upstream of an application.

    Args:
        upstream: where requests go; None where a front server carries them, and only asks.
        host: the `Host` that it is sent; None for the browser's own.
        prefix: what is taken off the path of each request, without a slash at its end; mostly empty.
        telling: in which fields it is told of the browser's side.
        added: fields that every request gets.
    """

    upstream: Upstream | None
    host: bytes | None = None
    prefix: str = ""
    telling: Telling = USUALLY
    added: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One application: its rules, its provider, its upstream, and how its people are told about it.

    Args:
        app: its rules.
        origin: scheme, host and port that browsers use, such as `https://demarches.example.gouv.fr`.
        sign_in: what a navigation without a session gets.
        provider: signs its people in.
        destinations: the application itself, or its parts by path.
        identity: how it is told about a person.
        reserved: what no browser may send it.
        websocket_origins: further origins whose pages may open WebSockets here.
        sign_out_paths: where the application signs people out itself.
        branding: its name and contact on pages.
        backchannel_logout: whether logout tokens of the provider are taken.
    """

    app: App
    origin: str
    sign_in: SignInStyle
    provider: Provider
    destinations: ByPrefix[Destination]
    identity: IdentityFields
    reserved: Reserved
    branding: Branding
    backchannel_logout: bool
    websocket_origins: frozenset[str]
    sign_out_paths: tuple[SignOutPath, ...]

    def at(self, host: str) -> Site:
        """The same application at one host that its wildcard covers, where it is a site of its own."""
        app = replace(self.app, host=host)
        return replace(self, app=app, origin=self.origin.replace(self.app.host, host, 1))

    @property
    def upstreams(self) -> Iterator[Upstream]:
        """Everything that its requests are forwarded to."""
        return (to.upstream for to in self.destinations.all if to.upstream is not None)

    @property
    def secure(self) -> bool:
        """Whether browsers use https here: cookies are `Secure` and have `__Host-` names."""
        return self.origin.startswith("https:")

    def signs_out_at(self, asked: AccessRequest) -> bool:
        """Tell whether a request goes to the application's own sign-out."""
        return signs_out(self.sign_out_paths, asked)

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
        by_host: the sites by their host.
        proxies: whose forwarded fields count.
        scheme: the scheme that browsers use when no trusted proxy names one.
    """

    by_host: ByHost[Site]
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
        return self._visit(
            request, framing, request.method, request.raw_path, request.headers.get("Host", "")
        )

    def read_original(self, request: web.Request) -> Visit:
        """What a front server asks about: the request that a browser sent it, and to which application.

        Raises:
            ForbiddenError: it is no trusted proxy that asks.
            RequestError: it does not say what it asks about, or that is malformed or ambiguous.
            MethodNotAllowedError: the method is one that no application can mean.
            MisdirectedError: no application answers at this host.
        """
        framing = check_request(request)
        peer = _peer(request)
        if not self.proxies.trusts(peer):
            raise ForbiddenError(Fault.PROXY_NOT_TRUSTED, peer=peer)
        original = read_original(request.headers)
        check_method(original.method)
        told = request.headers.getall("X-Forwarded-Host", ())
        return self._visit(
            request,
            framing,
            original.method,
            original.target,
            told[-1] if told else request.headers.get("Host", ""),
        )

    def _visit(
        self, request: web.Request, framing: Framing, method: str, target: str, authority: str
    ) -> Visit:
        asked = read_request(
            method=method,
            target=read_target(target, method=method, host=authority),
            fields=request.headers,
            peer=_peer(request),
            scheme=self.scheme,
            proxies=self.proxies,
        )
        request[ASKED] = asked
        notes = request[NOTES]
        notes.client = asked.client
        site = self.by_host.get(asked.host)
        if site is None:
            raise MisdirectedError(Fault.HOST_UNKNOWN, host=asked.host)
        notes.app = site.app.name
        return Visit(asked, site, framing)


def _peer(request: web.Request) -> str | None:
    peername = request.get_extra_info("peername")
    return peername[0] if isinstance(peername, tuple) else None
