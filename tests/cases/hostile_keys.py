"""Section B of the hostile provider, keys: one row a variant, each an issuer that is so from the start."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.errors import Fault
from tests.cases import wires
from tests.support import honest
from tests.support.alterations import ABSENT, Case, id_token, says, stalled, wire
from tests.support.hostile import Alteration, Hostile, Said
from tests.support.issuers import Issuer, name_of, patience

JWK: TypeAlias = dict[str, Any]

_SMALL: Final = rsa.generate_private_key(65537, 1024)  # noqa: S505 - so that it is refused
ES256: Final = {"id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "ES256"}
SMALL: Final = RSAKey(_SMALL, _SMALL, {"kid": "small"})  # joserfc itself makes none so short
OTHER: Final = honest.OTHER_RSA
EXPONENT_OF_ONE: Final = honest.base64url(b"\x01")
GARBAGE: Final[list[object]] = [
    {},
    None,
    "text",
    {"kty": "quantum", "kid": "x"},
    {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "y"},
    {"kty": "RSA", "n": "", "e": "", "kid": "z"},
    {"kty": "RSA", "n": 1, "e": [], "kid": 1},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "w"},
]


class Own(NamedTuple):
    """The two public keys that an issuer signs with."""

    rsa: JWK
    ec: JWK


def keys(made: Callable[[Own], list[Any]]) -> Alteration:
    """Another key set, made of the issuer's own."""

    def change(said: Said, _: Hostile) -> Said:
        return replace(said, body=honest.octets({"keys": made(Own(*json.loads(said.body)["keys"]))}))

    return Alteration("jwks", change)


def public(key: RSAKey | ECKey, **changes: Any) -> JWK:
    return {**key.as_dict(private=False), **changes}


def secret(kid: str) -> JWK:
    """What an attacker would sign with, published as if it were a key to verify with."""
    return {"kty": "oct", "k": honest.base64url(b"x" * 32), "kid": kid}


def another(fault: Fault, made: Callable[[Own], list[Any]], **said: Any) -> tuple[Case, Alteration]:
    """A key set that no key for the token is in, or more than one."""
    return Case(id_token(**said), fault), keys(made)


def answered(body: object = bytes, **said: Any) -> tuple[Case, Alteration]:
    """No key set at all."""
    return Case(id_token(), Fault.KEYS_MALFORMED), says("jwks", body, **said)


NO_KID: Final = {"kid": ABSENT}
LONG_KID: Final = {"kid": "k" * 10_000}

