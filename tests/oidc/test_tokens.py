from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.answer import Answer
from gateway.oidc.tokens import check_token_response, token_parameters
from gateway.secret import Secret
from tests.support.honest import (
    ABSENT,
    ACCESS_TOKEN,
    CODE,
    VERIFIER,
    answer,
    code,
    pending,
    token_document,
)

JWS = "a.b.c"


def document(**changes: Any) -> dict[str, Any]:
    return token_document(**{"id_token": JWS, **changes})


def fault_of(wrong: Answer) -> Fault:
    with pytest.raises(ProviderError) as refused:
        check_token_response(wrong)
    return refused.value.fault


def test_a_code_is_redeemed_with_its_verifier() -> None:
    assert token_parameters(code(), pending()) == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": "https://gw.test/_gateway/callback",
        "code_verifier": VERIFIER,
    }


def test_an_honest_response_gives_its_tokens() -> None:
    response = check_token_response(answer(document()))
    assert response.access_token == Secret(ACCESS_TOKEN)
    assert response.id_token == Secret(JWS)
    assert response.expires_in == 3600
    assert ACCESS_TOKEN not in repr(response)


@pytest.mark.parametrize(
    "changes",
    [
        {"token_type": "bearer"},
        {"token_type": "BEARER"},
        {"expires_in": ABSENT},
        {"expires_in": 0},
        {"refresh_token": ABSENT},
        {"scope": ABSENT},
        {"scope": ""},
        {"access_token": "!~" + "a" * 16_382},
        {"unknown": [1, {"a": None}]},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_what_a_response_may_hold(changes: dict[str, object]) -> None:
    assert check_token_response(answer(document(**changes))).id_token == Secret(JWS)


@pytest.mark.parametrize(
    "said, read",
    [("next", Secret("next")), (ABSENT, None), (None, None), ("", None), ({}, None), ("a b", None)],
)
def test_a_refresh_token_is_kept_if_it_is_one(said: object, read: Secret | None) -> None:
    assert check_token_response(answer(document(refresh_token=said))).refresh_token == read


def test_a_life_that_is_not_told_is_not_known() -> None:
    assert check_token_response(answer(document(expires_in=ABSENT))).expires_in is None


def test_the_media_type_may_have_parameters() -> None:
    honest = answer(document(), content_type="Application/JSON; charset=UTF-8")
    assert check_token_response(honest).id_token == Secret(JWS)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_refused(status: int) -> None:
    assert fault_of(answer(document(), status=status)) is Fault.TOKEN_REDIRECT


@pytest.mark.parametrize(
    "wrong, said",
    [
        (answer({"error": "invalid_grant"}, status=400), "invalid_grant"),
        (answer({"error": "invalid_client", "error_description": "canary"}, status=401), "invalid_client"),
        (answer({"error": "invalid_request"}, status=400), "invalid_request"),
        (answer({"error": "unauthorized_client"}, status=400), "unauthorized_client"),
        (answer({"error": "unsupported_grant_type"}, status=400), "unsupported_grant_type"),
        (answer({"error": "invalid_scope"}, status=400), "invalid_scope"),
        (answer({"error": "canary"}, status=400), "unknown"),
        (answer({"error": ["invalid_grant"]}, status=400), "unknown"),
        (answer({}, status=400), "unknown"),
        (answer("<html>canary", status=500, content_type="text/html"), "unknown"),
        (answer("", status=503), "unknown"),
        (answer("", status=204), "unknown"),
        (answer(document(), status=201), "unknown"),
        (answer({**document(), "error": "invalid_grant"}), "invalid_grant"),
        (answer({**document(), "error": None}), "unknown"),
    ],
    ids=str,
)
def test_an_error_is_told_by_its_code_if_it_is_a_known_one(wrong: Answer, said: str) -> None:
    with pytest.raises(ProviderError) as refused:
        check_token_response(wrong)
    assert refused.value.fault is Fault.TOKEN_ERROR
    assert refused.value.facts == {"status": wrong.status, "error": said}
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "token_type", ["mac", "N_A", "", "DPoP", "Bearer ", "Bearer x", ["Bearer"], None, ABSENT]
)
def test_another_type_of_token_is_refused(token_type: object) -> None:
    assert fault_of(answer(document(token_type=token_type))) is Fault.TOKEN_TYPE


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": ABSENT},
        {"access_token": None},
        {"access_token": 7},
        {"access_token": [ACCESS_TOKEN]},
        {"access_token": ""},
        {"access_token": "a b"},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "a\n"},
        {"access_token": "é"},
        {"access_token": "a" * 16_385},
        {"access_token": "a" * 900_000},
        {"id_token": ABSENT},
        {"id_token": None},
        {"id_token": 7},
        {"id_token": ""},
        {"id_token": [JWS]},
        {"expires_in": "3600"},
        {"expires_in": -1},
        {"expires_in": 1e308},
        {"expires_in": 3600.5},
        {"expires_in": True},
        {"expires_in": None},
        {"expires_in": 1 << 32},
        {"scope": None},
        {"scope": ["openid"]},
        {"scope": 7},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_malformed_member_is_refused(changes: dict[str, object]) -> None:
    assert fault_of(answer(document(**changes))) is Fault.TOKEN_MALFORMED


@pytest.mark.parametrize(
    "wrong",
    [
        answer("<html>"),
        answer(document(), content_type="text/html"),
        answer(document(), content_type=""),
        answer([document()]),
        answer(b"\xef\xbb\xbf" + json.dumps(document()).encode()),
        answer(json.dumps(document()).encode("utf-16")),
        answer(json.dumps(document()) + "x"),
        answer(json.dumps(document())[:-1] + ',"id_token":"x.y.z"}'),
        answer(""),
    ],
    ids=lambda wrong: f"{wrong.content_type} {wrong.body[:20]!r}",
)
def test_a_malformed_body_is_refused(wrong: Answer) -> None:
    assert fault_of(wrong) is Fault.TOKEN_MALFORMED
