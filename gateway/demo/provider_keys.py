"""The look-alike provider's signing keys: one RSA and one EC key, published as a JWKS, and replaceable.

Which claims are signed is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

RSA_BITS = 2048

Claims: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One RS256 key and one ES256 key, each with its thumbprint (RFC 7638) as `kid`."""

    rs256: RSAKey
    es256: ECKey

    @classmethod
    def generate(cls) -> KeyPair:
        """New keys from the system's randomness; slow enough (RSA) to be made once and shared by tests."""
        return cls(
            RSAKey.generate_key(RSA_BITS, {"alg": "RS256", "use": "sig"}, auto_kid=True),
            ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True),
        )


class SigningKeys:
    """What signs now, and what is still published.

    Args:
        current: the pair to begin with.
    """

    def __init__(self, current: KeyPair) -> None:
        self._published = [current]

    def rotate(self, new: KeyPair, *, keep_old: bool) -> None:
        """Sign with `new` from now on; the pairs before it stay published only when `keep_old`."""
        self._published = [new, *(self._published if keep_old else [])]

    def jwks(self) -> Mapping[str, Any]:
        """The public keys as a JWK Set (RFC 7517 section 5), newest pair first."""
        return {"keys": [key.as_dict(private=False) for key in self._keys()]}

    def sign(self, claims: Claims, *, alg: str, client_secret: str) -> str:
        """A JWT, with `kid` in its header unless `alg` is HS256, whose key is the client's secret."""
        if alg == "HS256":
            return jwt.encode({"alg": alg}, claims, OctKey.import_key(client_secret), algorithms=[alg])
        newest = self._published[0]
        key = newest.es256 if alg == "ES256" else newest.rs256
        return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])

    def read(self, token: str, *, alg: str, client_secret: str) -> Claims | None:
        """The claims of a JWT that these keys, or that secret, signed with `alg`; None for any other text."""
        keys = OctKey.import_key(client_secret) if alg == "HS256" else KeySet(self._keys())
        try:
            return jwt.decode(token, keys, algorithms=[alg]).claims
        except (JoseError, ValueError):
            return None

    def _keys(self) -> list[Any]:
        return [key for pair in self._published for key in (pair.rs256, pair.es256)]
