"""What the gateway would decide about a request, in an administrator's words; nothing is opened or sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

from gateway.access.hosts import ByHost
from gateway.access.identity import Encoding
from gateway.access.policy import Access, Allow, Decision, Deny, Route, SignInRequired, StepUpRequired, decide
from gateway.access.policy import App as RulesOfApp
from gateway.access.prefixes import ByPrefix
from gateway.access.request import AccessRequest, host_of
from gateway.access.requirements import Answer
from gateway.access.sign_out_paths import sign_out_path, signs_out
from gateway.adapters import rules_of_apps
from gateway.errors import Fault, GatewayError, MisdirectedError, RequestError
from gateway.proxy.target import without_prefix
from gateway.secret import Secret
from gateway.sessions.session import ANONYMOUS, Session, SignedIn
from gateway.settings.model import App, Settings
from gateway.settings.upstreams import UpstreamBelow
from gateway.shown_url import read_shown
from gateway.upstreams import identity_of

_HOLDS: Final = {Answer.YES: "holds", Answer.NO: "does not hold", Answer.ABSENT: "does not hold"}
_EXCLUDES: Final = {Answer.YES: "agrees", Answer.NO: "differs", Answer.ABSENT: "cannot be told from it"}
_READ_AS: Final = {Encoding.UTF_8: "utf-8"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision in words.

    Args:
        lines: what was looked at and what came of it, a name and a text each.
        fields: the identity fields that the application would get, as it would read their octets.
    """

    lines: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in.

    Args:
        claims: what is known of them.
        host: where their session counts; None for every host.
        whole: whether there is no more than that.
    """

    claims: Mapping[str, Any]
    host: str | None = None
    whole: bool = True

    def knows(self, claim: str) -> bool:
        """Tell whether it can be said what a claim is, and be it that there is none."""
        return self.whole or claim in self.claims


def explain(settings: Settings, *, method: str, url: str, person: Person | None) -> Explanation:
    """Decide about one request as the gate would.

    Args:
        settings: the settings.
        method: its method.
        url: as the browser shows it, or a path alone for the host of `public_url`.
        person: who is signed in, None for nobody.

    Raises:
        ValueError: `url` is neither a URL nor a path.
    """
    shown = read_shown(url, public_url=settings.gateway.public_url)
    lines = [("request", f"{method} {shown.target} at {shown.authority}")]
    try:
        asked = shown.asked(method, scheme=settings.gateway.public_url.scheme)
        rules = _by_host(settings).get(asked.host)
        if rules is None:
            raise MisdirectedError(Fault.HOST_UNKNOWN, host=asked.host)
        own = settings.gateway.path
        if asked.path.any_starts_with(own):
            lines.append(("decision", f"{own} is the gateway's own: no application gets it"))
            return Explanation(tuple(lines))
        route = rules.route_for(asked.path, method)
        app = next(app for app in settings.apps if app.name == rules.name)
        leaves = signs_out(map(sign_out_path, app.sign_out_paths), asked)
        forwarded = _forwarded(app, asked)
    except GatewayError as error:
        facts = ", ".join(f"{name}: {_listed(value)}" for name, value in error.facts.items())
        lines.append(
            ("decision", f"refused ({error.fault.value}): {error.status}" + (f"; {facts}" if facts else ""))
        )
        return Explanation(tuple(lines))
    if person is not None and person.host not in {None, rules.host}:
        lines.append(("session", f"counts at {person.host} alone"))
        person = None
    session = _session(person, host=rules.host, provider=rules.provider)
    decision = decide(rules, route, session)
    lines += [
        ("app", f"{app.name}, forwarded to {forwarded}"),
        ("rule", _rule(rules, route)),
    ]
    if leaves:
        lines.append(("sign-out", "the application's own: it ends the session here and at the provider"))
    lines += [
        ("person", session.sub if isinstance(session, SignedIn) else "nobody"),
        *_requirements(route, session, person),
    ]
    sealed = _sealed(route, person)
    if sealed and route.access is Access.SIGNED_IN:
        lines.append(("decision", f"depends on {', '.join(sealed)}, which its browser's cookie alone opens"))
        return Explanation(tuple(lines))
    lines.append(("decision", _in_words(decision, app, asked, leaves=leaves)))
    if not isinstance(decision, Allow):
        return Explanation(tuple(lines))
    told = decision.session
    fields = _fields(app, told) if isinstance(told, SignedIn) else ()
    if fields and person is not None and not person.whole:
        lines.append(("besides", "further fields, of claims that its browser's cookie alone opens"))
    if not fields:
        lines.append(("fields", "none: the application is told of nobody"))
    return Explanation(tuple(lines), fields)


def answers_at(settings: Settings, url: str) -> bool:
    """Tell whether an app answers at the host of a URL; also if nobody can tell which host that is.

    Raises:
        ValueError: `url` is neither a URL nor a path.
    """
    shown = read_shown(url, public_url=settings.gateway.public_url)
    try:
        return _by_host(settings).get(host_of(shown.authority)) is not None
    except RequestError:
        return True


def _by_host(settings: Settings) -> ByHost[RulesOfApp]:
    return ByHost(rules_of_apps(settings), at=lambda app, host: replace(app, host=host))


def _forwarded(app: App, asked: AccessRequest) -> str:
    """Where the request would go, and as what if its path is another there."""
    below = ByPrefix[UpstreamBelow | None](None, {below.path: below for below in app.upstreams}).find(
        asked.path
    )
    addresses = app.upstream if below is None else below.upstream
    if not addresses:
        return "by the front server that asks"
    upstream = " or ".join(map(str, addresses))
    if below is None or not below.strip_prefix:
        return upstream
    return f"{upstream} as {without_prefix(asked.target, below.path.rstrip('/'))}"


def _rule(rules: RulesOfApp, route: Route) -> str:
    if route is rules.fallback:
        return f"{route.place}: {route.access.value}"
    methods = f"{', '.join(sorted(route.methods))} " if route.methods else ""
    below = "" if route.path.exact else " and below"
    return f"{route.place}: {methods}{route.path.text}{below} is {route.access.value}"


def _sealed(route: Route, person: Person | None) -> list[str]:
    """The claims that the rule asks about and nobody can tell."""
    if person is None:
        return []
    asked = {found.condition.claim for found in route.require.findings(person.claims)}
    return sorted(claim for claim in asked if not person.knows(claim))


def _requirements(route: Route, session: Session, person: Person | None) -> Iterator[tuple[str, str]]:
    """Each condition of the rule: what it asks for, what it saw in the person's claims, whether it holds."""
    claims = session.claims if isinstance(session, SignedIn) else {}
    for found in route.require.findings(claims):
        asks = f"{found.place} = {' or '.join(found.condition.values)}"
        if person is not None and not person.knows(found.condition.claim):
            asks += "; cannot be told"
        elif isinstance(session, SignedIn):
            nothing = "nothing" if claims.get(found.condition.claim) is None else "nothing it can compare"
            saw = ", ".join(found.saw) or nothing
            asks += f"; saw {saw}: {(_EXCLUDES if found.excludes else _HOLDS)[found.answer]}"
        yield "requires", asks


