from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import Fault, ProviderError, SessionRefusedError
from gateway.oidc.id_token import ExpectedRefreshed, IDToken, check_refreshed_id_token
from gateway.oidc.refresh import Refreshing, first_grant, refreshed
from gateway.oidc.tokens import (
    RefreshResponse,
    TokenResponse,
    check_refresh_response,
    refresh_parameters,
)
from gateway.secret import Secret
from gateway.sessions.session import Grant, SignedIn
from tests.support.honest import (
    ABSENT,
    ACCESS_TOKEN,
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    SUB,
    answer,
    client,
    half_hash,
    id_token_claims,
    token_document,
)

ASKED_AT = NOW - 2
SKEW = 30
HOUR = 3_600
GRANT = Grant(refresh_token=Secret("before"), nonce=NONCE, due_at=NOW, number=3)
SESSION = SignedIn(
    id="a1",
    host="app.example",
    provider="sso",
    claims={"sub": SUB, "email": "a@x.example", "roles": ["agent"], "acr": "eidas1", "auth_time": NOW - 5},
    id_token=Secret("before.id.token"),
    signed_in_at=NOW - HOUR,
    last_seen=NOW - 60,
    sid="a-sid",
    grant=GRANT,
)


def check(*, session: SignedIn = SESSION, **changes: Any) -> IDToken:
    expected = ExpectedRefreshed(
        issuer=ISSUER,
        client=client(),
        session=session,
        grant=GRANT,
        asked_at=ASKED_AT,
        access_token=Secret(ACCESS_TOKEN),
        skew=SKEW,
    )
    return check_refreshed_id_token(id_token_claims(**changes), expected=expected, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"nonce": ABSENT},
        {"auth_time": ABSENT},
        {"at_hash": ABSENT},
        {"aud": [CLIENT_ID]},
        {"azp": CLIENT_ID},
        {"iat": ASKED_AT - SKEW},
    ],
)
def test_an_id_token_may_say_this_of_a_session(changes: dict[str, Any]) -> None:
    assert check(**changes).sub == SUB


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"iss": f"{ISSUER}/"}, Fault.ID_TOKEN_ISS),
        ({"aud": "another"}, Fault.ID_TOKEN_AUD),
        ({"azp": "another"}, Fault.ID_TOKEN_AZP),
        ({"exp": NOW - SKEW}, Fault.ID_TOKEN_EXP),
        ({"nbf": NOW + SKEW + 1}, Fault.ID_TOKEN_NBF),
        ({"iat": NOW + SKEW + 1}, Fault.ID_TOKEN_IAT),
        ({"iat": ASKED_AT - SKEW - 1}, Fault.ID_TOKEN_IAT),
        ({"nonce": "n"}, Fault.ID_TOKEN_NONCE),
        ({"nonce": None}, Fault.ID_TOKEN_NONCE),
        ({"at_hash": half_hash("another")}, Fault.ID_TOKEN_AT_HASH),
        ({"sub": "somebody-else"}, Fault.ID_TOKEN_SUB),
        ({"sub": ABSENT}, Fault.ID_TOKEN_SUB),
        ({"auth_time": NOW - 4}, Fault.ID_TOKEN_AUTH_TIME),
        ({"auth_time": str(NOW - 5)}, Fault.ID_TOKEN_AUTH_TIME),
        ({"acr": ["eidas3"]}, Fault.ID_TOKEN_MALFORMED),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, Fault.ID_TOKEN_TYPE),
    ],
)
def test_an_id_token_that_says_this_is_not_this_sessions(changes: dict[str, Any], fault: Fault) -> None:
    with pytest.raises(ProviderError) as refused:
        check(**changes)
    assert refused.value.fault is fault


def test_an_auth_time_that_the_sign_in_did_not_tell_is_not_compared() -> None:
    without = {name: value for name, value in SESSION.claims.items() if name != "auth_time"}
    assert check(session=replace(SESSION, claims=without)).sub == SUB


def test_a_refresh_token_is_sent_alone() -> None:
    assert refresh_parameters(GRANT.refresh_token) == {
        "grant_type": "refresh_token",
        "refresh_token": "before",
    }


def test_what_is_in_an_answer_is_read() -> None:
    response = check_refresh_response(answer(token_document(id_token="a.b.c", refresh_token="next")))
    assert (response.id_token, response.refresh_token) == (Secret("a.b.c"), Secret("next"))


def test_what_is_not_in_an_answer_stays() -> None:
    document = token_document(id_token=ABSENT, refresh_token=ABSENT, expires_in=ABSENT)
    response = check_refresh_response(answer(document))
    assert (response.id_token, response.refresh_token, response.expires_in) == (None, None, None)
    assert response.access_token == Secret(ACCESS_TOKEN)


