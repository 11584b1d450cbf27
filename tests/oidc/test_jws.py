from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.errors import Fault, ProviderError
from gateway.oidc.client import SigningAlg
from gateway.oidc.jwks import VerificationKey
from gateway.oidc.jws import ID_TOKEN, LOGOUT_TOKEN, USERINFO, Kind, read_jws, verify_jws
from gateway.secret import Secret
from tests.support.honest import (
    ABSENT,
    EC,
    HMAC,
    OTHER_EC,
    OTHER_RSA,
    RSA,
    base64url,
    id_token_claims,
    octets,
    public,
    signed,
)

CLAIMS = id_token_claims()
HONEST = signed(CLAIMS)
HEADER, PAYLOAD, SIGNATURE = HONEST.split(".")
TWO_ALGS = '{"alg":"none","kid":"rsa","alg":"RS256"}'
ES_HEADER, ES_PAYLOAD, ES_SIGNATURE = signed(CLAIMS, key=EC, alg="ES256").split(".")


def part(content: object) -> str:
    return base64url(octets(content))


def open_jws(
    compact: str,
    *,
    kind: Kind = ID_TOKEN,
    alg: SigningAlg = SigningAlg.RS256,
    key: VerificationKey = RSA,
) -> dict[str, Any]:
    return verify_jws(read_jws(Secret(compact), kind=kind, alg=alg), key)


def fault_of(compact: str, **given: Any) -> Fault:
    with pytest.raises(ProviderError) as refused:
        open_jws(compact, **given)
    return refused.value.fault


@pytest.mark.parametrize(
    "alg, key",
    [("RS256", RSA), ("PS256", RSA), ("ES256", EC), ("HS256", HMAC)],
)
def test_a_token_signed_as_registered_opens(alg: str, key: RSAKey | ECKey | OctKey) -> None:
    free = key if isinstance(key, OctKey) else type(key).import_key(public(key, alg=ABSENT))
    signing = RSAKey.import_key(RSA.as_dict(private=True)) if alg == "PS256" else key
    compact = signed(CLAIMS, key=signing, alg=alg)
    assert open_jws(compact, alg=SigningAlg(alg), key=free) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        {"typ": ABSENT},
        {"typ": "jwt"},
        {"typ": "Jwt"},
        {"kid": ABSENT},
        {"kid": "'; drop table keys; --\n../../x"},
        {"kid": "x" * 10_000},
        {"unknown": {"a": [1, 2]}},
        {"x5t": "thumbprint", "x5t#S256": "thumbprint", "cty": "json"},
    ],
    ids=lambda header: str(header)[:40],
)
def test_a_header_may_say_what_changes_nothing(header: dict[str, object]) -> None:
    assert open_jws(signed(CLAIMS, header=header)) == CLAIMS


def test_the_kid_is_read_to_choose_the_key_by() -> None:
    assert read_jws(Secret(HONEST), kind=ID_TOKEN, alg=SigningAlg.RS256).kid == "rsa"


@pytest.mark.parametrize(
    "alg", ["none", "None", "nOnE", "", "rs256", "RS256 ", ["RS256"], {}, None, 0, ABSENT]
)
@pytest.mark.parametrize("signature", ["", SIGNATURE])
def test_an_unsigned_token_is_refused(alg: object, signature: str) -> None:
    header = {"kid": "rsa"} | ({} if alg is ABSENT else {"alg": alg})
    assert fault_of(f"{part(header)}.{PAYLOAD}.{signature}") is Fault.ID_TOKEN_ALG


PUBLIC_VIEWS = {
    "pem": RSA.as_pem(private=False),
    "pem without newline": RSA.as_pem(private=False).strip(),
    "der": RSA.as_der(private=False),
    "jwk": json.dumps(public(RSA)).encode(),
    "modulus": octets(RSA.as_dict(private=False)["n"]),
}


@pytest.mark.parametrize("view", PUBLIC_VIEWS)
def test_the_public_key_is_no_secret_to_sign_with(view: str) -> None:
    key = OctKey(PUBLIC_VIEWS[view], PUBLIC_VIEWS[view])
    assert fault_of(signed(CLAIMS, key=key, alg="HS256", header={"kid": "rsa"})) is Fault.ID_TOKEN_ALG


@pytest.mark.parametrize(
    "alg, key",
    [("HS256", HMAC), ("ES256", EC), ("PS256", OTHER_RSA), ("RS384", OTHER_RSA), ("RS512", OTHER_RSA)],
)
def test_another_algorithm_than_the_registered_one_is_refused(alg: str, key: RSAKey | ECKey | OctKey) -> None:
    assert fault_of(signed(CLAIMS, key=key, alg=alg), key=key) is Fault.ID_TOKEN_ALG


