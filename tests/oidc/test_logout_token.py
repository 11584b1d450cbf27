from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.logout_token import LogoutToken, check_logout_token
from tests.support import honest
from tests.support.alterations import changed
from tests.support.honest import ABSENT, NOW
from tests.support.logout_tokens import CLAIMS, honest_claims

SKEW = 30
WHO = {"sub": honest.SUB, "sid": "a-sid"}


def claims(**changes: Any) -> dict[str, Any]:
    return changed(honest_claims(issuer=honest.ISSUER, client_id=honest.CLIENT_ID, now=NOW, **WHO), changes)


def check(said: dict[str, Any], *, now: int = NOW) -> LogoutToken:
    return check_logout_token(said, issuer=honest.ISSUER, client=honest.client(), now=now, skew=SKEW)


def test_a_logout_token_says_whose_sessions_end() -> None:
    assert check(claims(jti="a-jti")) == LogoutToken(
        sub=honest.SUB, sid="a-sid", jti="a-jti", ends=NOW + 120 + SKEW + 1
    )


@pytest.mark.parametrize("absent", ["sub", "sid"])
def test_one_of_sub_and_sid_is_enough(absent: str) -> None:
    token = check(claims(**{absent: ABSENT}))
    assert {name: getattr(token, name) for name in WHO} == {**WHO, absent: None}


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [honest.CLIENT_ID]},
        {"events": {**honest_claims(issuer="", client_id="", now=0)["events"], "https://x.example/e": {}}},
        {"exp": NOW - SKEW + 1},
        {"iat": NOW + SKEW},
        {"nbf": NOW + SKEW},
        {"iat": NOW - 3_000},
        {"trace_id": "whatever"},
    ],
    ids=str,
)
def test_what_the_specification_lets_pass_passes(changes: dict[str, Any]) -> None:
    assert check(claims(**changes)).sub == honest.SUB


# A case that only its header makes wrong is refused before its claims are looked at.
BY_CLAIMS = {name: case for name, case in CLAIMS.items() if case.claims}


@pytest.mark.parametrize("case", BY_CLAIMS.values(), ids=BY_CLAIMS)
def test_what_does_not_hold_is_refused(case: Any) -> None:
    with pytest.raises(ProviderError) as raised:
        check(claims(**case.claims))
    assert raised.value.fault is Fault.LOGOUT_CLAIMS


@pytest.mark.parametrize(
    "wrong, claim",
    [
        (["iss", "aud", "exp"], "iss"),
        (["aud", "exp", "iat"], "aud"),
        (["exp", "iat", "sub"], "exp"),
        (["iat", "sub", "events"], "iat"),
        (["sub", "events", "nonce"], "sub"),
        (["events", "nonce", "jti"], "events"),
        (["nonce", "jti"], "nonce"),
        (["jti"], "jti"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_the_checks_come_in_the_order_of_section_2_6(wrong: list[str], claim: str) -> None:
    with pytest.raises(ProviderError) as raised:
        check(claims(**dict.fromkeys(wrong, "\n")))
    assert raised.value.facts["claim"] == claim


def test_no_claim_of_a_person_is_in_what_the_log_gets() -> None:
    for changes in ({"sub": 7, "sid": "s" * 300}, {"jti": "j" * 300}, {"events": "e"}):
        with pytest.raises(ProviderError) as raised:
            check(claims(**changes))
        assert not {honest.SUB, "s" * 300, "j" * 300} & set(map(str, raised.value.facts.values()))


def test_a_token_is_another_clients_when_the_client_is_another() -> None:
    client = replace(honest.client(), client_id="another")
    with pytest.raises(ProviderError):
        check_logout_token(claims(), issuer=honest.ISSUER, client=client, now=NOW, skew=SKEW)


def test_a_logout_token_may_last_as_long_as_the_specification_says_and_no_second_longer() -> None:
    longest = NOW + SKEW + 24 * 3600
    assert check(claims(exp=longest)).sub == honest.SUB
    with pytest.raises(ProviderError):
        check(claims(exp=longest + 1))