@pytest.mark.parametrize("status", [400, 200])
def test_a_token_that_is_good_for_nothing_ends_the_session(status: int) -> None:
    with pytest.raises(SessionRefusedError) as refused:
        check_refresh_response(answer({"error": "invalid_grant"}, status=status))
    assert refused.value.fault is Fault.REFRESH_REFUSED


@pytest.mark.parametrize("id_token", [{}, 1, ""])
def test_what_stands_for_an_id_token_and_is_none_ends_the_session(id_token: object) -> None:
    with pytest.raises(SessionRefusedError) as refused:
        check_refresh_response(answer(token_document(id_token=id_token)))
    assert refused.value.fault is Fault.REFRESH_MISMATCH


@pytest.mark.parametrize(
    "said",
    [
        answer({"error": "temporarily_unavailable"}, status=503),
        answer({"error": "invalid_client"}, status=401),
        answer(b"", status=500),
        answer(b"no"),
        answer(token_document(id_token="a.b.c", token_type="mac")),
        answer(token_document(id_token="a.b.c", refresh_token="a b")),
        answer(token_document(id_token="a.b.c", refresh_token=1)),
    ],
)
def test_any_other_answer_says_nothing_of_the_session(said: Any) -> None:
    with pytest.raises(ProviderError) as refused:
        check_refresh_response(said)
    assert not isinstance(refused.value, SessionRefusedError)


@pytest.mark.parametrize(
    "interval, expires_in, exp, due",
    [
        (None, 1_000, NOW + HOUR, 900),
        (None, 0, NOW + HOUR, 10),
        (None, None, NOW + HOUR, 3_240),
        (None, None, None, 270),
        (600, 1_000, NOW + HOUR, 600),
        (1, None, None, 1),
    ],
)
def test_a_session_is_due_before_its_tokens_end_or_when_the_settings_say(
    interval: int | None, expires_in: int | None, exp: int | None, due: int
) -> None:
    id_token = None if exp is None else IDToken({"exp": exp})
    assert Refreshing(interval).due_at(expires_in, id_token, now=NOW) == NOW + due


def tokens(refresh_token: str | None = "after") -> TokenResponse:
    return TokenResponse(
        access_token=Secret(ACCESS_TOKEN),
        id_token=Secret("an.id.token"),
        refresh_token=None if refresh_token is None else Secret(refresh_token),
        expires_in=1_000,
    )


def test_a_sign_in_gives_a_grant_where_sessions_are_refreshed() -> None:
    id_token = IDToken(id_token_claims())
    assert first_grant(tokens(), id_token, Refreshing(), now=NOW) == Grant(
        refresh_token=Secret("after"), nonce=NONCE, due_at=NOW + 900
    )
    assert first_grant(tokens(), id_token, None, now=NOW) is None
    assert first_grant(tokens(None), id_token, Refreshing(), now=NOW) is None


def after(
    *, before: dict[str, Any], said: dict[str, Any] | None, token: str | None = "after", unread: bool = False
) -> SignedIn:
    response = RefreshResponse(
        access_token=Secret(ACCESS_TOKEN),
        id_token=None if said is None and not unread else Secret("after.id.token"),
        refresh_token=None if token is None else Secret(token),
        expires_in=1_000,
    )
    return refreshed(
        SESSION,
        GRANT,
        response,
        id_token=None if said is None else IDToken({"sub": SUB, "exp": NOW + HOUR, **said}),
        before=before,
        how=Refreshing(),
        now=NOW,
    )


def test_the_next_grant_follows_and_the_lifetimes_stay() -> None:
    session = after(before={}, said=None)
    following = Grant(refresh_token=Secret("after"), nonce=NONCE, due_at=NOW + 900, number=4)
    assert session == replace(SESSION, grant=following)
    kept = after(before={}, said=None, token=None).grant
    assert kept == replace(following, refresh_token=Secret("before"))


def test_an_id_token_that_nobody_could_verify_changes_nothing() -> None:
    session = after(before={"email": "a@x.example"}, said=None, unread=True)
    assert replace(session, grant=GRANT) == SESSION


def test_the_providers_session_stays_where_the_id_token_does_not_name_it() -> None:
    assert after(before={}, said={}).sid == SESSION.sid


def test_a_claim_follows_the_id_token_if_it_did_before() -> None:
    before = {"email": "a@x.example", "roles": ["another shape"]}
    session = after(before=before, said={"email": "b@x.example", "roles": ["chief"], "name": "B"})
    assert session.claims == {**SESSION.claims, "email": "b@x.example"}
    assert session.id_token == Secret("after.id.token")


def test_nobody_is_authenticated_better_by_a_refresh() -> None:
    before = {"acr": "eidas1", "auth_time": NOW - 5}
    session = after(before=before, said={"acr": "eidas3", "amr": ["mfa"], "sid": "another-sid"})
    assert session.claims == SESSION.claims
    assert session.sid == "another-sid"
