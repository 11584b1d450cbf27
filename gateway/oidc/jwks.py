"""A provider's key set: which keys are usable, which one verifies a token, and when the set is fetched again.

Verifying itself is `oidc.jws`'s affair. Nothing a key refers to (`x5u`) is ever fetched.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.util import base64_to_int

from gateway.errors import Fault
from gateway.oidc.answer import Answer, json_body, require_success
from gateway.oidc.checks import require
from gateway.oidc.client import SigningAlg
from gateway.secret import Secret

VerificationKey: TypeAlias = RSAKey | ECKey | OctKey

_TYPES: Final = frozenset({"application/json", "application/jwk-set+json"})  # RFC 7517 section 8.5
_MOST_KEYS: Final = 100
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 section 6
_RSA_BITS: Final = range(2048, 8193)  # RFC 7518 section 3.3; above, verifying costs more than a sign-in may
_RSA_EXPONENT_BITS: Final = 64

# The key type of each algorithm, RFC 7518 section 3.1.
_KEY_TYPES: Final[Mapping[SigningAlg, str]] = {
    SigningAlg.RS256: "RSA",
    SigningAlg.PS256: "RSA",
    SigningAlg.ES256: "EC",
}


class Unusable(StrEnum):
    """Why a member of the set is passed over (RFC 7517 section 5)."""

    MALFORMED = "malformed"
    TYPE = "type"
    PRIVATE = "private"
    USE = "use"
    KEY_OPS = "key-ops"
    SIZE = "size"
    EXPONENT = "exponent"
    CURVE = "curve"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKey:
    """A usable key, and what the provider says it is for."""

    kid: str | None
    alg: str | None
    key: VerificationKey = field(repr=False)

    def fits(self, alg: SigningAlg) -> bool:
        """Whether type and `alg` allow it to verify this algorithm."""
        return self.key.key_type == _KEY_TYPES[alg] and self.alg in {None, alg.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedKey:
    """A key that is never used, and why."""

    kid: str | None
    why: Unusable


@dataclass(frozen=True, slots=True)
class KeySet:
    """A checked key set: its members in their order."""

    members: tuple[PublishedKey | SkippedKey, ...]

    def named(self, kid: str | None) -> list[PublishedKey | SkippedKey]:
        """The members that a token may mean: those of this `kid`, or all when it names none."""
        return [key for key in self.members if kid in {None, key.kid}]


def check_key_set(answer: Answer) -> KeySet:
    """Read a key set; what is unusable in it is skipped (RFC 7517 section 5).

    Raises:
        ProviderError: keys-malformed, for anything but a JSON object with 1 to 100 keys.
    """
    require_success(answer, Fault.KEYS_MALFORMED, redirect=Fault.KEYS_MALFORMED)
    members: Any = json_body(answer, Fault.KEYS_MALFORMED, types=_TYPES).get("keys")
    require(isinstance(members, list) and members, Fault.KEYS_MALFORMED, why="no keys")
    require(len(members) <= _MOST_KEYS, Fault.KEYS_MALFORMED, why="too many keys")
    return KeySet(tuple(map(_read, members)))


def choose_key(key_set: KeySet, *, kid: str | None, alg: SigningAlg) -> VerificationKey:
    """The one key that may have signed (OpenID Connect Core 1.0 section 10.1); never just the first.

    Args:
        key_set: what the provider publishes.
        kid: as the token's header names it, if it does.
        alg: the registered algorithm, any but HS256.

    Raises:
        ProviderError: key-unknown, when fetching the set again may help; key-unusable; key-ambiguous.
    """
    named = key_set.named(kid)
    require(named, Fault.KEY_UNKNOWN, alg=alg.value)
    fitting = [key.key for key in named if isinstance(key, PublishedKey) and key.fits(alg)]
    require(fitting, Fault.KEY_UNUSABLE, alg=alg.value, why=sorted(_reasons(named)))
    require(len(fitting) == 1, Fault.KEY_AMBIGUOUS, alg=alg.value, keys=len(fitting))
    return fitting[0]


def hmac_key(client_secret: Secret) -> OctKey:
    """The key of HS256: the octets of the client secret (OpenID Connect Core 1.0 section 10.1)."""
    return OctKey.import_key(client_secret.reveal())


def may_refetch(*, last: int | None, now: int, cooldown: int) -> bool:
    """Whether a token with an unknown key may cause another fetch.

    Args:
        last: when a token last caused one, in Unix seconds; None if never.
        now: Unix seconds.
        cooldown: seconds between two.
    """
    return last is None or not last <= now < last + cooldown


def _reasons(keys: Iterable[PublishedKey | SkippedKey]) -> set[str]:
    return {key.why.value if isinstance(key, SkippedKey) else "alg" for key in keys}


def _read(member: Any) -> PublishedKey | SkippedKey:  # noqa: ANN401 - whatever JSON held
    if not isinstance(member, dict):
        return SkippedKey(kid=None, why=Unusable.MALFORMED)
    kid = member.get("kid")
    if isinstance(kid, str | None) and isinstance(member.get("alg"), str | None):
        read = _unusable(member) or _import(member)
    else:
        read = Unusable.MALFORMED
    if isinstance(read, Unusable):
        return SkippedKey(kid=kid if isinstance(kid, str) else None, why=read)
    return PublishedKey(kid=kid, alg=member.get("alg"), key=read)


def _unusable(member: Mapping[str, Any]) -> Unusable | None:
    if member.get("kty") not in ("RSA", "EC"):  # a tuple: the member may be of any type
        return Unusable.TYPE
    if not _PRIVATE_MEMBERS.isdisjoint(member):
        return Unusable.PRIVATE
    if member.get("use", "sig") != "sig":
        return Unusable.USE
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return Unusable.KEY_OPS
    return None


def _import(member: Mapping[str, Any]) -> VerificationKey | Unusable:
    try:
        return _import_rsa(member) if member["kty"] == "RSA" else _import_ec(member)
    except (JoseError, KeyError, TypeError, ValueError, binascii.Error):
        return Unusable.MALFORMED


def _import_rsa(member: Mapping[str, Any]) -> RSAKey | Unusable:
    numbers = {name: member[name] for name in ("n", "e")}
    modulus, exponent = (base64_to_int(number) for number in numbers.values())
    if modulus.bit_length() not in _RSA_BITS:
        return Unusable.SIZE
    if exponent == 1 or exponent % 2 == 0 or exponent.bit_length() > _RSA_EXPONENT_BITS:
        return Unusable.EXPONENT
    return RSAKey.import_key({"kty": "RSA", **numbers})


def _import_ec(member: Mapping[str, Any]) -> ECKey | Unusable:
    if member["crv"] != "P-256":
        return Unusable.CURVE
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": member["x"], "y": member["y"]})
