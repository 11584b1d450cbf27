"""Sections C and D of the hostile provider, and what B says of an ID token's key: one row a variant."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import OctKey, RSAKey
from joserfc.util import urlsafe_b64decode

from gateway.errors import Fault
from tests.support import honest
from tests.support.alterations import ABSENT, Case, id_token, members, public_key
from tests.support.hostile import Hostile
from tests.support.story import CLIENT

HOUR: Final = 3600
FOREIGN: Final = honest.OTHER_RSA
ES256: Final = ("ES256", lambda provider: provider.keys.es256)
P256_ORDER: Final = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
COSTLY: Final = b'{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000,"p2s":"AAAA"}'
ALG_TWICE: Final = honest.base64url(b'{"alg":"none","alg":"RS256"}')


def modulus(key: RSAKey) -> bytes:
    return bytes(urlsafe_b64decode(str(key.as_dict(private=False)["n"]).encode()))


def same_kid(provider: Hostile) -> str:
    return str(provider.keys.rs256.kid)


def without_signature(compact: str) -> str:
    return compact.rpartition(".")[0] + "."


def flipped(compact: str) -> str:
    head, _, signature = compact.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def sub_twice(claims: dict[str, Any]) -> str:
    return json.dumps(claims)[:-1] + ',"sub":"somebody-else"}'


def never(claims: dict[str, Any], exp: str = "1e999") -> str:
    """Claims whose `exp` is a piece of JSON that no writer of JSON would write."""
    return json.dumps({**claims, "exp": 0}).replace('"exp": 0', f'"exp": {exp}')


def with_signature(compact: str, signature: bytes) -> str:
    return f"{compact.rpartition('.')[0]}.{honest.base64url(signature)}"


def of_another(compact: str) -> str:
    """The signature that the token would have without its last claim."""
    head, payload, signature = compact.split(".")
    claims = urlsafe_b64decode(payload.encode())[:-1] + b',"more":1}'
    return f"{head}.{honest.base64url(claims)}.{signature}"


def in_der(compact: str) -> str:
    """RFC 7518 section 3.4 has two numbers of 32 octets; other uses of ECDSA have a sequence."""
    raw = urlsafe_b64decode(compact.rpartition(".")[2].encode())
    r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
    return with_signature(compact, encode_dss_signature(r, s))


def as_jwk(key: RSAKey) -> bytes:
    return json.dumps(key.as_dict(private=False)).encode()


def logout_claims(claims: dict[str, Any]) -> dict[str, Any]:
    """A logout token that answers the same request, but for the nonce that none has."""
    event: dict[str, object] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    return {name: value for name, value in claims.items() if name != "nonce"} | {"events": event, "jti": "1"}


def userinfo_claims(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: claims[name] for name in ("iss", "aud", "sub", "iat", "exp")}


def in_json(compact: str) -> dict[str, str]:
    protected, payload, signature = compact.split(".")
    return {"protected": protected, "payload": payload, "signature": signature}


CASES: Final = {
    # The algorithm (RFC 8725 section 3.1, OpenID Connect Core 1.0 section 3.1.3.7 point 7)
    "C1 none": Case(id_token(header={"alg": "none"}, mangled=without_signature), Fault.ID_TOKEN_ALG),
    "C1 none, signed": Case(id_token(header={"alg": "none"}), Fault.ID_TOKEN_ALG),
    "C1 nOnE": Case(id_token(header={"alg": "nOnE"}, mangled=without_signature), Fault.ID_TOKEN_ALG),
    "C1 no alg": Case(id_token(header={"alg": ABSENT}), Fault.ID_TOKEN_ALG),
    "C1 alg an array": Case(id_token(header={"alg": ["RS256"]}), Fault.ID_TOKEN_ALG),
    "C2 HS256 with the public key's PEM": Case(
        id_token(signing=("HS256", public_key(lambda key: key.as_pem(private=False)))), Fault.ID_TOKEN_ALG
    ),
    "C2 HS256 with the PEM without its last newline": Case(
        id_token(signing=("HS256", public_key(lambda key: key.as_pem(private=False).strip()))),
        Fault.ID_TOKEN_ALG,
    ),
    "C2 HS256 with the public key's DER": Case(
        id_token(signing=("HS256", public_key(lambda key: key.as_der(private=False)))), Fault.ID_TOKEN_ALG
    ),
    "C2 HS256 with the modulus": Case(id_token(signing=("HS256", public_key(modulus))), Fault.ID_TOKEN_ALG),
    "C3 HS256 with the client's secret": Case(
        id_token(signing=("HS256", OctKey.import_key(CLIENT.client_secret))), Fault.ID_TOKEN_ALG
    ),
    "C3 ES256 with a published key": Case(
        id_token(signing=("ES256", lambda provider: provider.keys.es256)), Fault.ID_TOKEN_ALG
    ),
    "C3 PS256 with the right key": Case(
        id_token(signing=("PS256", lambda provider: provider.keys.rs256)), Fault.ID_TOKEN_ALG
    ),
    # The signature and its key
    "C4 a bit flipped": Case(id_token(mangled=flipped), Fault.ID_TOKEN_SIGNATURE),
    "C4 no signature": Case(id_token(mangled=without_signature), Fault.ID_TOKEN_SIGNATURE),
    "C4 another key under the right kid": Case(
        id_token(signing=("RS256", FOREIGN), header={"kid": same_kid}), Fault.ID_TOKEN_SIGNATURE
    ),
    "B1 an unknown kid": Case(id_token(signing=("RS256", FOREIGN)), Fault.KEY_UNKNOWN),
    "B1 a kid like a path": Case(id_token(header={"kid": "../../etc/passwd\n'"}), Fault.KEY_UNKNOWN),
    "B3 the kid of a key of another type": Case(
        id_token(header={"kid": lambda provider: provider.keys.es256.kid}), Fault.KEY_UNUSABLE
    ),
    "C5 a key in the header": Case(
        id_token(signing=("RS256", FOREIGN), header={"jwk": FOREIGN.as_dict(private=False)}),
        Fault.ID_TOKEN_HEADER,
    ),
    "C5 a key to be fetched": Case(
        id_token(header={"jku": lambda provider: f"{provider.attacker}/keys"}), Fault.ID_TOKEN_HEADER
    ),
    "C5 a certificate to be fetched": Case(
        id_token(header={"x5u": lambda provider: f"{provider.attacker}/cert"}), Fault.ID_TOKEN_HEADER
    ),
    "C5 an unknown extension": Case(id_token(header={"crit": ["bork"], "bork": 1}), Fault.ID_TOKEN_HEADER),
    "C5 crit empty": Case(id_token(header={"crit": []}), Fault.ID_TOKEN_HEADER),
    "C5 b64 false": Case(id_token(header={"b64": False}), Fault.ID_TOKEN_HEADER),
    "C6 an access token": Case(id_token(header={"typ": "at+jwt"}), Fault.ID_TOKEN_TYPE),
    "C6 a logout token": Case(id_token(header={"typ": "logout+jwt"}), Fault.ID_TOKEN_TYPE),
    # The form
    "C7 two parts": Case(id_token(mangled=lambda token: token.rpartition(".")[0]), Fault.ID_TOKEN_MALFORMED),
    "C7 five parts": Case(id_token(mangled=lambda token: f"{token}.a.b"), Fault.ID_TOKEN_MALFORMED),
    "C7 a newline at the end": Case(id_token(mangled=lambda token: f"{token}\n"), Fault.ID_TOKEN_MALFORMED),
    "C7 padding": Case(id_token(mangled=lambda token: f"{token}=="), Fault.ID_TOKEN_MALFORMED),
    "C7 200 kB": Case(id_token(filling="x" * 200_000), Fault.ID_TOKEN_MALFORMED),
    "C8 sub twice": Case(id_token(content=sub_twice), Fault.ID_TOKEN_MALFORMED),
    "C8 exp infinite": Case(id_token(content=never), Fault.ID_TOKEN_MALFORMED),
    "C8 claims in an array": Case(id_token(content=lambda claims: [claims]), Fault.ID_TOKEN_MALFORMED),
    "C8 claims that are not UTF-8": Case(
        id_token(content=lambda _: b'{"sub":"\xff"}'), Fault.ID_TOKEN_MALFORMED
    ),
    "C7 JSON serialization": Case(id_token(mangled=in_json), Fault.TOKEN_MALFORMED),
    # The claims (OpenID Connect Core 1.0 section 3.1.3.7)
    "D1 iss with a slash more": Case(id_token(iss=lambda iss: f"{iss}/"), Fault.ID_TOKEN_ISS),
    "D1 iss in capitals": Case(id_token(iss=str.upper), Fault.ID_TOKEN_ISS),
    "D1 iss an array": Case(id_token(iss=lambda iss: [iss]), Fault.ID_TOKEN_ISS),
    "D1 iss absent": Case(id_token(iss=ABSENT), Fault.ID_TOKEN_ISS),
    "D2 aud another client": Case(id_token(aud="another-client"), Fault.ID_TOKEN_AUD),
    "D2 aud in capitals": Case(id_token(aud=str.upper), Fault.ID_TOKEN_AUD),
    "D2 aud us and another": Case(id_token(aud=lambda aud: [aud, "another"]), Fault.ID_TOKEN_AUD),
    "D2 aud nobody": Case(id_token(aud=[]), Fault.ID_TOKEN_AUD),
    "D2 aud absent": Case(id_token(aud=ABSENT), Fault.ID_TOKEN_AUD),
    "D2 azp another client": Case(id_token(azp="another-client"), Fault.ID_TOKEN_AZP),
    "D3 exp past": Case(id_token(exp=lambda exp: exp - 2 * HOUR), Fault.ID_TOKEN_EXP),
    "D3 exp absent": Case(id_token(exp=ABSENT), Fault.ID_TOKEN_EXP),
    "D3 exp true": Case(id_token(exp=True), Fault.ID_TOKEN_EXP),
    "D3 exp a text": Case(id_token(exp=str), Fault.ID_TOKEN_EXP),
    "D3 nbf future": Case(id_token(nbf=lambda _: time.time() + HOUR), Fault.ID_TOKEN_NBF),
    "D3 iat future": Case(id_token(iat=lambda iat: iat + HOUR), Fault.ID_TOKEN_IAT),
    "D3 iat in milliseconds": Case(id_token(iat=lambda iat: iat * 1000), Fault.ID_TOKEN_IAT),
    "D3 iat before the attempt": Case(id_token(iat=lambda iat: iat - HOUR), Fault.ID_TOKEN_IAT),
    "D3 iat absent": Case(id_token(iat=ABSENT), Fault.ID_TOKEN_IAT),
    "D4 nonce of another attempt": Case(id_token(nonce="n" * 43), Fault.ID_TOKEN_NONCE),
    "D4 nonce cut short": Case(id_token(nonce=lambda nonce: nonce[:-1]), Fault.ID_TOKEN_NONCE),
    "D4 nonce an array": Case(id_token(nonce=lambda nonce: [nonce]), Fault.ID_TOKEN_NONCE),
    "D4 nonce absent": Case(id_token(nonce=ABSENT), Fault.ID_TOKEN_NONCE),
    "D5 at_hash of another token": Case(
        id_token(at_hash=honest.half_hash("another")), Fault.ID_TOKEN_AT_HASH
    ),
    "D5 at_hash a number": Case(id_token(at_hash=1), Fault.ID_TOKEN_AT_HASH),
    "D5 c_hash of another code": Case(id_token(c_hash=honest.half_hash("another")), Fault.ID_TOKEN_AT_HASH),
    "D6 sub absent": Case(id_token(sub=ABSENT), Fault.ID_TOKEN_SUB),
    "D6 sub empty": Case(id_token(sub=""), Fault.ID_TOKEN_SUB),
    "D6 sub a number": Case(id_token(sub=1), Fault.ID_TOKEN_SUB),
    "D6 sub of 256 characters": Case(id_token(sub="x" * 256), Fault.ID_TOKEN_SUB),
    "D6 sub with a line break": Case(id_token(sub="x\r\nX-Forged: 1"), Fault.ID_TOKEN_SUB),
    "D6 sub and a blank": Case(id_token(sub=lambda sub: f"{sub} "), Fault.ID_TOKEN_SUB),
    "D7 acr an array": Case(id_token(acr=["eidas3"]), Fault.ID_TOKEN_MALFORMED),
    "D7 amr a text": Case(id_token(amr="pwd"), Fault.ID_TOKEN_MALFORMED),
    "D7 auth_time future": Case(id_token(auth_time=lambda then: then + HOUR), Fault.ID_TOKEN_AUTH_TIME),
    # What else hurts: beside the above, one row a variant
    "C1 None": Case(id_token(header={"alg": "None"}, mangled=without_signature), Fault.ID_TOKEN_ALG),
    "C1 alg empty": Case(id_token(header={"alg": ""}, mangled=without_signature), Fault.ID_TOKEN_ALG),
    "C2 HS256 with the text of the public JWK": Case(
        id_token(signing=("HS256", public_key(as_jwk))), Fault.ID_TOKEN_ALG
    ),
    "C3 RS512 with the right key": Case(
        id_token(signing=("RS512", lambda provider: provider.keys.rs256)), Fault.ID_TOKEN_ALG
    ),
    "C4 cut short": Case(id_token(mangled=lambda token: token[:-4]), Fault.ID_TOKEN_SIGNATURE),
    "C4 of another token": Case(id_token(mangled=of_another), Fault.ID_TOKEN_SIGNATURE),
    "C4 ES256 in DER": Case(id_token(signing=ES256, mangled=in_der), Fault.ID_TOKEN_SIGNATURE, at="es256"),
    "C4 ES256 with r and s of 0": Case(
        id_token(signing=ES256, mangled=lambda token: with_signature(token, bytes(64))),
        Fault.ID_TOKEN_SIGNATURE,
        at="es256",
    ),
    "C4 ES256 with r and s of the order": Case(
        id_token(signing=ES256, mangled=lambda token: with_signature(token, P256_ORDER * 2)),
        Fault.ID_TOKEN_SIGNATURE,
        at="es256",
    ),
    "C5 a certificate in the header": Case(
        id_token(signing=("RS256", FOREIGN), header={"x5c": ["MIIB"]}), Fault.ID_TOKEN_HEADER
    ),
    "C5 crit of a field that is not there": Case(id_token(header={"crit": ["exp"]}), Fault.ID_TOKEN_HEADER),
    "C5 compressed": Case(id_token(header={"zip": "DEF"}), Fault.ID_TOKEN_HEADER),
    "C5 kid a number": Case(id_token(header={"kid": 1}), Fault.ID_TOKEN_HEADER),
    "C6 a security event": Case(id_token(header={"typ": "secevent+jwt"}), Fault.ID_TOKEN_TYPE),
    "C6 typ a number": Case(id_token(header={"typ": 1}), Fault.ID_TOKEN_TYPE),
    "C6 a logout token without typ": Case(
        id_token(header={"typ": ABSENT}, content=logout_claims), Fault.ID_TOKEN_NONCE
    ),
    "C6 userinfo": Case(id_token(header={"typ": ABSENT}, content=userinfo_claims), Fault.ID_TOKEN_NONCE),
    "C6 a client assertion": Case(
        id_token(content=lambda claims: {**claims, "iss": claims["aud"], "sub": claims["aud"]}),
        Fault.ID_TOKEN_ISS,
    ),
    "C7 one part": Case(id_token(mangled=lambda token: token.split(".")[0]), Fault.ID_TOKEN_MALFORMED),
    "C7 four parts": Case(id_token(mangled=lambda token: f"{token}.a"), Fault.ID_TOKEN_MALFORMED),
    "C7 the other alphabet": Case(id_token(mangled=lambda token: f"{token}+/"), Fault.ID_TOKEN_MALFORMED),
    "C7 a blank": Case(id_token(mangled=lambda token: token.replace(".", " .", 1)), Fault.ID_TOKEN_MALFORMED),
    "C7 beyond ASCII": Case(id_token(mangled=lambda token: f"{token}é"), Fault.ID_TOKEN_MALFORMED),
    "C7 the digits of another script": Case(
        id_token(mangled=lambda token: token[:-1] + "٣"), Fault.ID_TOKEN_MALFORMED
    ),
    "C7 header an array": Case(
        id_token(mangled=lambda token: f"W10.{token.partition('.')[2]}"), Fault.ID_TOKEN_MALFORMED
    ),
    "C7 header with alg twice": Case(
        id_token(mangled=lambda token: f"{ALG_TWICE}.{token.partition('.')[2]}"), Fault.ID_TOKEN_MALFORMED
    ),
    "C7 header of 60 kB": Case(id_token(header={"foo": "x" * 60_000}), Fault.ID_TOKEN_MALFORMED),
    "C7 1 MB": Case(id_token(filling="x" * 1_000_000), Fault.TOKEN_MALFORMED),
    "C7 encrypted": Case(
        id_token(mangled=lambda _: "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiemlwIjoiREVGIn0..a.b.c"),
        Fault.ID_TOKEN_MALFORMED,
    ),
    "C7 hashed without end": Case(
        id_token(mangled=lambda _: f"{honest.base64url(COSTLY)}.a.b.c.d"), Fault.ID_TOKEN_MALFORMED
    ),
    "C8 NaN": Case(id_token(content=lambda claims: never(claims, "NaN")), Fault.ID_TOKEN_MALFORMED),
    "C8 exp of 5000 digits": Case(
        id_token(content=lambda claims: never(claims, "9" * 5000)), Fault.ID_TOKEN_MALFORMED
    ),
    "C8 nested arrays": Case(
        id_token(content=lambda claims: never(claims, "[" * 40_000 + "]" * 40_000)), Fault.ID_TOKEN_MALFORMED
    ),
    "C8 half a surrogate pair": Case(
        id_token(content=lambda claims: never(claims, '"\\ud800"')), Fault.ID_TOKEN_MALFORMED
    ),
    "C8 a byte order mark": Case(
        id_token(content=lambda claims: b"\xef\xbb\xbf" + honest.octets(claims)), Fault.ID_TOKEN_MALFORMED
    ),
    "D1 iss cut short": Case(id_token(iss=lambda iss: iss[:-1]), Fault.ID_TOKEN_ISS),
    "D1 iss another path": Case(
        id_token(iss=lambda iss: iss.replace("/usual/", "/second/")), Fault.ID_TOKEN_ISS
    ),
    "D1 iss null": Case(id_token(iss=None), Fault.ID_TOKEN_ISS),
    "D2 aud with an end": Case(id_token(aud=lambda aud: f"{aud}2"), Fault.ID_TOKEN_AUD),
    "D2 aud an object": Case(id_token(aud=lambda aud: {aud: True}), Fault.ID_TOKEN_AUD),
    "D2 aud us and another, azp us": Case(
        id_token(aud=lambda aud: [aud, "another"], azp="the-client-of-the-story"), Fault.ID_TOKEN_AUD
    ),
    "D2 azp an array": Case(id_token(azp=["the-client-of-the-story"]), Fault.ID_TOKEN_AZP),
    "D3 exp past by a second beyond the skew": Case(
        id_token(exp=lambda exp: exp - HOUR - 31), Fault.ID_TOKEN_EXP
    ),
    "D3 exp negative": Case(id_token(exp=-1), Fault.ID_TOKEN_EXP),
    "D3 exp null": Case(id_token(exp=None), Fault.ID_TOKEN_EXP),
    "D3 nbf a text": Case(id_token(nbf="0"), Fault.ID_TOKEN_NBF),
    "D3 iat a day old": Case(id_token(iat=lambda iat: iat - 24 * HOUR), Fault.ID_TOKEN_IAT),
    "D3 iat true": Case(id_token(iat=True), Fault.ID_TOKEN_IAT),
    "D4 nonce in capitals": Case(id_token(nonce=str.upper), Fault.ID_TOKEN_NONCE),
    "D4 nonce and a blank": Case(id_token(nonce=lambda nonce: f"{nonce} "), Fault.ID_TOKEN_NONCE),
    "D5 at_hash cut short": Case(id_token(at_hash=lambda half: half[:-1]), Fault.ID_TOKEN_AT_HASH),
    "D5 at_hash null": Case(id_token(at_hash=None), Fault.ID_TOKEN_AT_HASH),
    "D5 the access token of somebody else": Case(
        members("token", access_token="a" * 43), Fault.ID_TOKEN_AT_HASH
    ),
    "D6 a blank and sub": Case(id_token(sub=lambda sub: f" {sub}"), Fault.ID_TOKEN_SUB),
    "D6 sub with a null": Case(id_token(sub="x\0y"), Fault.ID_TOKEN_SUB),
    "D6 sub beyond ASCII": Case(id_token(sub="éléonore"), Fault.ID_TOKEN_SUB),
    "D7 auth_time a text": Case(id_token(auth_time=str), Fault.ID_TOKEN_AUTH_TIME),
    "D7 auth_time true": Case(id_token(auth_time=True), Fault.ID_TOKEN_AUTH_TIME),
}
