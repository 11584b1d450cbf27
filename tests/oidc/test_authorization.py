from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.errors import (
    Fault,
    ForbiddenError,
    GatewayError,
    ProviderError,
    ProviderUnavailableError,
    RequestError,
)
from gateway.oidc.authorization import (
    AuthorizationCode,
    Query,
    authorization_url,
    check_response,
    state_of,
)
from gateway.oidc.client import ResponseMode
from gateway.secret import Secret
from gateway.web.languages import error_text
from tests.support.honest import (
    CLIENT_ID,
    CODE,
    ISSUER,
    NONCE,
    STATE,
    VERIFIER,
    base64url,
    client,
    metadata,
    pending,
)

HONEST = {"code": CODE, "state": STATE, "iss": ISSUER}


def check(query: Query | dict[str, str], *, promised: bool = True) -> AuthorizationCode:
    pairs = list(query.items()) if isinstance(query, dict) else query
    return check_response(pairs, expected=pending(), metadata=metadata(response_iss=promised))


def refusal(query: Query | dict[str, str], *, promised: bool = True) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        check(query, promised=promised)
    return refused.value


def test_the_request_has_these_parameters_and_no_other() -> None:
    url = authorization_url(metadata(), client(), pending())
    assert url.startswith(f"{ISSUER}/authorize?")
    assert parse_qsl(urlsplit(url).query, strict_parsing=True) == [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", "https://gw.test/_gateway/callback"),
        ("scope", "openid given_name email"),
        ("state", STATE),
        ("nonce", NONCE),
        ("code_challenge", base64url(sha256(VERIFIER.encode()).digest())),
        ("code_challenge_method", "S256"),
    ]


def test_the_challenge_is_the_one_of_the_specification() -> None:
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")  # RFC 7636 appendix B
    url = authorization_url(metadata(), client(), pending(code_verifier=verifier))
    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&" in url
    assert verifier.reveal() not in url


def test_an_attempt_that_asks_for_levels_asks_for_them_as_essential() -> None:
    url = authorization_url(metadata(), client(), pending(acr=("eidas2", "eidas3")))
    claims = dict(parse_qsl(urlsplit(url).query))["claims"]
    assert json.loads(claims) == {"id_token": {"acr": {"essential": True, "values": ["eidas2", "eidas3"]}}}


def test_how_the_person_was_authenticated_is_asked_for_without_insisting() -> None:
    url = authorization_url(metadata(), client(), pending(), assurance=("acr", "amr"))
    claims = dict(parse_qsl(urlsplit(url).query))["claims"]
    assert json.loads(claims) == {"id_token": {"acr": None, "amr": None}}


def test_a_level_that_is_needed_is_asked_for_once() -> None:
    url = authorization_url(metadata(), client(), pending(acr=("eidas2",)), assurance=("acr", "amr"))
    claims = json.loads(dict(parse_qsl(urlsplit(url).query))["claims"])
    assert claims == {"id_token": {"acr": {"essential": True, "values": ["eidas2"]}, "amr": None}}
    assert "acr_values" not in url


def test_hints_are_parameters_as_they_are() -> None:
    hints = {"login_hint": "Alice+x@Example.fr", "siret_hint": "13002526500013"}
    sent = dict(parse_qsl(urlsplit(authorization_url(metadata(), client(), pending(hints=hints))).query))
    assert {name: sent[name] for name in hints} == hints


@pytest.mark.parametrize(
    "error, description, fault",
    [
        ("access_denied", "requested ACRs could not be satisfied", Fault.ACR_TOO_LOW),
        ("unmet_authentication_requirements", "", Fault.ACR_TOO_LOW),
        ("access_denied", "user authentication aborted", Fault.PROVIDER_ABORTED),
        ("server_error", "requested ACRs could not be satisfied", Fault.PROVIDER_ERROR),
        ("idp_hint_not_found", "provided idp_hint could not be found", Fault.IDP_HINT_UNKNOWN),
    ],
)
def test_a_level_that_was_not_reached_is_told_from_other_refusals(
    error: str, description: str, fault: Fault
) -> None:
    query = [("error", error), ("error_description", description), ("state", STATE), ("iss", ISSUER)]
    with pytest.raises(GatewayError) as refused:
        check_response(query, expected=pending(acr=("eidas2",)), metadata=metadata())
    assert refused.value.fault is fault


def test_a_level_that_was_not_asked_for_is_not_what_is_missing() -> None:
    query = {"error": "access_denied", "error_description": "requested ACRs could not be satisfied"}
    assert refusal({**query, "state": STATE, "iss": ISSUER}).fault is Fault.PROVIDER_REFUSED


