"""Section G of the hostile provider, userinfo that is not right: one row a variant."""

from __future__ import annotations

import gzip
import json
from typing import Any, Final

from gateway.errors import Fault
from tests.cases import wires
from tests.support import honest
from tests.support.alterations import (
    ABSENT,
    Case,
    public_key,
    says,
    signed_userinfo,
    stalled,
    wire,
)

FOREIGN: Final = ("RS256", honest.OTHER_RSA)
JWT: Final = "application/jwt; charset=utf-8"
TOO_LONG: Final = b'{"padding": "' + b"x" * 2_000_000 + b'"}'


def userinfo(*args: Any, fault: Fault = Fault.USERINFO_ERROR, **said: Any) -> Case:
    """Userinfo that is asked for once and answered otherwise."""
    return Case(says("userinfo", *args, **said), fault, userinfo=1)


def signed(fault: Fault, at: str = "usual", **said: Any) -> Case:
    """Userinfo that is a JWT, and another one."""
    return Case(signed_userinfo(**said), fault, userinfo=1, at=at)


def plain(body: object, fault: Fault = Fault.USERINFO_MALFORMED) -> Case:
    """Userinfo where plain JSON is registered."""
    return Case(says("userinfo", body), fault, userinfo=1, at="plain")


def sub(value: object) -> Case:
    """Plain userinfo about somebody else."""
    return plain(lambda body: {**json.loads(body), "sub": value}, Fault.USERINFO_SUB)


CASES: Final = {
    # Another person (OpenID Connect Core 1.0 section 5.3.2)
    "G1 sub of another person": signed(Fault.USERINFO_SUB, sub="somebody-else"),
    "G1 sub in capitals": signed(Fault.USERINFO_SUB, sub=str.upper),
    "G1 sub and a blank": signed(Fault.USERINFO_SUB, sub=lambda sub: f"{sub} "),
    "G1 sub a number": signed(Fault.USERINFO_SUB, sub=1),
    "G1 sub absent": signed(Fault.USERINFO_SUB, sub=ABSENT),
    # Another kind than registered
    "G2 JSON": userinfo({"sub": "somebody"}, content_type="application/json", fault=Fault.USERINFO_UNSIGNED),
    "G2 a JWT called JSON": userinfo(bytes, content_type="application/json", fault=Fault.USERINFO_UNSIGNED),
    "G2 a JWT called HTML": userinfo(bytes, content_type="text/html", fault=Fault.USERINFO_TYPE),
    "G2 a JWT where JSON is registered": Case(
        says("userinfo", "eyJhbGciOiJub25lIn0.e30.", content_type=JWT),
        Fault.USERINFO_TYPE,
        userinfo=1,
        at="plain",
    ),
    # The JWT
    "G3 none": signed(
        Fault.USERINFO_SIGNATURE,
        header={"alg": "none"},
        mangled=lambda token: token.rpartition(".")[0] + ".",
    ),
    "G3 HS256 with the public key": signed(
        Fault.USERINFO_SIGNATURE, signing=("HS256", public_key(lambda key: key.as_pem(private=False)))
    ),
    "G3 another key under the right kid": signed(
        Fault.USERINFO_SIGNATURE, signing=FOREIGN, header={"kid": lambda provider: provider.keys.rs256.kid}
    ),
    "G3 an unknown key": signed(Fault.KEY_UNKNOWN, signing=FOREIGN),
    "G3 another kind of JWT": signed(Fault.USERINFO_TYPE, header={"typ": "at+jwt"}),
    "G3 iss another": signed(Fault.USERINFO_ISS, iss="https://other.example"),
    "G3 iss absent": signed(Fault.USERINFO_ISS, iss=ABSENT),
    "G3 aud another client": signed(Fault.USERINFO_AUD, aud="another-client"),
    "G3 aud absent": signed(Fault.USERINFO_AUD, aud=ABSENT),
    "G3 exp past": signed(Fault.USERINFO_EXP, exp=lambda exp: exp - 2 * 3600),
    # The answer
    "G4 401": userinfo(status=401),
    "G4 403": userinfo(status=403),
    "G4 500": userinfo(status=500),
    "G4 a redirect": userinfo(status=302, to="/userinfo"),
    "G4 2 MB": userinfo(TOO_LONG, content_type=JWT, fault=Fault.USERINFO_MALFORMED),
    "G4 nothing": userinfo(content_type=JWT, fault=Fault.USERINFO_MALFORMED),
    "G4 an array where JSON is registered": Case(
        says("userinfo", []), Fault.USERINFO_MALFORMED, userinfo=1, at="plain"
    ),
    "G4 a member twice": Case(
        says("userinfo", lambda body: body[:-1] + b',"sub":"somebody-else"}'),
        Fault.USERINFO_MALFORMED,
        userinfo=1,
        at="plain",
    ),
    "G4 no answer": Case(stalled("userinfo"), Fault.PROVIDER_SLOW, 504, userinfo=1, at="hurried"),
    "G1 sub in another form of Unicode": signed(Fault.USERINFO_SUB, sub=lambda sub: sub + "\u0301"),
    "G1 sub of another person in JSON": sub("somebody-else"),
    "G1 sub a number in JSON": sub(1),
    "G1 sub null in JSON": sub(None),
    "G3 PS256 with the right key": signed(
        Fault.USERINFO_SIGNATURE, signing=("PS256", lambda provider: provider.keys.rs256)
    ),
    "G3 ES256 with a published key": signed(
        Fault.USERINFO_SIGNATURE, signing=("ES256", lambda provider: provider.keys.es256)
    ),
    "G3 a bit flipped": signed(
        Fault.USERINFO_SIGNATURE,
        mangled=lambda token: token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:],
    ),
    "G3 a key in the header": signed(
        Fault.USERINFO_SIGNATURE,
        signing=FOREIGN,
        header={"jwk": honest.OTHER_RSA.as_dict(private=False)},
    ),
    "G3 iss an array": signed(Fault.USERINFO_ISS, iss=lambda iss: [iss]),
    "G3 aud us and another": signed(Fault.USERINFO_AUD, aud=lambda aud: [aud, "another"]),
    "G3 nbf future": signed(Fault.USERINFO_EXP, nbf=lambda _: 4_000_000_000),
    "G4 HTML": userinfo("<p>error</p>", content_type="text/html", fault=Fault.USERINFO_TYPE),
    "G4 a redirect to itself": userinfo(status=307, to="https://127.0.0.1:1/userinfo"),
    "G4 a gzip bomb": userinfo(
        gzip.compress(bytes(50_000_000)),
        content_type=JWT,
        fields={"Content-Encoding": "gzip"},
        fault=Fault.USERINFO_MALFORMED,
    ),
    "G4 50 MB": Case(wire("userinfo", wires.fifty_megabytes), Fault.USERINFO_MALFORMED, userinfo=1),
    "G4 NaN": plain(lambda body: body[:-1] + b',"foo":NaN}'),
    "G4 half a surrogate pair": plain(lambda body: body[:-1] + b',"foo":"\\ud800"}'),
    "G4 a byte at a time": Case(
        wire("userinfo", wires.a_byte_at_a_time), Fault.PROVIDER_SLOW, 504, userinfo=1, at="hurried"
    ),
}
