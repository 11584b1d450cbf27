"""A compact JWS to the JSON object it signs: header, one pinned algorithm, signature, and then the payload.

Which key is tried is `oidc.jwks`'s affair; what the claims must say, that of the modules for their kind.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, deserialize_compact
from joserfc.util import urlsafe_b64decode

from gateway.errors import Fault, ProviderError
from gateway.oidc.answer import json_object
from gateway.oidc.checks import require, shown
from gateway.oidc.client import SigningAlg
from gateway.oidc.jwks import VerificationKey
from gateway.secret import Secret

_LONGEST: Final = 1 << 17  # characters
_LONGEST_HEADER: Final = 1 << 15  # characters
_LONGEST_SIGNATURE: Final = 1 << 11  # characters
_PART: Final = re.compile(r"[A-Za-z0-9_-]*")  # RFC 7515 section 2: base64url without padding

# Keys and extensions that the signer would choose for us: RFC 7515 sections 4.1.2 to 4.1.6 and 4.1.11,
# RFC 7797, RFC 7516 section 4.1.3. The thumbprints of sections 4.1.7 and 4.1.8 are only names.
_REFUSED_HEADERS: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What sort of JWS is expected, as the faults of one that is not.

    Args:
        malformed: not a JWS, or no JSON inside.
        header: a header that chooses keys or extensions.
        type: another `typ` than one of `types`, in lower case.
        alg: another algorithm than the registered one.
        signature: a signature that does not hold.
        types: the media types it may have (RFC 8725 section 3.11).
    """

    malformed: Fault
    header: Fault
    type: Fault
    alg: Fault
    signature: Fault
    types: frozenset[str] = frozenset({"jwt"})


ID_TOKEN: Final = Kind(
    malformed=Fault.ID_TOKEN_MALFORMED,
    header=Fault.ID_TOKEN_HEADER,
    type=Fault.ID_TOKEN_TYPE,
    alg=Fault.ID_TOKEN_ALG,
    signature=Fault.ID_TOKEN_SIGNATURE,
)
USERINFO: Final = Kind(
    malformed=Fault.USERINFO_MALFORMED,
    header=Fault.USERINFO_SIGNATURE,
    type=Fault.USERINFO_TYPE,
    alg=Fault.USERINFO_SIGNATURE,
    signature=Fault.USERINFO_SIGNATURE,
)
LOGOUT_TOKEN: Final = Kind(
    malformed=Fault.LOGOUT_MALFORMED,
    header=Fault.LOGOUT_SIGNATURE,
    type=Fault.LOGOUT_CLAIMS,
    alg=Fault.LOGOUT_SIGNATURE,
    signature=Fault.LOGOUT_SIGNATURE,
    # Back-Channel Logout 1.0 section 2.4; providers older than its last version say "JWT", or nothing.
    types=frozenset({"jwt", "logout+jwt", "application/logout+jwt"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJWS:
    """A JWS whose header may be believed as far as choosing a key; its payload not at all."""

    compact: Secret
    kind: Kind
    alg: SigningAlg
    kid: str | None = field(repr=False)


def read_jws(compact: Secret, *, kind: Kind, alg: SigningAlg) -> UnverifiedJWS:
    """Check the form and the header of a compact JWS (RFC 7515 section 5.2, RFC 8725 section 3).

    Args:
        compact: as it came.
        kind: what it should be.
        alg: the registered algorithm: the header must name it and cannot choose another.

    Raises:
        ProviderError: with the faults of `kind`.
    """
    text = compact.reveal()
    require(len(text) <= _LONGEST, kind.malformed, why="too long")
    parts = text.split(".")
    require(len(parts) == 3, kind.malformed, why="parts", parts=len(parts))  # noqa: PLR2004 - RFC 7515 section 7.1
    require(all(_PART.fullmatch(part) for part in parts), kind.malformed, why="characters")
    require(len(parts[0]) <= _LONGEST_HEADER, kind.malformed, why="header too long")
    require(len(parts[2]) <= _LONGEST_SIGNATURE, kind.malformed, why="signature too long")
    header = json_object(_octets(parts[0], kind), kind.malformed)
    require(header.get("alg") == alg.value, kind.alg, expected=alg.value, got=shown(header.get("alg")))
    require(_REFUSED_HEADERS.isdisjoint(header), kind.header, names=sorted(_REFUSED_HEADERS & header.keys()))
    require(_is_of(header, kind), kind.type, got=shown(header.get("typ")))
    require(isinstance(header.get("kid", ""), str), kind.header, names=["kid"])
    _octets(parts[1], kind)
    return UnverifiedJWS(compact=compact, kind=kind, alg=alg, kid=header.get("kid"))


def verify_jws(jws: UnverifiedJWS, key: VerificationKey) -> dict[str, Any]:
    """Verify the signature, and only then read the payload.

    Raises:
        ProviderError: the signature does not hold, or the payload is not a strict JSON object.
    """
    registry = JWSRegistry(algorithms=[jws.alg.value], strict_check_header=False)
    registry.max_header_length = _LONGEST_HEADER
    registry.max_payload_length = _LONGEST
    registry.max_signature_length = _LONGEST_SIGNATURE
    try:
        verified = deserialize_compact(jws.compact.reveal(), key, registry=registry)
    except (JoseError, ValueError):
        raise ProviderError(jws.kind.signature, alg=jws.alg.value) from None
    return json_object(verified.payload, jws.kind.malformed)


def kept_claims(compact: Secret) -> dict[str, Any]:
    """The payload of a token that was verified when it came, and that nobody could change since."""
    return json_object(urlsafe_b64decode(compact.reveal().split(".")[1].encode()), Fault.ID_TOKEN_MALFORMED)


def _octets(part: str, kind: Kind) -> bytes:
    try:
        return urlsafe_b64decode(part.encode())
    except binascii.Error:
        raise ProviderError(kind.malformed, why="base64url") from None


def _is_of(header: Mapping[str, Any], kind: Kind) -> bool:
    """RFC 8725 section 3.11: no other kind of JWT passes; `typ` is a media type, in any case."""
    typ = header.get("typ", "JWT")
    return isinstance(typ, str) and typ.lower() in kind.types