def test_the_query_of_the_endpoint_is_kept() -> None:
    url = authorization_url(metadata(authorization_endpoint="https://op.test/a?x=1"), client(), pending())
    assert url.startswith("https://op.test/a?x=1&response_type=code&")


def test_values_are_percent_encoded() -> None:
    url = authorization_url(metadata(), client(client_id="a b&c=d+é"), pending())
    assert "&client_id=a%20b%26c%3Dd%2B%C3%A9&" in url


def test_the_state_of_a_response_is_found() -> None:
    assert state_of([("code", "x"), ("state", STATE)]) == STATE


@pytest.mark.parametrize(
    "query",
    [
        [],
        [("state", "")],
        [("state", STATE), ("state", STATE)],
        [("state", STATE), ("state", "")],
        [("State", STATE)],
        [("state", STATE[:-1])],
        [("state", STATE + "s")],
        [("state", "s" * 100_000)],
        [("state", STATE[:-1] + "\n")],
        [("state", STATE[:-1] + "é")],
        [("state", STATE[:-1] + "=")],
    ],
    ids=lambda query: str(query)[:40],
)
def test_a_state_that_the_gateway_never_sent_is_refused(query: Query) -> None:
    with pytest.raises(RequestError) as refused:
        state_of(query)
    assert refused.value.fault is Fault.STATE


def test_an_honest_response_gives_its_code() -> None:
    assert check(HONEST).code == Secret(CODE)


def test_a_code_does_not_show_itself() -> None:
    assert CODE not in repr(check(HONEST))


@pytest.mark.parametrize(
    "changes, promised",
    [
        ({"iss": ISSUER}, False),
        ({"session_state": "x", "unknown": ""}, True),
        ({"code": "c"}, True),
        ({"code": "a b~!" + "c" * 2043}, True),
    ],
)
def test_what_a_response_may_hold(changes: dict[str, str], *, promised: bool) -> None:
    assert check({**HONEST, **changes}, promised=promised).code == Secret(changes.get("code", CODE))


def test_a_response_need_not_name_the_issuer_unless_that_was_promised() -> None:
    assert check({"code": CODE, "state": STATE}, promised=False).code == Secret(CODE)
    assert refusal({"code": CODE, "state": STATE}).fault is Fault.RESPONSE_ISS


@pytest.mark.parametrize("promised", [True, False])
@pytest.mark.parametrize("iss", ["", "https://other.test", ISSUER + "/", ISSUER.upper(), "null"])
def test_another_issuers_response_is_refused(iss: str, *, promised: bool) -> None:
    error = refusal({**HONEST, "iss": iss}, promised=promised)
    assert isinstance(error, RequestError)
    assert error.fault is Fault.RESPONSE_ISS


@pytest.mark.parametrize("state", ["", STATE[:-1] + "t", STATE[:-1], STATE + "s", STATE.upper(), "\ud800"])
@pytest.mark.parametrize("rest", [{"code": CODE}, {"error": "access_denied"}])
def test_another_state_is_refused_before_anything_else_counts(rest: dict[str, str], state: str) -> None:
    error = refusal({**rest, "iss": ISSUER, "state": state})
    assert isinstance(error, RequestError)
    assert error.fault is Fault.STATE


def test_a_response_without_state_is_refused() -> None:
    assert refusal({"code": CODE, "iss": ISSUER}).fault is Fault.STATE


@pytest.mark.parametrize(
    "name, fault",
    [
        ("state", Fault.STATE),
        ("iss", Fault.RESPONSE_ISS),
        ("code", Fault.RESPONSE_MALFORMED),
        ("unknown", Fault.RESPONSE_MALFORMED),
    ],
)
def test_a_parameter_that_comes_twice_is_refused(name: str, fault: Fault) -> None:
    twice = (name, HONEST.get(name, "x"))
    error = refusal([twice, *(pair for pair in HONEST.items() if pair[0] != name), twice])
    assert isinstance(error, RequestError)
    assert error.fault is fault


