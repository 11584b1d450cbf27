from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import Fault, ProviderError
from gateway.oidc.client import SigningAlg
from gateway.oidc.jwks import (
    KeySet,
    SkippedKey,
    Unusable,
    check_key_set,
    choose_key,
    hmac_key,
    may_refetch,
)
from gateway.secret import Secret
from tests.support.honest import (
    ABSENT,
    CLIENT_SECRET,
    EC,
    OTHER_RSA,
    RSA,
    answer,
    base64url,
    key_set_document,
    public,
)

RS256, ES256, PS256 = SigningAlg.RS256, SigningAlg.ES256, SigningAlg.PS256


def key_set(*members: object) -> KeySet:
    return check_key_set(answer({"keys": list(members)}))


def fault_of(keys: KeySet, *, kid: str | None, alg: SigningAlg = RS256) -> Fault:
    with pytest.raises(ProviderError) as refused:
        choose_key(keys, kid=kid, alg=alg)
    return refused.value.fault


@pytest.mark.parametrize(
    "wrong",
    [
        answer(key_set_document(), status=500),
        answer(key_set_document(), status=302),
        answer("<html>", content_type="text/html"),
        answer(key_set_document(), content_type="text/html"),
        answer([]),
        answer({}),
        answer({"keys": []}),
        answer({"keys": {}}),
        answer({"keys": None}),
        answer({"keys": {"a": public(RSA)}}),
        answer({"keys": "text"}),
        answer({"keys": [public(RSA)] * 101}),
        answer({"keys": [public(RSA)] * 10_000}),
        answer('{"keys":[],"keys":[]}'),
    ],
    ids=lambda wrong: f"{wrong.status} {wrong.content_type} {wrong.body[:20]!r}",
)
def test_what_is_no_key_set_is_refused(wrong: Any) -> None:
    with pytest.raises(ProviderError) as refused:
        check_key_set(wrong)
    assert refused.value.fault is Fault.KEYS_MALFORMED


@pytest.mark.parametrize("content_type", ["application/json", "application/jwk-set+json; charset=utf-8"])
def test_a_key_set_has_either_media_type(content_type: str) -> None:
    assert len(check_key_set(answer(key_set_document(), content_type=content_type)).members) == 2


SMALL_RSA = {"kty": "RSA", "kid": "bad", "n": base64url((1 << 1023 | 1).to_bytes(128)), "e": "AQAB"}
HUGE_RSA = {"kty": "RSA", "kid": "bad", "n": base64url((1 << 8192 | 1).to_bytes(1025)), "e": "AQAB"}


@pytest.mark.parametrize(
    "member, why",
    [
        ("a key", Unusable.MALFORMED),
        (None, Unusable.MALFORMED),
        (public(RSA, kid=7), Unusable.MALFORMED),
        (public(RSA, kid="bad", alg=["RS256"]), Unusable.MALFORMED),
        (public(RSA, kid="bad", n=ABSENT), Unusable.MALFORMED),
        (public(RSA, kid="bad", n=7), Unusable.MALFORMED),
        (public(RSA, kid="bad", n="***"), Unusable.MALFORMED),
        (public(RSA, kid="bad", n=""), Unusable.MALFORMED),
        (public(RSA, kid="bad", n="é"), Unusable.MALFORMED),
        (public(EC, kid="bad", y=ABSENT), Unusable.MALFORMED),
        (public(EC, kid="bad", x=7), Unusable.MALFORMED),
        (public(EC, kid="bad", y=base64url(bytes(32))), Unusable.MALFORMED),  # not on the curve
        (public(EC, kid="bad", y=base64url(b"\xff" * 64)), Unusable.MALFORMED),
        (public(RSA, kid="bad", kty=ABSENT), Unusable.TYPE),
        (public(RSA, kid="bad", kty=["RSA"]), Unusable.TYPE),
        ({"kty": "oct", "kid": "bad", "k": base64url(b"k" * 32)}, Unusable.TYPE),
        ({"kty": "OKP", "kid": "bad", "crv": "Ed25519", "x": base64url(b"x" * 32)}, Unusable.TYPE),
        ({"kid": "bad"} | RSA.as_dict(private=True) | {"kid": "bad"}, Unusable.PRIVATE),
        (public(EC, kid="bad", d="AA"), Unusable.PRIVATE),
        *(
            (public(RSA, kid="bad", **{member: "AA"}), Unusable.PRIVATE)
            for member in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
        ),
        (public(RSA, kid="bad", use="enc"), Unusable.USE),
        (public(RSA, kid="bad", use=None), Unusable.USE),
        (public(RSA, kid="bad", key_ops=["encrypt"]), Unusable.KEY_OPS),
        (public(RSA, kid="bad", key_ops="verify"), Unusable.KEY_OPS),
        (public(RSA, kid="bad", key_ops=[]), Unusable.KEY_OPS),
        (SMALL_RSA, Unusable.SIZE),
        (HUGE_RSA, Unusable.SIZE),
        (public(RSA, kid="bad", e="AQ"), Unusable.EXPONENT),
        (public(RSA, kid="bad", e="Ag"), Unusable.EXPONENT),
        (public(RSA, kid="bad", e="AA"), Unusable.EXPONENT),
        (public(RSA, kid="bad", e=base64url((1 << 64 | 1).to_bytes(9))), Unusable.EXPONENT),
        (public(EC, kid="bad", crv="P-384"), Unusable.CURVE),
        (public(EC, kid="bad", crv="secp256k1"), Unusable.CURVE),
    ],
    ids=lambda case: case.value if isinstance(case, Unusable) else repr(case)[:14],
)
def test_an_unusable_key_is_skipped_beside_a_good_one(member: object, why: Unusable) -> None:
    keys = key_set(member, public(OTHER_RSA))
    skipped = keys.members[0]
    assert isinstance(skipped, SkippedKey)
    assert skipped.why is why
    assert choose_key(keys, kid="other", alg=RS256).thumbprint() == OTHER_RSA.thumbprint()
    kid = member.get("kid") if isinstance(member, dict) else None
    assert skipped.kid == (kid if isinstance(kid, str) else None)
    if skipped.kid is not None:
        assert fault_of(keys, kid=skipped.kid) is Fault.KEY_UNUSABLE


