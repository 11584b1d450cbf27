from __future__ import annotations

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.claims import is_only_audience, is_subject, personal, require_current, seconds
from tests.support.honest import CLIENT_ID, NOW

SKEW = 30


@pytest.mark.parametrize("aud", [CLIENT_ID, [CLIENT_ID]])
def test_a_statement_for_the_client_alone_is_for_it(aud: object) -> None:
    assert is_only_audience({"aud": aud}, CLIENT_ID)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": None},
        {"aud": ""},
        {"aud": []},
        {"aud": {CLIENT_ID: 1}},
        {"aud": "other"},
        {"aud": CLIENT_ID + "x"},
        {"aud": CLIENT_ID.upper()},
        {"aud": ["other"]},
        {"aud": [CLIENT_ID, "other"]},
        {"aud": ["other", CLIENT_ID]},
        {"aud": [[CLIENT_ID]]},
    ],
    ids=str,
)
def test_a_statement_for_others_too_is_not(claims: dict[str, object]) -> None:
    assert not is_only_audience(claims, CLIENT_ID)


@pytest.mark.parametrize("value", [0, 1, NOW, 1.5, 1e300])
def test_a_date_is_a_number(value: float) -> None:
    assert seconds({"exp": value}, "exp", Fault.ID_TOKEN_EXP) == value


@pytest.mark.parametrize("value", ["1800000000", "", True, False, None, -1, -0.5, [NOW], {}])
def test_nothing_else_is_a_date(value: object) -> None:
    with pytest.raises(ProviderError) as refused:
        seconds({"exp": value}, "exp", Fault.ID_TOKEN_EXP)
    assert refused.value.fault is Fault.ID_TOKEN_EXP


def current(**claims: object) -> None:
    require_current(claims, exp=Fault.ID_TOKEN_EXP, nbf=Fault.ID_TOKEN_NBF, now=NOW, skew=SKEW)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 1},
        {"exp": NOW},
        {"exp": NOW - SKEW + 1},
        {"exp": NOW + 1, "nbf": NOW},
        {"exp": NOW + 1, "nbf": NOW + SKEW},
    ],
    ids=str,
)
def test_a_statement_is_current_within_the_skew(claims: dict[str, object]) -> None:
    current(**claims)


@pytest.mark.parametrize(
    "claims, fault",
    [
        ({}, Fault.ID_TOKEN_EXP),
        ({"exp": NOW - SKEW}, Fault.ID_TOKEN_EXP),
        ({"exp": NOW - SKEW - 1}, Fault.ID_TOKEN_EXP),
        ({"exp": 0}, Fault.ID_TOKEN_EXP),
        ({"exp": NOW + 1, "nbf": NOW + SKEW + 1}, Fault.ID_TOKEN_NBF),
        ({"exp": NOW + 1, "nbf": "now"}, Fault.ID_TOKEN_NBF),
        ({"exp": NOW + 1, "nbf": None}, Fault.ID_TOKEN_NBF),
    ],
    ids=str,
)
def test_a_statement_beyond_the_skew_is_not_current(claims: dict[str, object], fault: Fault) -> None:
    with pytest.raises(ProviderError) as refused:
        current(**claims)
    assert refused.value.fault is fault


def test_what_a_statement_says_about_itself_is_not_about_the_person() -> None:
    about = {"iss": 1, "exp": 1, "nonce": 1, "acr": 1, "auth_time": 1, "_claim_sources": 1}
    assert personal({**about, "sub": "b", "email": "a@b.fr", "chorusdt:societe": "x"}) == {
        "sub": "b",
        "email": "a@b.fr",
        "chorusdt:societe": "x",
    }


ABOUT_ITSELF = [
    *("iss", "aud", "exp", "nbf", "iat", "jti", "nonce", "azp", "at_hash", "c_hash", "sid"),
    *("_claim_names", "_claim_sources"),
]
ABOUT_THE_SIGN_IN = ["acr", "amr", "auth_time"]


@pytest.mark.parametrize("name", [*ABOUT_ITSELF, *ABOUT_THE_SIGN_IN])
def test_no_such_claim_is_taken_for_one_about_the_person(name: str) -> None:
    assert personal({name: "x", "sub": "b"}) == {"sub": "b"}


@pytest.mark.parametrize("value", ["b", "b7d6ff3c-0f2b", "a b", "~" * 255])
def test_a_subject_is_up_to_255_characters_of_ascii(value: str) -> None:
    assert is_subject(value) is True


@pytest.mark.parametrize("value", ["", " b", "b ", "b\n", "é", "a\tb", "a" * 256, None, 7, ["b"], b"b", True])
def test_nothing_else_is_a_subject(value: object) -> None:
    assert is_subject(value) is False