REFUSED: Final = {
    "B1 a key that is not published": another(Fault.KEY_UNKNOWN, lambda own: [own.ec, public(OTHER)]),
    "B1 a kid of 10 kB": another(
        Fault.KEY_UNKNOWN, lambda own: [own.rsa, own.ec], header={"kid": "k" * 10_000}
    ),
    "B1 a kid with quotes and a line break": another(
        Fault.KEY_UNKNOWN, lambda own: [own.rsa, own.ec], header={"kid": "'\"\r\n; DROP TABLE keys --"}
    ),
    "B1 kid empty": another(Fault.KEY_UNKNOWN, lambda own: [own.rsa, own.ec], header={"kid": ""}),
    "B3 no kid and two that fit": another(
        Fault.KEY_AMBIGUOUS, lambda own: [own.rsa, own.ec, public(OTHER)], header=NO_KID
    ),
    "B3 a kid of two that fit": another(
        Fault.KEY_AMBIGUOUS, lambda own: [own.rsa, public(OTHER, kid=own.rsa["kid"])]
    ),
    "B3 a kid of another type": another(Fault.KEY_UNUSABLE, lambda own: [{**own.ec, "kid": own.rsa["kid"]}]),
    "B3 a kid of another algorithm": another(Fault.KEY_UNUSABLE, lambda own: [{**own.rsa, "alg": "RS512"}]),
    "B3 a kid of a key to encrypt with": another(Fault.KEY_UNUSABLE, lambda own: [{**own.rsa, "use": "enc"}]),
    "B4 a secret of the attacker's": another(
        Fault.ID_TOKEN_ALG,
        lambda _: [secret("mine")],
        signing=("HS256", OctKey.import_key(b"x" * 32)),
        header={"kid": "mine"},
    ),
    "B4 a secret under the right kid": another(
        Fault.KEY_UNUSABLE,
        lambda own: [secret(own.rsa["kid"])],
    ),
    "B4 a key that does not verify": another(
        Fault.KEY_UNUSABLE, lambda own: [{**own.rsa, "key_ops": ["sign", "encrypt"]}]
    ),
    "B4 operations that are no list": another(
        Fault.KEY_UNUSABLE, lambda own: [{**own.rsa, "key_ops": "verify"}]
    ),
    "B4 1024 bits": another(Fault.KEY_UNUSABLE, lambda _: [public(SMALL)], signing=("RS256", SMALL)),
    "B4 an exponent of one": another(Fault.KEY_UNUSABLE, lambda own: [{**own.rsa, "e": EXPONENT_OF_ONE}]),
    "B4 the private key": another(Fault.KEY_UNUSABLE, lambda own: [{**own.rsa, "d": "AQAB"}]),
    "B4 no modulus": another(Fault.KEY_UNUSABLE, lambda own: [{**own.rsa, "n": ""}]),
    "B4 a point off the curve": another(
        Fault.KEY_UNUSABLE,
        lambda own: [{**own.ec, "y": own.ec["x"]}],
        signing=("ES256", lambda provider: provider.keys.es256),
    ),
    "B4 a certificate to be fetched": another(
        Fault.KEY_UNUSABLE, lambda own: [{"kty": "RSA", "kid": own.rsa["kid"], "x5u": "https://127.0.0.3:1/"}]
    ),
    "B5 500": answered(status=500),
    "B5 a redirect": answered(status=302, to="/jwks"),
    "B5 HTML": answered(body="<p>", content_type="text/html"),
    "B5 nothing": answered(body=b""),
    "B5 an array": answered(body=[]),
    "B5 no key": answered(body={"keys": []}),
    "B5 a member twice": answered(body=lambda body: body[:-1] + b',"keys":[]}'),
    "B5 10000 keys": answered(body=b'{"keys":[' + b",".join([b"{}"] * 10_000) + b"]}"),
    "B5 50 MB": (Case(id_token(), Fault.KEYS_MALFORMED), wire("jwks", wires.fifty_megabytes)),
    "B5 a gzip bomb": answered(body=gzip.compress(bytes(50_000_000)), fields={"Content-Encoding": "gzip"}),
    "B5 no answer": (Case(id_token(), Fault.PROVIDER_SLOW, 504), stalled("jwks")),
    "B5 a byte at a time": (Case(id_token(), Fault.PROVIDER_SLOW, 504), wire("jwks", wires.a_byte_at_a_time)),
    "B5 a head without end": (
        Case(id_token(), Fault.PROVIDER_UNREACHABLE),
        wire("jwks", wires.an_endless_head),
    ),
}

ACCEPTED: Final = {
    "B3+ no kid and one that fits": (id_token(header=NO_KID), keys(lambda own: [own.ec, own.rsa])),
    "B3+ a kid that other kinds of keys have too": (
        id_token(),
        keys(
            lambda own: [
                {**own.ec, "kid": own.rsa["kid"]},
                public(OTHER, kid=own.rsa["kid"], use="enc"),
                public(OTHER, kid=own.rsa["kid"], alg="PS512"),
                own.rsa,
            ]
        ),
    ),
    "B4+ garbage beside the right key": (id_token(), keys(lambda own: [*GARBAGE, own.rsa])),
    "B4+ the attacker's secret beside the right key": (
        id_token(),
        keys(lambda own: [{"kty": "oct", "k": "AA", "kid": own.rsa["kid"]}, own.rsa]),
    ),
    "B4+ keys of unknown types": (
        id_token(),
        keys(lambda own: [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "pq"}, own.rsa, own.ec]),
    ),
}

ISSUERS: Final = (
    *(
        Issuer(
            name=name_of(name),
            base=(case.alteration, published),
            settings=patience(case.fault),
            client=ES256 if "curve" in name else {},
        )
        for name, (case, published) in REFUSED.items()
    ),
    *(Issuer(name=name_of(name), base=base) for name, base in ACCEPTED.items()),
)