def _in_words(decision: Decision, app: App, asked: AccessRequest, *, leaves: bool) -> str:
    match decision:
        case Allow(reason, _, shadowed):
            allowed = f"allow ({reason.value})"
            if shadowed is None:
                return allowed
            return f"{allowed}, in shadow mode; enforced, the rule would refuse ({shadowed.value})"
        case SignInRequired(reason) | StepUpRequired(reason):
            at_once = app.sign_in == "redirect" or isinstance(decision, StepUpRequired)
            page = "303 to the provider" if at_once else "401 with the sign-in page"
            if leaves and isinstance(decision, SignInRequired):
                page = "303 to the page after a sign-out, for nobody signs in to sign out"
            for_a_person = asked.navigation or (leaves and asked.form)
            answer = f"{page}; a script's request gets 401" if for_a_person else "401"
            kind = "sign-in" if isinstance(decision, SignInRequired) else "step-up"
            levels = f" with acr {' or '.join(decision.acr)}" if decision.acr else ""
            return f"{kind} required{levels} ({reason.value}): {answer}"
        case Deny(reason):
            return f"deny ({reason.value}): 403"
        case other:
            assert_never(other)


def _fields(app: App, person: SignedIn) -> tuple[tuple[str, str], ...]:
    charset = _READ_AS.get(app.encoding, "latin-1")
    fields = identity_of(app).fields(person.claims)
    return tuple((name.decode(), value.decode(charset)) for name, value in fields)


def _session(person: Person | None, *, host: str, provider: str) -> Session:
    if person is None:
        return ANONYMOUS
    return SignedIn(
        id="explain",
        host=host,
        provider=provider,
        claims=person.claims,
        id_token=Secret(""),
        signed_in_at=0,
        last_seen=0,
    )


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