def flipped(part: str) -> str:
    return part[:10] + ("A" if part[10] != "A" else "B") + part[11:]


def der(signature: str) -> str:
    """An ES256 signature in ASN.1, as other protocols have it."""
    raw = urlsafe_b64decode(signature + "==")
    return base64url(encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])))


@pytest.mark.parametrize(
    "compact",
    [
        f"{HEADER}.{PAYLOAD}.{flipped(SIGNATURE)}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-4]}",
        f"{HEADER}.{PAYLOAD}.{SIGNATURE}AAAA",
        f"{HEADER}.{PAYLOAD}.",
        f"{HEADER}.{PAYLOAD}.A",
        f"{HEADER}.{PAYLOAD}.{base64url(bytes(256))}",
        f"{HEADER}.{part({**CLAIMS, 'sub': 'other'})}.{SIGNATURE}",
        f"{HEADER}..{SIGNATURE}",
        signed(CLAIMS, key=OTHER_RSA, header={"kid": "rsa"}),
    ],
    ids=["flipped", "cut", "longer", "none", "one character", "zeros", "payload", "detached", "another key"],
)
def test_a_broken_signature_is_refused(compact: str) -> None:
    assert fault_of(compact) is Fault.ID_TOKEN_SIGNATURE


@pytest.mark.parametrize(
    "signature",
    [
        base64url(bytes(64)),
        base64url(b"\xff" * 64),
        der(ES_SIGNATURE),
        flipped(ES_SIGNATURE),
        ES_SIGNATURE + "AA",
        "",
    ],
    ids=["r = s = 0", "r and s beyond the order", "DER", "flipped", "longer", "none"],
)
def test_a_broken_signature_on_a_curve_is_refused(signature: str) -> None:
    compact = f"{ES_HEADER}.{ES_PAYLOAD}.{signature}"
    assert fault_of(compact, alg=SigningAlg.ES256, key=EC) is Fault.ID_TOKEN_SIGNATURE


def test_another_key_on_the_same_curve_is_refused() -> None:
    compact = signed(CLAIMS, key=OTHER_EC, alg="ES256")
    assert fault_of(compact, alg=SigningAlg.ES256, key=EC) is Fault.ID_TOKEN_SIGNATURE


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": public(OTHER_RSA)},
        {"jku": "https://evil.test/jwks"},
        {"x5u": "https://evil.test/cert"},
        {"x5c": ["MIIB"]},
        {"crit": ["bork"], "bork": True},
        {"crit": ["absent"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"kid": 7},
        {"kid": ["rsa"]},
        {"kid": None},
    ],
    ids=lambda header: str(header)[:20],
)
def test_a_header_that_chooses_keys_or_extensions_is_refused(header: dict[str, object]) -> None:
    assert fault_of(signed(CLAIMS, header=header)) is Fault.ID_TOKEN_HEADER


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "secevent+jwt", "JOSE", "", ["JWT"], None, 7])
def test_another_kind_of_jwt_is_refused(typ: object) -> None:
    assert fault_of(signed(CLAIMS, header={"typ": typ})) is Fault.ID_TOKEN_TYPE


@pytest.mark.parametrize(
    "compact",
    [
        "",
        ".",
        "..",
        HEADER,
        f"{HEADER}.{PAYLOAD}",
        f"{HONEST}.",
        f"{HONEST}.AAAA.AAAA",
        json.dumps({"protected": HEADER, "payload": PAYLOAD, "signature": SIGNATURE}),
        f"{HONEST}=",
        f"{HEADER}=.{PAYLOAD}.{SIGNATURE}",
        f"{HONEST[:-2]}+/",
        f" {HONEST}",
        f"{HONEST}\n",
        f"{HONEST[:-1]}é",
        f"A.{PAYLOAD}.{SIGNATURE}",
        f"{HEADER}.A.{SIGNATURE}",
        f"{part([])}.{PAYLOAD}.{SIGNATURE}",
        f"{part('text')}.{PAYLOAD}.{SIGNATURE}",
        f"{part(TWO_ALGS)}.{PAYLOAD}.{SIGNATURE}",
        f".{PAYLOAD}.{SIGNATURE}",
        f"{HEADER}.{'A' * (1 << 20)}.{SIGNATURE}",
        signed(CLAIMS, header={"kid": "x" * 30_000}),
        f"{HEADER}.{PAYLOAD}.{'A' * 4096}",
    ],
    ids=map(str, range(23)),  # signatures differ from run to run, and workers must agree on names
)
def test_what_is_no_compact_jws_is_refused(compact: str) -> None:
    assert fault_of(compact) is Fault.ID_TOKEN_MALFORMED


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        '"text"',
        "",
        "<html>",
        '{"sub":"a","sub":"b"}',
        '{"exp":NaN}',
        '{"exp":1e999}',
        '{"exp":' + "9" * 5000 + "}",
        '{"a":' + "[" * 90_000 + "}",
        '{"a":' + "[" * 40 + "]" * 40 + "}",
        '{"sub":"\\ud800"}',
        b'{"sub":"\xff"}',
    ],
    ids=lambda payload: repr(payload[:24]),
)
def test_a_signed_payload_that_hurts_readers_is_refused(payload: object) -> None:
    assert fault_of(signed(payload)) is Fault.ID_TOKEN_MALFORMED