@pytest.mark.parametrize(
    "changes",
    [
        {"code": ""},
        {"code": "c" * 2049},
        {"code": "c" * 100_000},
        {"code": "a\r\nb"},
        {"code": "a\x00"},
        {"code": "é"},
        {"error": "access_denied"},
        {"error": ""},
        {"id_token": "x.y.z"},
        {"access_token": ""},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_malformed_response_is_refused(changes: dict[str, str]) -> None:
    error = refusal({**HONEST, **changes})
    assert isinstance(error, RequestError)
    assert error.fault is Fault.RESPONSE_MALFORMED


@pytest.mark.parametrize("changes", [{}, {"error_description": "x"}])
def test_a_response_with_neither_code_nor_error_is_refused(changes: dict[str, str]) -> None:
    assert refusal({"state": STATE, "iss": ISSUER, **changes}).fault is Fault.RESPONSE_MALFORMED


@pytest.mark.parametrize(
    "error, status, said",
    [
        ("access_denied", 403, "access_denied"),
        ("unmet_authentication_requirements", 403, "unmet_authentication_requirements"),
        ("login_required", 502, "login_required"),
        ("server_error", 502, "server_error"),
        ("invalid_scope", 502, "invalid_scope"),
        ("idp_hint_not_found", 502, "idp_hint_not_found"),
        ("temporarily_unavailable", 503, "temporarily_unavailable"),
        ("<script>alert(1)</script>", 502, "unknown"),
        ("Access_Denied", 502, "unknown"),
        ("x" * 8_000, 502, "unknown"),
        ("", 502, "unknown"),
    ],
    ids=lambda case: str(case)[:24],
)
def test_an_error_of_the_provider_is_told_apart(error: str, status: int, said: str) -> None:
    told = refusal(
        {"error": error, "state": STATE, "iss": ISSUER, "error_description": "canary", "error_uri": "canary"}
    )
    assert told.status == status
    assert told.facts == {"error": said}
    assert "canary" not in str(told)


@pytest.mark.parametrize(
    "error, kind, fault",
    [
        ("access_denied", ForbiddenError, Fault.PROVIDER_REFUSED),
        ("server_error", ProviderError, Fault.PROVIDER_ERROR),
        ("temporarily_unavailable", ProviderUnavailableError, Fault.PROVIDER_BUSY),
    ],
)
def test_whose_fault_an_error_is(error: str, kind: Callable[..., GatewayError], fault: Fault) -> None:
    told = refusal({"error": error, "state": STATE, "iss": ISSUER})
    assert type(told) is kind
    assert told.fault is fault


TECHNICAL = "authentication aborted due to a technical error on the authorization server"


@pytest.mark.parametrize(
    "error, said, fault",
    [
        ("login_required", "End-User authentication is required", Fault.PROVIDER_NOBODY),
        ("interaction_required", "", Fault.PROVIDER_NOBODY),
        ("consent_required", "", Fault.PROVIDER_NOBODY),
        ("access_denied", "authentication aborted due to invalid identity", Fault.PROVIDER_ACCOUNT),
        (
            "access_denied",
            "authentication aborted due to a configuration limitation",
            Fault.PROVIDER_DOMAIN,
        ),
        ("access_denied", "user authentication aborted", Fault.PROVIDER_ABORTED),
        ("access_denied", "something new", Fault.PROVIDER_REFUSED),
        ("server_error", TECHNICAL, Fault.PROVIDER_TECHNICAL),
        ("server_error", "An unexpected error occurred", Fault.PROVIDER_TECHNICAL),
        ("server_error", "something new", Fault.PROVIDER_ERROR),
        ("invalid_request", TECHNICAL, Fault.PROVIDER_TECHNICAL),
        ("invalid_request", "unsupported prompt value requested", Fault.PROVIDER_REQUEST),
        ("invalid_scope", "requested scope is not allowed", Fault.PROVIDER_SCOPE),
        ("unsupported_response_type", "", Fault.PROVIDER_REQUEST),
        ("unsupported_response_mode", "", Fault.PROVIDER_REQUEST),
        ("request_not_supported", "", Fault.PROVIDER_REQUEST),
        ("unauthorized_client", "", Fault.PROVIDER_REQUEST),
        ("temporarily_unavailable", "", Fault.PROVIDER_BUSY),
    ],
)
def test_each_error_of_proconnects_has_a_name_of_its_own(error: str, said: str, fault: Fault) -> None:
    told = refusal({"error": error, "error_description": said, "state": STATE, "iss": ISSUER})
    assert told.fault is fault
    assert error_text(fault) == fault.value


def test_an_error_of_another_issuer_is_not_believed() -> None:
    error = refusal({"error": "access_denied", "state": STATE, "iss": "https://other.test"})
    assert error.fault is Fault.RESPONSE_ISS


def test_a_form_is_asked_for_where_it_is_set() -> None:
    url = authorization_url(metadata(), client(response_mode=ResponseMode.FORM_POST), pending())
    assert dict(parse_qsl(urlsplit(url).query))["response_mode"] == "form_post"
    assert "response_mode" not in authorization_url(metadata(), client(), pending())


def test_whoever_is_not_to_be_asked_is_not() -> None:
    url = authorization_url(metadata(), client(), pending(silent=True))
    assert dict(parse_qsl(urlsplit(url).query))["prompt"] == "none"
    assert "prompt" not in authorization_url(metadata(), client(), pending())
