"""Octets to sealed octets under the newest secret, and back under any secret still held.

What is sealed, and what it is bound to, is the caller's affair; nothing here knows where sealed octets are
kept.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.secret import Secret

_SHORTEST_SECRET: Final = 32  # characters
_KEY_LENGTH: Final = 32  # octets: AES-256
_NONCE_LENGTH: Final = 12  # octets: the length that AES-GCM takes as it is (NIST SP 800-38D section 5.2.1.1)
_TAG_LENGTH: Final = 16  # octets
_HASH_LENGTH: Final = 16  # octets; nobody without the secret can look for two values with one hash


class Purpose(StrEnum):
    """What a box is for, as a closed list: two purposes never share a key. The names are part of the keys."""

    SESSION_RECORD = "session-record"
    SESSION_SUMMARY = "session-summary"
    SESSION_INDEX = "session-index"
    SIGN_IN_ATTEMPT = "sign-in-attempt"
    POSTED_RESPONSE = "posted-response"
    LAST_PERSON = "last-person"
    KEPT_FORM = "kept-form"


def version(sealed: bytes) -> bytes:
    """What tells a sealed value from every other under the same key: the beginning of it, its nonce."""
    return sealed[:_NONCE_LENGTH]


@dataclass(frozen=True, slots=True)
class Box:
    """Seals and opens for one purpose (AES-256-GCM, NIST SP 800-38D). Made by `Sealer.box`."""

    _ciphers: tuple[AESGCM, ...] = field(repr=False)

    def seal(self, plain: bytes, *, bound_to: bytes, random: Callable[[int], bytes]) -> bytes:
        """Seal under the newest secret: nonce, ciphertext, tag.

        Args:
            plain: what nobody without the secret may read or change.
            bound_to: where the sealed octets belong; they open nowhere else.
            random: draws that many unpredictable octets. Nonces are drawn, so one key must not seal more than
                2^32 times (NIST SP 800-38D section 8.3); a new secret starts the count again.
        """
        nonce = random(_NONCE_LENGTH)
        return nonce + self._ciphers[0].encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes | None:
        """Return what `seal` was given, or None.

        None for anything else: changed, cut short, empty, sealed under another secret, for another purpose or
        bound to something else. Which of them is nobody's to know.
        """
        if len(sealed) < _NONCE_LENGTH + _TAG_LENGTH:
            return None
        nonce, rest = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, rest, bound_to)
            except InvalidTag:
                continue
        return None


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """Names values so that nobody without a secret can tell or guess them (HMAC, RFC 2104, with SHA-256).

    Made by `Sealer.keyed_hash`. A hash is 22 characters of base64url.
    """

    _keys: tuple[bytes, ...] = field(repr=False)

    def newest(self, value: bytes) -> str:
        """The hash of a value under the newest secret."""
        return _hash(self._keys[0], value)

    def every(self, value: bytes) -> tuple[str, ...]:
        """The hashes of a value, one for each secret still held."""
        return tuple(_hash(key, value) for key in self._keys)


class Sealer:
    """The gateway's secrets, as the maker of boxes.

    Args:
        secrets: newest first. The newest seals, all of them open, so that a new secret ends no session.

    Raises:
        ValueError: there is no secret, or one is shorter than 32 characters.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._secrets = tuple(secret.reveal().encode() for secret in secrets)
        if not self._secrets:
            raise ValueError("at least one secret is needed to seal with")
        if any(len(secret.reveal()) < _SHORTEST_SECRET for secret in secrets):
            raise ValueError(f"a secret to seal with has at least {_SHORTEST_SECRET} characters")

    def __repr__(self) -> str:
        return f"Sealer({len(self._secrets)} secrets)"

    def box(self, purpose: Purpose, *, bits: bytes = b"") -> Box:
        """Derive the keys for one purpose, and for one holder's bits when there are any.

        Args:
            purpose: what is sealed.
            bits: a second secret that the gateway does not keep, such as the bits of a cookie: without them
                the gateway's own secrets open nothing. Or a name, where one key for all of a purpose would
                seal too often. At most 65535 octets.
        """
        return Box(tuple(AESGCM(_derive(secret, purpose, bits)) for secret in self._secrets))

    def keyed_hash(self, purpose: Purpose) -> KeyedHash:
        """Derive the keys that name values for one purpose."""
        return KeyedHash(tuple(_derive(secret, purpose, b"") for secret in self._secrets))


def _derive(secret: bytes, purpose: Purpose, bits: bytes) -> bytes:
    """One key (HKDF, RFC 5869).

    The bits are keying material beside the secret, and no salt: HMAC pads a salt with zeros, so that two
    salts may give one key. Their length goes first, so that no octet can move between them and the secret.
    """
    material = len(bits).to_bytes(2, "big") + bits + secret
    return HKDF(SHA256(), _KEY_LENGTH, salt=None, info=purpose.encode()).derive(material)


def _hash(key: bytes, value: bytes) -> str:
    octets = hmac.digest(key, value, "sha256")[:_HASH_LENGTH]
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
