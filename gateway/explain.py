"""What the gateway would decide about a request, in an administrator's words; nothing is opened or sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from multidict import CIMultiDict
from yarl import URL

from gateway.access.identity import IdentityFields
from gateway.access.policy import Allow, Deny, SignInRequired, decide
from gateway.access.request import TrustedProxies, host_of
from gateway.access.request import read_request as read
from gateway.adapters import policy_of
from gateway.errors import GatewayError
from gateway.secret import Secret
from gateway.sessions.session import ANONYMOUS, Session, SignedIn
from gateway.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision in words.

    Args:
        lines: what was looked at and what came of it, a name and a text each.
        fields: the identity fields that the application would get.
    """

    lines: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...] = ()


def explain(settings: Settings, *, method: str, url: str, claims: Mapping[str, Any] | None) -> Explanation:
    """Decide about one request as the gate would.

    Args:
        settings: the settings.
        method: its method.
        url: as the browser shows it, or a request target alone for the host of `public_url`.
        claims: the claims of the person who is signed in, None for nobody.
    """
    authority, target = _split(url, str(settings.gateway.public_url))
    lines = [("request", f"{method} {target} at {authority}")]
    try:
        asked = read(
            method=method,
            target=target,
            fields=CIMultiDict({"Host": authority, "Sec-Fetch-Mode": "navigate"}),
            peer=None,
            scheme=settings.gateway.public_url.scheme,
            proxies=TrustedProxies(),
        )
        app = policy_of(settings).app_for(asked.host)
        route = app.route_for(asked.path, method)
    except GatewayError as error:
        facts = ", ".join(f"{name}: {value}" for name, value in error.facts.items())
        lines.append(("decision", f"{error.status} {error.fault.value}" + (f" ({facts})" if facts else "")))
        return Explanation(tuple(lines))
    given = next(a for a in settings.apps if a.name == app.name)
    session = _session(claims, host=app.host, provider=app.provider)
    decision = decide(app, route, session)
    lines += [
        ("app", f"{app.name}, forwarded to {given.upstream}"),
        ("path", asked.path.decoded),
        ("rule", f"{route.place}: access = {route.access.value}"),
        ("person", session.sub if isinstance(session, SignedIn) else "nobody"),
    ]
    match decision:
        case Allow(reason, told):
            lines.append(("decision", f"allow ({reason.value})"))
            if isinstance(told, SignedIn):
                identity = IdentityFields(encoding=given.encoding, remote_user=given.remote_user)
                written = identity.fields(told.claims)
                return Explanation(tuple(lines), tuple((n.decode(), v.decode("latin-1")) for n, v in written))
        case SignInRequired(reason):
            answer = "the sign-in page" if given.sign_in == "page" else "302 to the provider"
            lines.append(
                ("decision", f"sign-in required ({reason.value}): {answer}; 401 to anything but a page")
            )
        case Deny(reason):
            lines.append(("decision", f"deny ({reason.value}): 403"))
        case other:
            assert_never(other)
    return Explanation(tuple(lines))


def _split(url: str, public_url: str) -> tuple[str, str]:
    """The authority and the request target of a URL, the target byte for byte."""
    if url.startswith("/"):
        return URL(public_url).authority, url
    _, _, rest = url.partition("://")
    end = min((rest.find(c) for c in "/?" if c in rest), default=len(rest))
    target = rest[end:] if rest[end : end + 1] == "/" else "/" + rest[end:]
    host_of(rest[:end])
    return rest[:end], target


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
