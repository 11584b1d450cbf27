from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.client import SigningAlg
from gateway.oidc.id_token import ExpectedIDToken, IDToken, check_id_token
from gateway.secret import Secret
from tests.support.honest import (
    ABSENT,
    ACCESS_TOKEN,
    CLIENT_ID,
    CODE,
    ISSUER,
    NONCE,
    NOW,
    SUB,
    client,
    code,
    half_hash,
    id_token_claims,
    pending,
)

SKEW = 30
BEGAN = NOW - 20


def check(*, alg: Any = SigningAlg.RS256, **changes: Any) -> IDToken:
    expected = ExpectedIDToken(
        issuer=ISSUER,
        client=client(id_token_signed_response_alg=alg),
        pending=pending(started_at=BEGAN),
        code=code(),
        access_token=Secret(ACCESS_TOKEN),
        skew=SKEW,
    )
    return check_id_token(id_token_claims(**changes), expected=expected, now=NOW)


def test_an_honest_id_token_says_who_signed_in() -> None:
    assert check().sub == SUB


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT_ID]},
        {"azp": CLIENT_ID},
        {"exp": NOW - SKEW + 1},
        {"exp": NOW + 0.5},
        {"nbf": NOW + SKEW},
        {"iat": NOW + SKEW},
        {"iat": BEGAN - SKEW},
        {"at_hash": ABSENT},
        {"c_hash": half_hash(CODE)},
        {"sub": "x"},
        {"sub": "a b~!"},
        {"sub": "x" * 255},
        {"acr": ABSENT},
        {"acr": "https://proconnect.gouv.fr/assurance/certification-dirigeant"},
        {"amr": ["pwd", "mail"]},
        {"amr": []},
        {"auth_time": ABSENT},
        {"auth_time": 0},
        {"auth_time": NOW + SKEW},
        {"unknown": {"a": [1]}},
    ],
    ids=str,
)
def test_what_an_id_token_may_say(changes: dict[str, object]) -> None:
    assert check(**changes).sub == changes.get("sub", SUB)


@pytest.mark.parametrize("alg", list(SigningAlg))
def test_the_half_hash_is_of_the_registered_algorithm(alg: SigningAlg) -> None:
    assert check(alg=alg).sub == SUB