def test_nothing_of_the_payload_is_read_before_the_signature_holds() -> None:
    header, _, signature = signed("[]").split(".")
    assert fault_of(f"{header}.{part('[ ]')}.{signature}") is Fault.ID_TOKEN_SIGNATURE


@pytest.mark.parametrize(
    "compact, fault",
    [
        ("a.b", Fault.USERINFO_MALFORMED),
        (signed([]), Fault.USERINFO_MALFORMED),
        (signed(CLAIMS, key=HMAC, alg="HS256"), Fault.USERINFO_SIGNATURE),
        (signed(CLAIMS, key=OTHER_RSA), Fault.USERINFO_SIGNATURE),
        (signed(CLAIMS, header={"jku": "https://evil.test"}), Fault.USERINFO_SIGNATURE),
        (signed(CLAIMS, header={"typ": "at+jwt"}), Fault.USERINFO_TYPE),
    ],
    ids=lambda case: case.value if isinstance(case, Fault) else "",
)
def test_signed_userinfo_has_faults_of_its_own(compact: str, fault: Fault) -> None:
    assert fault_of(compact, kind=USERINFO) is fault


@pytest.mark.parametrize(
    "compact",
    [signed({**CLAIMS, "canary": "canary"}, key=OTHER_RSA, header={"kid": "canary"}), "canary.canary"],
)
def test_a_refusal_repeats_nothing_of_the_token(compact: str) -> None:
    with pytest.raises(ProviderError) as refused:
        open_jws(compact)
    assert "canary" not in str(refused.value)
    assert base64url(b"canary")[:6] not in str(refused.value)


def test_an_unverified_token_does_not_show_itself() -> None:
    shown = repr(read_jws(Secret(HONEST), kind=ID_TOKEN, alg=SigningAlg.RS256))
    assert PAYLOAD not in shown
    assert "'rsa'" not in shown


@pytest.mark.parametrize("typ", ["JWT", "jwt", "logout+jwt", "Application/logout+jwt"])
def test_a_logout_token_may_be_of_these_types(typ: str) -> None:
    compact = signed(CLAIMS, header={"typ": typ})
    assert open_jws(compact, kind=LOGOUT_TOKEN) == CLAIMS
    if typ.lower() != "jwt":
        assert fault_of(compact) is Fault.ID_TOKEN_TYPE


@pytest.mark.parametrize(
    "longest, shape", [(1 << 15, "{}.e30.AA"), (1 << 11, f"{part({'alg': 'RS256'})}.e30.{{}}")]
)
def test_no_part_is_longer_than_it_may_be(longest: int, shape: str) -> None:
    with pytest.raises(ProviderError) as refused:
        read_jws(Secret(shape.format("A" * (longest + 4))), kind=ID_TOKEN, alg=SigningAlg.RS256)
    assert str(refused.value.facts["why"]).endswith("too long")
    try:
        read_jws(Secret(shape.format("A" * longest)), kind=ID_TOKEN, alg=SigningAlg.RS256)
    except ProviderError as error:
        assert error.facts["why"] == "not JSON"  # noqa: PT017 - only a header is looked into


def test_a_token_is_as_long_as_it_may_be() -> None:
    head = f"{HEADER}."
    tail = ".AA"
    whole = (1 << 17) - len(head + tail)
    whole -= whole % 4
    read_jws(Secret(head + "A" * whole + tail), kind=ID_TOKEN, alg=SigningAlg.RS256)
    with pytest.raises(ProviderError) as refused:
        read_jws(Secret(head + "A" * (whole + 8) + tail), kind=ID_TOKEN, alg=SigningAlg.RS256)
    assert refused.value.facts["why"] == "too long"
