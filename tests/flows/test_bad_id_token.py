"""An ID token that is not right: no session, no userinfo request, a page without details, one audit line."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import pytest
from joserfc.jwk import OctKey, RSAKey
from joserfc.util import urlsafe_b64decode

from gateway.errors import Fault
from tests.support import honest
from tests.support.alterations import ABSENT, Case, id_token, public_key
from tests.support.hostile import Hostile
from tests.support.story import CLIENT, story

HOUR: Final = 3600
FOREIGN: Final = honest.OTHER_RSA


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


def never(claims: dict[str, Any]) -> str:
    return json.dumps({**claims, "exp": 0}).replace('"exp": 0', '"exp": 1e999')


def in_json(compact: str) -> dict[str, str]:
    protected, payload, signature = compact.split(".")
    return {"protected": protected, "payload": payload, "signature": signature}


CASES: Final = {
    # The algorithm (RFC 8725 section 3.1, OpenID Connect Core 1.0 section 3.1.3.7 point 7)
    "none": Case(id_token(header={"alg": "none"}, mangled=without_signature), Fault.ID_TOKEN_ALG),
    "none, signed": Case(id_token(header={"alg": "none"}), Fault.ID_TOKEN_ALG),
    "nOnE": Case(id_token(header={"alg": "nOnE"}, mangled=without_signature), Fault.ID_TOKEN_ALG),
    "no alg": Case(id_token(header={"alg": ABSENT}), Fault.ID_TOKEN_ALG),
    "alg an array": Case(id_token(header={"alg": ["RS256"]}), Fault.ID_TOKEN_ALG),
    "HS256 with the public key's PEM": Case(
        id_token(signing=("HS256", public_key(lambda key: key.as_pem(private=False)))), Fault.ID_TOKEN_ALG
    ),
    "HS256 with the PEM without its last newline": Case(
        id_token(signing=("HS256", public_key(lambda key: key.as_pem(private=False).strip()))),
        Fault.ID_TOKEN_ALG,
    ),
    "HS256 with the public key's DER": Case(
        id_token(signing=("HS256", public_key(lambda key: key.as_der(private=False)))), Fault.ID_TOKEN_ALG
    ),
    "HS256 with the modulus": Case(id_token(signing=("HS256", public_key(modulus))), Fault.ID_TOKEN_ALG),
    "HS256 with the client's secret": Case(
        id_token(signing=("HS256", OctKey.import_key(CLIENT.client_secret))), Fault.ID_TOKEN_ALG
    ),
    "ES256 with a published key": Case(
        id_token(signing=("ES256", lambda provider: provider.keys.es256)), Fault.ID_TOKEN_ALG
    ),
    "PS256 with the right key": Case(
        id_token(signing=("PS256", lambda provider: provider.keys.rs256)), Fault.ID_TOKEN_ALG
    ),
    # The signature and its key
    "a bit flipped": Case(id_token(mangled=flipped), Fault.ID_TOKEN_SIGNATURE),
    "no signature": Case(id_token(mangled=without_signature), Fault.ID_TOKEN_SIGNATURE),
    "another key under the right kid": Case(
        id_token(signing=("RS256", FOREIGN), header={"kid": same_kid}), Fault.ID_TOKEN_SIGNATURE
    ),
    "an unknown kid": Case(id_token(signing=("RS256", FOREIGN)), Fault.KEY_UNKNOWN),
    "a kid like a path": Case(id_token(header={"kid": "../../etc/passwd\n'"}), Fault.KEY_UNKNOWN),
    "the kid of a key of another type": Case(
        id_token(header={"kid": lambda provider: provider.keys.es256.kid}), Fault.KEY_UNUSABLE
    ),
    "a key in the header": Case(
        id_token(signing=("RS256", FOREIGN), header={"jwk": FOREIGN.as_dict(private=False)}),
        Fault.ID_TOKEN_HEADER,
    ),
    "a key to be fetched": Case(
        id_token(header={"jku": lambda provider: f"{provider.attacker}/keys"}), Fault.ID_TOKEN_HEADER
    ),
    "a certificate to be fetched": Case(
        id_token(header={"x5u": lambda provider: f"{provider.attacker}/cert"}), Fault.ID_TOKEN_HEADER
    ),
    "an unknown extension": Case(id_token(header={"crit": ["bork"], "bork": 1}), Fault.ID_TOKEN_HEADER),
    "crit empty": Case(id_token(header={"crit": []}), Fault.ID_TOKEN_HEADER),
    "b64 false": Case(id_token(header={"b64": False}), Fault.ID_TOKEN_HEADER),
    "an access token": Case(id_token(header={"typ": "at+jwt"}), Fault.ID_TOKEN_TYPE),
    "a logout token": Case(id_token(header={"typ": "logout+jwt"}), Fault.ID_TOKEN_TYPE),
    # The form
    "two parts": Case(id_token(mangled=lambda token: token.rpartition(".")[0]), Fault.ID_TOKEN_MALFORMED),
    "five parts": Case(id_token(mangled=lambda token: f"{token}.a.b"), Fault.ID_TOKEN_MALFORMED),
    "a newline at the end": Case(id_token(mangled=lambda token: f"{token}\n"), Fault.ID_TOKEN_MALFORMED),
    "padding": Case(id_token(mangled=lambda token: f"{token}=="), Fault.ID_TOKEN_MALFORMED),
    "200 kB": Case(id_token(filling="x" * 200_000), Fault.ID_TOKEN_MALFORMED),
    "sub twice": Case(id_token(content=sub_twice), Fault.ID_TOKEN_MALFORMED),
    "exp infinite": Case(id_token(content=never), Fault.ID_TOKEN_MALFORMED),
    "claims in an array": Case(id_token(content=lambda claims: [claims]), Fault.ID_TOKEN_MALFORMED),
    "claims that are not UTF-8": Case(
        id_token(content=lambda _: b'{"sub":"\xff"}'), Fault.ID_TOKEN_MALFORMED
    ),
    "JSON serialization": Case(id_token(mangled=in_json), Fault.TOKEN_MALFORMED),
    # The claims (OpenID Connect Core 1.0 section 3.1.3.7)
    "iss with a slash more": Case(id_token(iss=lambda iss: f"{iss}/"), Fault.ID_TOKEN_ISS),
    "iss in capitals": Case(id_token(iss=str.upper), Fault.ID_TOKEN_ISS),
    "iss an array": Case(id_token(iss=lambda iss: [iss]), Fault.ID_TOKEN_ISS),
    "iss absent": Case(id_token(iss=ABSENT), Fault.ID_TOKEN_ISS),
    "aud another client": Case(id_token(aud="another-client"), Fault.ID_TOKEN_AUD),
    "aud in capitals": Case(id_token(aud=str.upper), Fault.ID_TOKEN_AUD),
    "aud us and another": Case(id_token(aud=lambda aud: [aud, "another"]), Fault.ID_TOKEN_AUD),
    "aud nobody": Case(id_token(aud=[]), Fault.ID_TOKEN_AUD),
    "aud absent": Case(id_token(aud=ABSENT), Fault.ID_TOKEN_AUD),
    "azp another client": Case(id_token(azp="another-client"), Fault.ID_TOKEN_AZP),
    "exp past": Case(id_token(exp=lambda exp: exp - 2 * HOUR), Fault.ID_TOKEN_EXP),
    "exp absent": Case(id_token(exp=ABSENT), Fault.ID_TOKEN_EXP),
    "exp true": Case(id_token(exp=True), Fault.ID_TOKEN_EXP),
    "exp a text": Case(id_token(exp=str), Fault.ID_TOKEN_EXP),
    "nbf future": Case(id_token(nbf=lambda _: time.time() + HOUR), Fault.ID_TOKEN_NBF),
    "iat future": Case(id_token(iat=lambda iat: iat + HOUR), Fault.ID_TOKEN_IAT),
    "iat in milliseconds": Case(id_token(iat=lambda iat: iat * 1000), Fault.ID_TOKEN_IAT),
    "iat before the attempt": Case(id_token(iat=lambda iat: iat - HOUR), Fault.ID_TOKEN_IAT),
    "iat absent": Case(id_token(iat=ABSENT), Fault.ID_TOKEN_IAT),
    "nonce of another attempt": Case(id_token(nonce="n" * 43), Fault.ID_TOKEN_NONCE),
    "nonce cut short": Case(id_token(nonce=lambda nonce: nonce[:-1]), Fault.ID_TOKEN_NONCE),
    "nonce an array": Case(id_token(nonce=lambda nonce: [nonce]), Fault.ID_TOKEN_NONCE),
    "nonce absent": Case(id_token(nonce=ABSENT), Fault.ID_TOKEN_NONCE),
    "at_hash of another token": Case(id_token(at_hash=honest.half_hash("another")), Fault.ID_TOKEN_AT_HASH),
    "at_hash a number": Case(id_token(at_hash=1), Fault.ID_TOKEN_AT_HASH),
    "c_hash of another code": Case(id_token(c_hash=honest.half_hash("another")), Fault.ID_TOKEN_AT_HASH),
    "sub absent": Case(id_token(sub=ABSENT), Fault.ID_TOKEN_SUB),
    "sub empty": Case(id_token(sub=""), Fault.ID_TOKEN_SUB),
    "sub a number": Case(id_token(sub=1), Fault.ID_TOKEN_SUB),
    "sub of 256 characters": Case(id_token(sub="x" * 256), Fault.ID_TOKEN_SUB),
    "sub with a line break": Case(id_token(sub="x\r\nX-Forged: 1"), Fault.ID_TOKEN_SUB),
    "sub and a blank": Case(id_token(sub=lambda sub: f"{sub} "), Fault.ID_TOKEN_SUB),
    "acr an array": Case(id_token(acr=["eidas3"]), Fault.ID_TOKEN_MALFORMED),
    "amr a text": Case(id_token(amr="pwd"), Fault.ID_TOKEN_MALFORMED),
    "auth_time future": Case(id_token(auth_time=lambda then: then + HOUR), Fault.ID_TOKEN_AUTH_TIME),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_nobody_is_signed_in_by_it(case: Case) -> None:
    async with story(case.alteration) as scene:
        callback = (await scene.answered()).location
        page = await scene.browser.navigate(callback)
        await scene.refused(page, status=case.status, fault=case.fault, token=1)
        assert case.fault.value not in page.text
        again = await scene.browser.navigate(callback)
        assert (again.status, scene.provider.calls("token")) == (400, 1)