@pytest.mark.parametrize(
    "fault, changes",
    [
        (Fault.ID_TOKEN_ISS, {"iss": ISSUER + "/"}),
        (Fault.ID_TOKEN_ISS, {"iss": ISSUER + "x"}),
        (Fault.ID_TOKEN_ISS, {"iss": ISSUER[:-1]}),
        (Fault.ID_TOKEN_ISS, {"iss": ISSUER.upper()}),
        (Fault.ID_TOKEN_ISS, {"iss": "https://other.test"}),
        (Fault.ID_TOKEN_ISS, {"iss": [ISSUER]}),
        (Fault.ID_TOKEN_ISS, {"iss": ABSENT}),
        (Fault.ID_TOKEN_AUD, {"aud": "other"}),
        (Fault.ID_TOKEN_AUD, {"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID}),
        (Fault.ID_TOKEN_AUD, {"aud": []}),
        (Fault.ID_TOKEN_AUD, {"aud": ABSENT}),
        (Fault.ID_TOKEN_AZP, {"azp": "other"}),
        (Fault.ID_TOKEN_AZP, {"azp": None}),
        (Fault.ID_TOKEN_AZP, {"azp": [CLIENT_ID]}),
        (Fault.ID_TOKEN_EXP, {"exp": NOW - SKEW}),
        (Fault.ID_TOKEN_EXP, {"exp": ABSENT}),
        (Fault.ID_TOKEN_EXP, {"exp": "text"}),
        (Fault.ID_TOKEN_EXP, {"exp": True}),
        (Fault.ID_TOKEN_EXP, {"exp": -1}),
        (Fault.ID_TOKEN_NBF, {"nbf": NOW + SKEW + 1}),
        (Fault.ID_TOKEN_NBF, {"nbf": False}),
        (Fault.ID_TOKEN_IAT, {"iat": ABSENT}),
        (Fault.ID_TOKEN_IAT, {"iat": "now"}),
        (Fault.ID_TOKEN_IAT, {"iat": True}),
        (Fault.ID_TOKEN_IAT, {"iat": NOW + SKEW + 1}),
        (Fault.ID_TOKEN_IAT, {"iat": NOW * 1000}),
        (Fault.ID_TOKEN_IAT, {"iat": NOW - 86_400}),
        (Fault.ID_TOKEN_IAT, {"iat": BEGAN - SKEW - 1}),
        (Fault.ID_TOKEN_NONCE, {"nonce": ABSENT}),
        (Fault.ID_TOKEN_NONCE, {"nonce": None}),
        (Fault.ID_TOKEN_NONCE, {"nonce": ""}),
        (Fault.ID_TOKEN_NONCE, {"nonce": NONCE[:-1]}),
        (Fault.ID_TOKEN_NONCE, {"nonce": NONCE + "n"}),
        (Fault.ID_TOKEN_NONCE, {"nonce": "m" * 43}),
        (Fault.ID_TOKEN_NONCE, {"nonce": [NONCE]}),
        (Fault.ID_TOKEN_AT_HASH, {"at_hash": half_hash("other")}),
        (Fault.ID_TOKEN_AT_HASH, {"at_hash": half_hash(ACCESS_TOKEN)[:-1]}),
        (Fault.ID_TOKEN_AT_HASH, {"at_hash": half_hash(ACCESS_TOKEN) + "="}),
        (Fault.ID_TOKEN_AT_HASH, {"at_hash": ""}),
        (Fault.ID_TOKEN_AT_HASH, {"at_hash": None}),
        (Fault.ID_TOKEN_AT_HASH, {"at_hash": 7}),
        (Fault.ID_TOKEN_AT_HASH, {"c_hash": half_hash("other")}),
        (Fault.ID_TOKEN_SUB, {"sub": ABSENT}),
        (Fault.ID_TOKEN_SUB, {"sub": ""}),
        (Fault.ID_TOKEN_SUB, {"sub": 7}),
        (Fault.ID_TOKEN_SUB, {"sub": "x" * 256}),
        (Fault.ID_TOKEN_SUB, {"sub": "a\r\nb"}),
        (Fault.ID_TOKEN_SUB, {"sub": "a\x00"}),
        (Fault.ID_TOKEN_SUB, {"sub": "a\n"}),
        (Fault.ID_TOKEN_SUB, {"sub": "a\x7f"}),
        (Fault.ID_TOKEN_SUB, {"sub": " a"}),
        (Fault.ID_TOKEN_SUB, {"sub": "a "}),
        (Fault.ID_TOKEN_SUB, {"sub": " "}),
        (Fault.ID_TOKEN_SUB, {"sub": "é"}),
        (Fault.ID_TOKEN_SUB, {"sub": "\u0430"}),  # a letter that only looks like an a
        (Fault.ID_TOKEN_MALFORMED, {"acr": ["eidas2"]}),
        (Fault.ID_TOKEN_MALFORMED, {"acr": None}),
        (Fault.ID_TOKEN_MALFORMED, {"acr": 2}),
        (Fault.ID_TOKEN_MALFORMED, {"amr": "mfa"}),
        (Fault.ID_TOKEN_MALFORMED, {"amr": ["mfa", 1]}),
        (Fault.ID_TOKEN_MALFORMED, {"amr": None}),
        (Fault.ID_TOKEN_AUTH_TIME, {"auth_time": "now"}),
        (Fault.ID_TOKEN_AUTH_TIME, {"auth_time": None}),
        (Fault.ID_TOKEN_AUTH_TIME, {"auth_time": True}),
        (Fault.ID_TOKEN_AUTH_TIME, {"auth_time": -1}),
        (Fault.ID_TOKEN_AUTH_TIME, {"auth_time": NOW + SKEW + 1}),
    ],
    ids=lambda case: case.value if isinstance(case, Fault) else repr(case)[:48],
)
def test_an_id_token_that_does_not_answer_the_attempt_is_refused(
    fault: Fault, changes: dict[str, object]
) -> None:
    with pytest.raises(ProviderError) as refused:
        check(**changes)
    assert refused.value.fault is fault


def test_the_checks_are_made_in_the_order_of_the_specification() -> None:
    wrong = {
        "iss": "x",
        "aud": "x",
        "azp": "x",
        "exp": 0,
        "nbf": NOW * 2,
        "iat": 0,
        "nonce": "x",
        "at_hash": "x",
        "sub": "",
    }
    right = id_token_claims(azp=CLIENT_ID, nbf=NOW)
    met = []
    while wrong:
        with pytest.raises(ProviderError) as refused:
            check(**wrong)
        name = refused.value.fault.removeprefix("id-token-").replace("-", "_")
        met.append(name)
        del wrong[name]
        assert right[name] is not None
    assert met == ["iss", "aud", "azp", "exp", "nbf", "iat", "nonce", "at_hash", "sub"]


@pytest.mark.parametrize(
    "changes", [{"nonce": "canary"}, {"sub": "canary\n"}, {"at_hash": "canary"}, {"aud": "canary"}]
)
def test_a_refusal_repeats_nothing_about_the_person(changes: dict[str, object]) -> None:
    with pytest.raises(ProviderError) as refused:
        check(**changes)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("sid, said", [("a-sid", "a-sid"), (ABSENT, None), (5, None), (["a-sid"], None)])
def test_the_providers_session_is_text_or_none(sid: Any, said: str | None) -> None:
    assert check(sid=sid).sid == said
