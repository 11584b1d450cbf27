from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.answer import Answer
from gateway.oidc.client import SigningAlg
from gateway.oidc.id_token import IDToken
from gateway.oidc.userinfo import (
    PlainUserinfo,
    SignedUserinfo,
    Userinfo,
    check_signed_userinfo,
    check_userinfo_response,
    identity_claims,
)
from gateway.secret import Secret
from tests.support.honest import (
    ABSENT,
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    SUB,
    answer,
    client,
    id_token_claims,
    userinfo_claims,
)

SKEW = 30
JWS = "a.b.c"
SIGNED = client()
PLAIN = client(userinfo_signed_response_alg=None)


def id_token(**changes: object) -> IDToken:
    return IDToken(id_token_claims(**changes))


def fault_of(wrong: Answer, registered: Any = SIGNED) -> Fault:
    with pytest.raises(ProviderError) as refused:
        check_userinfo_response(wrong, registered)
    return refused.value.fault


@pytest.mark.parametrize(
    "content_type", ["application/jwt", "application/jwt; charset=utf-8", "Application/JWT;x=y"]
)
@pytest.mark.parametrize("alg", list(SigningAlg))
def test_a_signed_response_is_to_be_verified_as_registered(content_type: str, alg: SigningAlg) -> None:
    userinfo: Userinfo = check_userinfo_response(
        answer(JWS, content_type=content_type), client(userinfo_signed_response_alg=alg)
    )
    assert userinfo == SignedUserinfo(Secret(JWS), alg)


def test_a_plain_response_is_read_where_it_is_registered() -> None:
    honest = answer(userinfo_claims(), content_type="application/json; charset=utf-8")
    assert check_userinfo_response(honest, PLAIN) == PlainUserinfo(userinfo_claims())


@pytest.mark.parametrize("body", [userinfo_claims(), JWS, ""])
def test_a_plain_response_where_a_signed_one_is_registered_is_refused(body: object) -> None:
    assert fault_of(answer(body)) is Fault.USERINFO_UNSIGNED


@pytest.mark.parametrize(
    "content_type", ["text/html", "text/plain", "application/jose", "jwt", "", "application/jwt, x/y"]
)
@pytest.mark.parametrize("registered", [SIGNED, PLAIN], ids=["signed", "plain"])
def test_another_media_type_is_refused(registered: Any, content_type: str) -> None:
    assert fault_of(answer(JWS, content_type=content_type), registered) is Fault.USERINFO_TYPE


def test_a_signed_response_where_a_plain_one_is_registered_is_refused() -> None:
    assert fault_of(answer(JWS, content_type="application/jwt"), PLAIN) is Fault.USERINFO_TYPE


@pytest.mark.parametrize("status", [204, 301, 302, 307, 400, 401, 403, 500, 503])
@pytest.mark.parametrize("registered", [SIGNED, PLAIN], ids=["signed", "plain"])
def test_an_error_or_a_redirection_is_refused(registered: Any, status: int) -> None:
    assert fault_of(answer(userinfo_claims(), status=status), registered) is Fault.USERINFO_ERROR


@pytest.mark.parametrize("body", ["[]", "<html>", '{"sub":"a","sub":"b"}', '{"sub":NaN}', ""])
def test_a_malformed_plain_response_is_refused(body: str) -> None:
    assert fault_of(answer(body), PLAIN) is Fault.USERINFO_MALFORMED


def check_signed(**changes: object) -> None:
    check_signed_userinfo(
        userinfo_claims(**changes),
        issuer=ISSUER,
        client=SIGNED,
        id_token=id_token(),
        now=NOW,
        skew=SKEW,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"exp": ABSENT},
        {"exp": NOW - SKEW + 1},
        {"aud": [CLIENT_ID]},
        {"iat": ABSENT},
        {"nonce": "another"},
        {"acr": "eidas3"},
    ],
    ids=str,
)
def test_what_a_signed_response_may_say(changes: dict[str, object]) -> None:
    check_signed(**changes)


@pytest.mark.parametrize(
    "fault, changes",
    [
        (Fault.USERINFO_ISS, {"iss": "https://other.test"}),
        (Fault.USERINFO_ISS, {"iss": ISSUER + "/"}),
        (Fault.USERINFO_ISS, {"iss": [ISSUER]}),
        (Fault.USERINFO_ISS, {"iss": ABSENT}),
        (Fault.USERINFO_AUD, {"aud": "other"}),
        (Fault.USERINFO_AUD, {"aud": [CLIENT_ID, "other"]}),
        (Fault.USERINFO_AUD, {"aud": ABSENT}),
        (Fault.USERINFO_EXP, {"exp": NOW - SKEW}),
        (Fault.USERINFO_EXP, {"exp": "never"}),
        (Fault.USERINFO_EXP, {"exp": None}),
        (Fault.USERINFO_EXP, {"nbf": NOW + SKEW + 1}),
        (Fault.USERINFO_TYPE, {"nonce": NONCE}),
    ],
    ids=lambda case: case.value if isinstance(case, Fault) else repr(case)[:48],
)
def test_a_signed_response_of_others_or_for_others_is_refused(
    fault: Fault, changes: dict[str, object]
) -> None:
    with pytest.raises(ProviderError) as refused:
        check_signed(**changes)
    assert refused.value.fault is fault


@pytest.mark.parametrize("sub", [SUB.upper(), SUB + " ", SUB[:-1], "other", "", 7, None, [SUB], ABSENT])
def test_userinfo_about_another_person_is_refused(sub: object) -> None:
    with pytest.raises(ProviderError) as refused:
        identity_claims(id_token(), userinfo_claims(sub=sub))
    assert refused.value.fault is Fault.USERINFO_SUB
    assert SUB not in str(refused.value)


def test_the_identity_is_userinfo_with_the_assurance_of_the_id_token() -> None:
    claims = identity_claims(id_token(amr=["pwd"], family_name="not taken"), userinfo_claims())
    assert claims == {
        "sub": SUB,
        "given_name": "Éléonore",
        "email": "Eleonore.Lefevre@Agriculture.example.fr",
        "roles": ["agent_public"],
        "acr": "eidas1",
        "amr": ["pwd"],
        "auth_time": NOW - 5,
    }


def test_userinfo_cannot_speak_for_the_id_token() -> None:
    reaching = {
        "acr": "eidas3",
        "amr": ["hwk"],
        "auth_time": NOW,
        "azp": "x",
        "at_hash": "x",
        "c_hash": "x",
        "nonce": "x",
        "sid": "x",
        "jti": "x",
        "nbf": 1,
        "_claim_names": {"email": "evil"},
        "_claim_sources": {"evil": {"endpoint": "http://127.0.0.1/"}},
    }
    claims = identity_claims(id_token(acr=ABSENT, auth_time=ABSENT), userinfo_claims(**reaching))
    assert claims.keys() == {"sub", "given_name", "email", "roles"}


def test_without_userinfo_the_id_token_says_who_it_is() -> None:
    claims = identity_claims(id_token(email="a@b.fr", sid="x"), None)
    assert claims == {"sub": SUB, "email": "a@b.fr", "acr": "eidas1", "auth_time": NOW - 5}
