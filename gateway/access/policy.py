"""The one decision: a request, its route and its session to Allow, SignInRequired or Deny, with the Reason.

Proxying, WebSocket upgrades and forward-auth ask the same function and only answer differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gateway.access.readings import Path
from gateway.errors import Fault, MisdirectedError, RequestError
from gateway.sessions.session import Anonymous, Session, SignedIn


class Access(StrEnum):
    """What a route asks for."""

    PUBLIC = "public"  # open to everybody; the application is told nothing about the person
    OPTIONAL = "optional"  # open to everybody; who is signed in is told
    SIGNED_IN = "signed-in"
    DENY = "deny"


class Reason(StrEnum):
    """Why a decision fell as it did, as a closed list."""

    PUBLIC = "public"
    OPTIONAL = "optional"
    SIGNED_IN = "signed-in"
    NOT_SIGNED_IN = "not-signed-in"
    OTHER_PROVIDER = "other-provider"
    ROUTE_DENIED = "route-denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One rule of an app: which requests it is about, and what it asks for.

    Args:
        place: where it stands in the settings, such as `apps[0].routes[2]`.
        path: a prefix of the decoded path; the whole path when `exact`.
        exact: whether `path` is the whole path.
        methods: the methods it is about, None for all. GET includes HEAD.
        access: what it asks for.
    """

    place: str
    path: str
    exact: bool = False
    methods: frozenset[str] | None = None
    access: Access = Access.SIGNED_IN

    def matches(self, path: str, method: str) -> bool:
        """Tell whether a request with this path, read as written, is about this route."""
        return _covers(self.path, path, exact=self.exact) and self._has(method)

    def matches_folded(self, path: str, method: str) -> bool:
        """The same for a case-folded path."""
        return _covers(self.path.casefold(), path, exact=self.exact) and self._has(method)

    @property
    def wants_session(self) -> bool:
        """Whether the decision, or the application, wants to know who asks."""
        return self.access in {Access.OPTIONAL, Access.SIGNED_IN}

    def _has(self, method: str) -> bool:
        if self.methods is None or method in self.methods:
            return True
        return method == "HEAD" and "GET" in self.methods


def _covers(pattern: str, path: str, *, exact: bool) -> bool:
    """A prefix ends at a segment's border: `/admin` and `/admin/` cover `/admin` and `/admin/x` alike.

    Many applications answer `/admin` as they answer `/admin/`, so a rule must not tell them apart;
    `/administration` is another place.
    """
    if exact:
        return path == pattern
    prefix = pattern.rstrip("/")
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in {"", "/"}


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One application behind the gateway, as the policy knows it.

    Args:
        name: the settings' name of it.
        host: the host it answers at, in lower case, without port.
        provider: the settings' name of the provider that signs its people in.
        routes: its rules; the first match decides.
        fallback: what decides when no rule matches.
    """

    name: str
    host: str
    provider: str
    routes: tuple[Route, ...]
    fallback: Route

    def route_for(self, path: Path, method: str) -> Route:
        """The route that decides about a request.

        Raises:
            RequestError: target-ambiguous, when two readings of the path fall under different routes.
        """
        route = next((r for r in self.routes if r.matches(path.decoded, method)), self.fallback)
        for other in path.others:
            rival = next((r for r in self.routes if r.matches_folded(other, method)), self.fallback)
            if rival is not route:
                raise RequestError(Fault.TARGET_AMBIGUOUS, routes=[route.place, rival.place])
        return route


@dataclass(frozen=True, slots=True)
class Policy:
    """Every app by its host. A host that is not here has no app: never the first one instead."""

    apps: Mapping[str, App]

    def app_for(self, host: str) -> App:
        """The app that answers at a host.

        Raises:
            MisdirectedError: none does (RFC 9110 section 15.5.20).
        """
        app = self.apps.get(host)
        if app is None:
            raise MisdirectedError(Fault.HOST_UNKNOWN, host=host)
        return app


@dataclass(frozen=True, slots=True)
class Allow:
    """The request goes on; `session` is whom the application is told about."""

    reason: Reason
    session: Session


@dataclass(frozen=True, slots=True)
class SignInRequired:
    """Nobody is signed in, and the route asks for somebody."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Deny:
    """The request is refused, whoever asks or for this person."""

    reason: Reason


Decision: TypeAlias = Allow | SignInRequired | Deny

_NOBODY = Anonymous()


def decide(app: App, route: Route, session: Session) -> Decision:
    """Decide about one request, on the route that `App.route_for` found for it."""
    match route.access, session:
        case Access.DENY, _:
            return Deny(Reason.ROUTE_DENIED)
        case Access.PUBLIC, _:
            return Allow(Reason.PUBLIC, _NOBODY)
        case Access.OPTIONAL, SignedIn() if session.provider == app.provider:
            return Allow(Reason.OPTIONAL, session)
        case Access.OPTIONAL, _:
            return Allow(Reason.OPTIONAL, _NOBODY)
        case Access.SIGNED_IN, SignedIn() if session.provider == app.provider:
            return Allow(Reason.SIGNED_IN, session)
        case Access.SIGNED_IN, SignedIn():
            return SignInRequired(Reason.OTHER_PROVIDER)
        case _:
            return SignInRequired(Reason.NOT_SIGNED_IN)