@pytest.mark.parametrize("alg, key", [(RS256, RSA), (PS256, RSA), (ES256, EC)])
def test_a_token_without_kid_is_verified_by_the_one_key_that_fits(
    alg: SigningAlg, key: RSAKey | ECKey
) -> None:
    keys = key_set(public(RSA, alg=ABSENT), public(EC), public(OTHER_RSA, use="enc"))
    assert choose_key(keys, kid=None, alg=alg).thumbprint() == key.thumbprint()


def test_the_kid_finds_its_key_among_many() -> None:
    keys = key_set(*(public(RSA, kid=f"k{n}") for n in range(99)), public(OTHER_RSA))
    assert choose_key(keys, kid="other", alg=RS256).thumbprint() == OTHER_RSA.thumbprint()


@pytest.mark.parametrize(
    "others",
    [
        [public(EC, kid="rsa")],
        [public(OTHER_RSA, kid="rsa", use="enc")],
        [public(OTHER_RSA, kid="rsa", alg="PS256")],
        [public(EC, kid="rsa"), public(OTHER_RSA, kid="rsa", alg="RS512")],
    ],
    ids=["another type", "another use", "another algorithm", "two others"],
)
def test_a_shared_kid_means_the_key_that_fits(others: list[object]) -> None:
    keys = key_set(*others, public(RSA), *others)
    assert choose_key(keys, kid="rsa", alg=RS256).thumbprint() == RSA.thumbprint()


@pytest.mark.parametrize(
    "kid", ["unknown", "", "RSA", "rsa ", "../rsa", "x" * 10_000, "'; drop", "a\nb", "rsa\x00"]
)
def test_a_kid_that_is_not_there_is_unknown(kid: str) -> None:
    assert fault_of(key_set(public(RSA), public(EC)), kid=kid) is Fault.KEY_UNKNOWN


def test_a_key_without_kid_is_not_meant_by_a_token_with_one() -> None:
    assert fault_of(key_set(public(RSA, kid=ABSENT)), kid="rsa") is Fault.KEY_UNKNOWN


def test_without_keys_every_key_is_unknown() -> None:
    assert fault_of(KeySet(()), kid=None) is Fault.KEY_UNKNOWN


@pytest.mark.parametrize("kid", [None, "rsa"])
def test_several_fitting_keys_are_ambiguous(kid: str | None) -> None:
    keys = key_set(public(RSA), public(OTHER_RSA, kid="rsa"))
    assert fault_of(keys, kid=kid) is Fault.KEY_AMBIGUOUS


@pytest.mark.parametrize("kid", [None, "rsa"])
@pytest.mark.parametrize("alg", [ES256, PS256])
def test_a_key_for_another_algorithm_is_unusable(kid: str | None, alg: SigningAlg) -> None:
    assert fault_of(key_set(public(RSA)), kid=kid, alg=alg) is Fault.KEY_UNUSABLE


def test_a_refusal_does_not_repeat_the_kid() -> None:
    with pytest.raises(ProviderError) as refused:
        choose_key(key_set(public(RSA)), kid="canary", alg=RS256)
    assert "canary" not in str(refused.value)


def test_the_key_of_hs256_is_the_client_secret() -> None:
    assert hmac_key(Secret(CLIENT_SECRET)).raw_value == CLIENT_SECRET.encode()


@pytest.mark.parametrize(
    "last, now, may",
    [(None, 0, True), (100, 100, False), (100, 129, False), (100, 130, True), (100, 99, True)],
)
def test_keys_are_fetched_again_once_a_cooldown(last: int | None, now: int, *, may: bool) -> None:
    assert may_refetch(last=last, now=now, cooldown=30) is may
