"""The one decision: a request, its route and its session to one of four answers, with the Reason.

Proxying, WebSocket upgrades and forward-auth ask the same function and only answer differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from gateway.access.hints import Hints
from gateway.access.paths import PathPattern
from gateway.access.readings import Path
from gateway.access.requirements import NOTHING_REQUIRED, Reason, Requirement
from gateway.errors import Fault, RequestError
from gateway.sessions.session import ANONYMOUS, Session, SignedIn


class Access(StrEnum):
    """What a route asks for."""

    PUBLIC = "public"  # open to everybody; the application is told nothing about the person
    OPTIONAL = "optional"  # open to everybody; who is signed in is told
    SIGNED_IN = "signed-in"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One rule of an app: which requests it is about, and what it asks for.

    Args:
        place: where it stands in the settings, such as `apps[0].routes[2]`.
        path: the paths it is about, percent-decoded.
        methods: the methods it is about, None for all. GET includes HEAD.
        access: what it asks for.
        require: what it asks of the person who is signed in.
        refusal: the administrator's sentence for people whom it refuses; None for the usual ones.
        hints: what a sign-in for it suggests to the provider.
        shadow: whether people whom it would refuse pass all the same, so that it can be tried.
        silent: whether a browser is asked once, without a word, if its person is signed in at the provider.
    """

    place: str
    path: PathPattern
    methods: frozenset[str] | None = None
    access: Access = Access.SIGNED_IN
    require: Requirement = NOTHING_REQUIRED
    refusal: str | None = None
    hints: Hints = field(default_factory=dict, hash=False)
    shadow: bool = False
    silent: bool = False

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of assurance that a sign-in for it must reach; empty for any, and where it is tried."""
        return () if self.shadow else self.require.levels

    def matches(self, path: str, method: str) -> bool:
        """Tell whether a request with this path, read as written, is about this route."""
        return self.path.covers(path) and self.covers_method(method)

    def matches_folded(self, path: str, method: str) -> bool:
        """The same for a case-folded path."""
        return self.path.folded.covers(path) and self.covers_method(method)

    @property
    def wants_session(self) -> bool:
        """Whether the decision, or the application, wants to know who asks."""
        return self.access in {Access.OPTIONAL, Access.SIGNED_IN}

    def covers_method(self, method: str) -> bool:
        """Tell whether the route is about requests with this method."""
        if self.methods is None or method in self.methods:
            return True
        return method == "HEAD" and "GET" in self.methods


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One application behind the gateway, as the policy knows it.

    Args:
        name: the settings' name of it.
        host: the host it answers at, in lower case, without port.
        provider: the settings' name of the provider that signs its people in.
        routes: its rules; the first match decides.
        fallback: what decides when no rule matches.
        link_hints: the hints that a link to the sign-in may carry.
        assurance: claims that the ID token should have about how people were authenticated.
    """

    name: str
    host: str
    provider: str
    routes: tuple[Route, ...]
    fallback: Route
    link_hints: frozenset[str] = frozenset()
    assurance: tuple[str, ...] = ()

    def route_for(self, path: Path, method: str) -> Route:
        """The route that decides about a request.

        Raises:
            RequestError: target-ambiguous, when two readings of the path fall under different routes.
        """
        route = next((r for r in self.routes if r.matches(path.decoded, method)), self.fallback)
        # A path without other readings is its own case-folding, which a rule with capitals may be about.
        plain = frozenset({path.decoded}) if any(r.path.folds for r in self.routes) else frozenset()
        for other in path.others or plain:
            rival = next((r for r in self.routes if r.matches_folded(other, method)), self.fallback)
            if rival is not route:
                raise RequestError(Fault.TARGET_AMBIGUOUS, routes=[route.place, rival.place])
        return route


@dataclass(frozen=True, slots=True)
class Allow:
    """The request goes on; `session` is whom the application is told about.

    `shadowed` is why the route would refuse it, if it were not in shadow mode.
    """

    reason: Reason
    session: Session
    shadowed: Reason | None = None


@dataclass(frozen=True, slots=True)
class SignInRequired:
    """Nobody is signed in, and the route asks for somebody; with a level of assurance among `acr`, if any."""

    reason: Reason
    acr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepUpRequired:
    """`session` is somebody's; one of the levels of assurance in `acr` is all that is missing (RFC 9470)."""

    reason: Reason
    acr: tuple[str, ...]
    session: SignedIn


@dataclass(frozen=True, slots=True)
class Deny:
    """The request is refused, whoever asks or for this person."""

    reason: Reason


Decision: TypeAlias = Allow | SignInRequired | StepUpRequired | Deny


def decide(app: App, route: Route, session: Session) -> Decision:
    """Decide about one request, on the route that `App.route_for` found for it."""
    match route.access, session:
        case Access.DENY, _:
            return Deny(Reason.ROUTE_DENIED)
        case Access.PUBLIC, _:
            return Allow(Reason.PUBLIC, ANONYMOUS)
        case Access.OPTIONAL, SignedIn() if session.provider == app.provider:
            return Allow(Reason.OPTIONAL, session)
        case Access.OPTIONAL, _:
            return Allow(Reason.OPTIONAL, ANONYMOUS)
        case Access.SIGNED_IN, SignedIn() if session.provider == app.provider:
            return _decide_about(session, route)
        case Access.SIGNED_IN, SignedIn():
            return SignInRequired(Reason.OTHER_PROVIDER, route.levels)
        case _:
            return SignInRequired(Reason.NOT_SIGNED_IN, route.levels)


def _decide_about(session: SignedIn, route: Route) -> Decision:
    reasons = route.require.unmet(session.claims)
    if not reasons or route.shadow:
        return Allow(Reason.SIGNED_IN, session, shadowed=next(iter(reasons), None))
    levels = route.require.levels_that_would_do(session.claims)
    return StepUpRequired(Reason.ACR_TOO_LOW, levels, session) if levels else Deny(reasons[0])
