"""The client's own keys: what it proves itself with at a provider, and the public half that it publishes.

How the keys get here is the settings' affair, and what is signed with them that of `oidc.client_auth`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.secret import Secret

SigningKey: TypeAlias = RSAKey | ECKey

KEY_ALGS: Final[Mapping[str, tuple[str, ...]]] = {"EC": ("ES256",), "RSA": ("RS256", "PS256")}
"""What a key of each type can sign with, the usual algorithm first (RFC 7518 section 3.1)."""

_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]*)-----\s.*?-----END \1-----", re.DOTALL)  # RFC 7468 section 2
_PRIVATE: Final = frozenset({"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"})
_RSA_BITS: Final = range(2048, 8193)  # RFC 7518 section 3.3


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """Key pairs: the first signs, all of them are published.

    So a new key is first added at the end, goes to the front once the provider has read the key set again,
    and the old one is taken away after that.
    """

    _keys: tuple[SigningKey, ...] = field(repr=False)

    @property
    def algs(self) -> tuple[str, ...]:
        """What the first key can sign with, the usual algorithm first; nothing without a key."""
        return KEY_ALGS[self._keys[0].key_type] if self._keys else ()

    def sign(self, claims: Mapping[str, object], alg: str) -> Secret:
        """A JWT of the first key, which is named by its thumbprint (RFC 7638).

        Args:
            claims: what it says.
            alg: one of `algs`.
        """
        key = self._keys[0]
        header = {"alg": alg, "kid": key.thumbprint()}
        return Secret(jwt.encode(header, dict(claims), key, algorithms=[alg]))

    def published(self) -> dict[str, Any]:
        """The public halves as a JWK Set (RFC 7517 section 5)."""
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig"} for key in self._keys
            ]
        }


NO_KEYS: Final = ClientKeys(())
"""Of a client that has a secret instead."""


def read_client_keys(text: str) -> ClientKeys:
    """Read private keys in PEM, one after the other; whatever stands between them is passed over.

    Raises:
        ValueError: there is none, or one cannot be used; the text says why and shows nothing of a key.
    """
    found = [(match[1], match[0]) for match in _PEM.finditer(text)]
    if any("ENCRYPTED" in pem for _, pem in found):
        raise ValueError("must be without a passphrase")
    keys = tuple(_read(pem) for label, pem in found if label in _PRIVATE)
    if not keys:
        raise ValueError("must be a private key in PEM")
    if len({key.thumbprint() for key in keys}) < len(keys):
        raise ValueError("holds a key twice")
    return ClientKeys(keys)


def _read(pem: str) -> SigningKey:
    unusable = ValueError("must be a P-256 key, or an RSA key of at least 2048 bits")
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise unusable from None
    match key:
        case EllipticCurvePrivateKey(curve=SECP256R1()):
            return ECKey.import_key(pem)
        case RSAPrivateKey(key_size=size) if size in _RSA_BITS:
            return RSAKey.import_key(pem)
        case _:
            raise unusable
