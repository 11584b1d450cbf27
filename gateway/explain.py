"""What the gateway would decide about a request, in an administrator's words; nothing is opened or sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, assert_never
from urllib.parse import quote

from multidict import CIMultiDict

from gateway.access.identity import Encoding, IdentityFields
from gateway.access.policy import Allow, Decision, Deny, Route, SignInRequired, StepUpRequired, decide
from gateway.access.policy import App as RulesOfApp
from gateway.access.request import AccessRequest, TrustedProxies, read_request
from gateway.access.requirements import Answer
from gateway.adapters import policy_of
from gateway.errors import GatewayError
from gateway.proxy.framing import check_request
from gateway.proxy.target import read_target
from gateway.secret import Secret
from gateway.sessions.session import ANONYMOUS, Session, SignedIn
from gateway.settings.model import App, Settings

_URL: Final = re.compile(r"(?:https?://(?P<authority>[^/?#]*))?(?P<target>(?:[/?][^#]*)?)(?:#.*)?", re.DOTALL)
_SENT_AS_IS: Final = "".join(map(chr, range(0x21, 0x7F)))  # a browser percent-encodes all else
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
class _Head:
    """The head of the request that a browser would send."""

    method: str
    raw_headers: tuple[tuple[bytes, bytes], ...]
    version: tuple[int, int] = (1, 1)


def explain(settings: Settings, *, method: str, url: str, claims: Mapping[str, Any] | None) -> Explanation:
    """Decide about one request as the gate would.

    Args:
        settings: the settings.
        method: its method.
        url: as the browser shows it, or a path alone for the host of `public_url`.
        claims: the claims of the person who is signed in, None for nobody.

    Raises:
        ValueError: `url` is neither a URL nor a path.
    """
    authority, target = _split(url, settings)
    lines = [("request", f"{method} {target} at {authority}")]
    try:
        asked = _read(settings, method=method, authority=authority, target=target)
        rules = policy_of(settings).app_for(asked.host)
        own = settings.gateway.path
        if asked.path.any_starts_with(own):
            lines.append(("decision", f"{own} is the gateway's own: no application gets it"))
            return Explanation(tuple(lines))
        route = rules.route_for(asked.path, method)
    except GatewayError as error:
        facts = ", ".join(f"{name}: {_listed(value)}" for name, value in error.facts.items())
        lines.append(
            ("decision", f"refused ({error.fault.value}): {error.status}" + (f"; {facts}" if facts else ""))
        )
        return Explanation(tuple(lines))
    app = next(app for app in settings.apps if app.name == rules.name)
    session = _session(claims, host=rules.host, provider=rules.provider)
    decision = decide(rules, route, session)
    lines += [
        ("app", f"{app.name}, forwarded to {app.upstream}"),
        ("rule", _rule(rules, route)),
        ("person", session.sub if isinstance(session, SignedIn) else "nobody"),
        *_requirements(route, session),
        ("decision", _in_words(decision, app, asked)),
    ]
    if not isinstance(decision, Allow):
        return Explanation(tuple(lines))
    told = decision.session
    fields = _fields(app, told) if isinstance(told, SignedIn) else ()
    if not fields:
        lines.append(("fields", "none: the application is told of nobody"))
    return Explanation(tuple(lines), fields)


def _split(url: str, settings: Settings) -> tuple[str, str]:
    """The authority and the request target that a browser sends for a URL."""
    match = _URL.fullmatch(url)
    if match is None or not url:
        raise ValueError("give a URL such as https://host/path, or a path such as /path")
    public = str(settings.gateway.public_url).partition("://")[2]
    authority = public if match["authority"] is None else match["authority"].rpartition("@")[2]
    target = quote(match["target"], safe=_SENT_AS_IS)
    return authority, target if target.startswith("/") else f"/{target}"


def _read(settings: Settings, *, method: str, authority: str, target: str) -> AccessRequest:
    """What `Sites.read` makes of the request."""
    check_request(_Head(method, ((b"Host", authority.encode()),)))
    return read_request(
        method=method,
        target=read_target(target, method=method, host=authority),
        fields=CIMultiDict({"Host": authority, "Sec-Fetch-Mode": "navigate"}),
        peer=None,
        scheme=settings.gateway.public_url.scheme,
        proxies=TrustedProxies(),
    )


def _rule(rules: RulesOfApp, route: Route) -> str:
    if route is rules.fallback:
        return f"{route.place}: {route.access.value}"
    methods = f"{', '.join(sorted(route.methods))} " if route.methods else ""
    below = "" if route.path.exact else " and below"
    return f"{route.place}: {methods}{route.path.text}{below} is {route.access.value}"


def _requirements(route: Route, session: Session) -> Iterator[tuple[str, str]]:
    """Each condition of the rule: what it asks for, what it saw in the person's claims, whether it holds."""
    claims = session.claims if isinstance(session, SignedIn) else {}
    for found in route.require.findings(claims):
        asks = f"{found.place} = {' or '.join(found.condition.values)}"
        if isinstance(session, SignedIn):
            nothing = "nothing" if claims.get(found.condition.claim) is None else "nothing it can compare"
            saw = ", ".join(found.saw) or nothing
            asks += f"; saw {saw}: {(_EXCLUDES if found.excludes else _HOLDS)[found.answer]}"
        yield "requires", asks


def _in_words(decision: Decision, app: App, asked: AccessRequest) -> str:
    match decision:
        case Allow(reason):
            return f"allow ({reason.value})"
        case SignInRequired(reason) | StepUpRequired(reason):
            at_once = app.sign_in == "redirect" or isinstance(decision, StepUpRequired)
            page = "303 to the provider" if at_once else "401 with the sign-in page"
            answer = f"{page}; a script's request gets 401" if asked.navigation else "401"
            kind = "sign-in" if isinstance(decision, SignInRequired) else "step-up"
            levels = f" with acr {' or '.join(decision.acr)}" if decision.acr else ""
            return f"{kind} required{levels} ({reason.value}): {answer}"
        case Deny(reason):
            return f"deny ({reason.value}): 403"
        case other:
            assert_never(other)


def _fields(app: App, person: SignedIn) -> tuple[tuple[str, str], ...]:
    identity = IdentityFields(encoding=app.encoding, remote_user=app.remote_user)
    charset = _READ_AS.get(app.encoding, "latin-1")
    return tuple((name.decode(), value.decode(charset)) for name, value in identity.fields(person.claims))


def _session(claims: Mapping[str, Any] | None, *, host: str, provider: str) -> Session:
    if claims is None:
        return ANONYMOUS
    return SignedIn(
        id="explain",
        host=host,
        provider=provider,
        claims=claims,
        id_token=Secret(""),
        signed_in_at=0,
        last_seen=0,
    )


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
