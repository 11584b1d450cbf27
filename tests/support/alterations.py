"""What a hostile provider can say instead of the honest thing: each alteration is one call, a Case one row.

A member or claim is changed to a value, left out as ABSENT, or made of the honest value by a function.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.errors import Fault
from tests.support import honest
from tests.support.honest import ABSENT
from tests.support.hostile import Alteration, Hostile, Said, Wire

__all__ = [
    "ABSENT",
    "HONEST",
    "Case",
    "at_origin",
    "changed",
    "cut",
    "id_token",
    "members",
    "public_key",
    "says",
    "signed_userinfo",
    "stalled",
    "wire",
]

Key: TypeAlias = RSAKey | ECKey | OctKey
Signing: TypeAlias = tuple[str, Key | Callable[[Hostile], Key]]
"""An algorithm and its key, or how the key is made of what the provider has."""

HONESTLY: Signing = ("RS256", lambda provider: provider.keys.rs256)


@dataclass(frozen=True, slots=True)
class Case:
    """One way of being a bad provider, and what becomes of the sign-in.

    Args:
        alteration: what it says.
        fault: what the audit line says.
        status: of the page.
        userinfo: how often userinfo is asked for.
        at: the name of the issuer (`tests.cases.issuers`) that says it.
    """

    alteration: Alteration
    fault: Fault
    status: int = 502
    userinfo: int = 0
    at: str = "usual"


HONEST: Alteration = Alteration("none", lambda said, _: said)
"""Nothing is altered: what is wrong with the issuer is so from the start."""


def at_origin(member: str, name: str) -> Alteration:
    """Metadata with an endpoint at another origin, one of the provider's `origins`."""

    def change(said: Said, provider: Hostile) -> Said:
        document = {**json.loads(said.body), member: f"{provider.origins[name]}/{member}"}
        return replace(said, body=honest.octets(document))

    return Alteration("discovery", change)


def members(endpoint: str, **changes: Any) -> Alteration:
    """A JSON answer with members changed."""
    return Alteration(
        endpoint,
        lambda said, _: replace(said, body=honest.octets(changed(json.loads(said.body), changes))),
    )


def says(endpoint: str, body: object = b"", *, to: str | None = None, **changes: Any) -> Alteration:
    """Another answer: `body` as octets, text, anything else as JSON, or made by a function of the honest one.

    Args:
        endpoint: whose answer.
        body: the content.
        to: where it redirects: a path at the attacker's, or a whole URL.
        changes: `status`, `content_type` and `fields`.
    """

    def change(said: Said, provider: Hostile) -> Said:
        content = body(said.body) if callable(body) else body
        location = f"{provider.attacker}{to}" if to is not None and to.startswith("/") else to
        return replace(said, body=honest.octets(content), location=location, **changes)

    return Alteration(endpoint, change)


def stalled(endpoint: str) -> Alteration:
    """An endpoint that never answers."""
    return Alteration(endpoint, lambda said, _: replace(said, ends="stalled"))


def cut(endpoint: str) -> Alteration:
    """An endpoint that drops the connection."""
    return Alteration(endpoint, lambda said, _: replace(said, ends="cut"))


def wire(endpoint: str, write: Wire) -> Alteration:
    """An endpoint that answers with octets of its own."""
    return Alteration(endpoint, lambda said, _: replace(said, wire=write))


def id_token(
    *,
    signing: Signing = HONESTLY,
    header: Mapping[str, Any] | None = None,
    mangled: Callable[[str], object] | None = None,
    content: Callable[[dict[str, Any]], object] | None = None,
    **claims: Any,
) -> Alteration:
    """An ID token with other claims, signed again.

    Args:
        signing: what it is signed with.
        header: changes to its header; a function gets the provider.
        mangled: what becomes of the signed token.
        content: what is signed instead of the claims.
        claims: changes to its claims.
    """
    again = _Again(signing, header or {}, claims, content)

    def change(said: Said, provider: Hostile) -> Said:
        response = json.loads(said.body)
        signed = again.sign(response["id_token"], provider)
        response["id_token"] = mangled(signed) if mangled else signed
        if isinstance(response["id_token"], str):
            provider.unsaid.add("altered ID token", response["id_token"])
        return replace(said, body=honest.octets(response))

    return Alteration("token", change)


def signed_userinfo(
    *,
    signing: Signing = HONESTLY,
    header: Mapping[str, Any] | None = None,
    mangled: Callable[[str], str] | None = None,
    **claims: Any,
) -> Alteration:
    """A userinfo JWT with other claims, signed again; arguments as for `id_token`."""
    again = _Again(signing, header or {}, claims)

    def change(said: Said, provider: Hostile) -> Said:
        signed = again.sign(said.body.decode(), provider)
        return replace(said, body=honest.octets(mangled(signed) if mangled else signed))

    return Alteration("userinfo", change)


def public_key(view: Callable[[RSAKey], bytes]) -> Callable[[Hostile], OctKey]:
    """The provider's public key as if it were a secret; joserfc itself would not read it as one."""

    def key(provider: Hostile) -> OctKey:
        octets = view(provider.keys.rs256)
        return OctKey(octets, octets)

    return key


def payload(compact: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    part = compact.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@dataclass(frozen=True, slots=True)
class _Again:
    """How a JWT is signed again."""

    signing: Signing
    header: Mapping[str, Any]
    changes: Mapping[str, Any]
    content: Callable[[dict[str, Any]], object] | None = None

    def sign(self, compact: str, provider: Hostile) -> str:
        alg, key = self.signing
        claims = changed(payload(compact), self.changes)
        return honest.signed(
            self.content(claims) if self.content else claims,
            key=key if isinstance(key, RSAKey | ECKey | OctKey) else key(provider),
            alg=alg,
            header={
                name: value(provider) if callable(value) else value for name, value in self.header.items()
            },
        )


def changed(honestly: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is said instead of the honest thing."""
    values = {
        name: value(honestly.get(name)) if callable(value) else value for name, value in changes.items()
    }
    return {name: value for name, value in {**honestly, **values}.items() if value is not ABSENT}
