from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from gateway.errors import Fault, ProviderError
from gateway.oidc.answer import Answer
from gateway.oidc.client import ClientAuthMethod, ResponseMode, SigningAlg
from gateway.oidc.client_keys import ClientKeys
from gateway.oidc.metadata import ProviderMetadata, check_metadata, metadata_url
from tests.support.honest import ABSENT, EC, ISSUER, answer, client, metadata, metadata_document


def check(
    document: object,
    *,
    issuer: str = ISSUER,
    origins: tuple[str, ...] = (),
    userinfo_required: bool = True,
    **registered: Any,
) -> ProviderMetadata:
    return check_metadata(
        document if isinstance(document, Answer) else answer(document),
        issuer=issuer,
        client=client(**registered),
        origins=origins,
        userinfo_required=userinfo_required,
    )


def fault_of(document: object, **given: Any) -> Fault:
    with pytest.raises(ProviderError) as refused:
        check(document, **given)
    return refused.value.fault


@pytest.mark.parametrize(
    "issuer, url",
    [
        ("https://op.test", "https://op.test/.well-known/openid-configuration"),
        ("https://op.test/api/v2", "https://op.test/api/v2/.well-known/openid-configuration"),
        ("https://op.test:8443/a/", "https://op.test:8443/a/.well-known/openid-configuration"),
    ],
)
def test_the_document_is_beneath_the_issuer(issuer: str, url: str) -> None:
    assert metadata_url(issuer) == url


def test_an_honest_document_is_taken_as_it_is() -> None:
    assert check(metadata_document()) == metadata()


@pytest.mark.parametrize(
    "issuer", ["https://op.test:8443/a/b/", "https://[::1]:8443", "http://127.0.0.1:8080"]
)
def test_an_issuer_is_kept_byte_for_byte(issuer: str) -> None:
    assert check(metadata_document(issuer=issuer), issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    "got",
    [
        ISSUER + "/",
        ISSUER + "x",
        ISSUER[:-1],
        ISSUER.upper(),
        "https://OP.test/api/v2",
        "https://op.test:443/api/v2",
        "http://op.test/api/v2",
        "https://other.test",
        [ISSUER],
        "",
        None,
        True,
        ABSENT,
    ],
)
def test_another_issuer_is_refused(got: object) -> None:
    assert (
        fault_of({**metadata_document(), "issuer": got} if got is not ABSENT else {}) is Fault.METADATA_ISSUER
    )


ENDPOINTS = [
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
]

PUSHED = "pushed_authorization_request_endpoint"
REQUIRED = "require_pushed_authorization_requests"


@pytest.mark.parametrize("member", ENDPOINTS)
@pytest.mark.parametrize(
    "url",
    [
        "http://op.test/x",
        "ftp://op.test/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//op.test/x",
        "/x",
        "https://user@op.test/x",
        "https://op.test@evil.test/x",
        "https://op.test\\@evil.test/x",
        "https://op.test/x#part",
        "https://evil.test/x",
        "https://op.test.evil.test/x",
        "https://169.254.169.254/latest",
        "https://op.test:8443/x",
        "https://op.test:0/x",
        "https://op.test:99999/x",
        "https://op.test:a/x",
        "https://[::1/x",
        "https://",
        "https:///x",
        "HTTPS://op.test/x",
        "https://op.test/a b",
        "https://op.test/\r\nx",
        "https://op.test/\tx",
        "https://op.test/é",
        "https://op.test/" + "x" * 2000,
        "",
        ["https://op.test/x"],
        7,
    ],
)
def test_an_endpoint_elsewhere_is_refused(member: str, url: object) -> None:
    assert fault_of(metadata_document(**{member: url})) is Fault.METADATA_ENDPOINT


@pytest.mark.parametrize(
    "member", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
@pytest.mark.parametrize("value", [ABSENT, None])
def test_an_endpoint_that_sign_in_needs_is_not_left_out(member: str, value: object) -> None:
    assert fault_of(metadata_document(**{member: value})) is Fault.METADATA_ENDPOINT


@pytest.mark.parametrize("value", [ABSENT, None])
def test_a_provider_without_end_session_endpoint_is_used(value: object) -> None:
    assert check(metadata_document(end_session_endpoint=value)).end_session_endpoint is None


@pytest.mark.parametrize("value", [ABSENT, None])
def test_a_provider_may_have_no_userinfo_where_none_is_required(value: object) -> None:
    checked = check(metadata_document(userinfo_endpoint=value), userinfo_required=False)
    assert checked.userinfo_endpoint is None


def test_an_optional_userinfo_endpoint_is_checked_all_the_same() -> None:
    elsewhere = metadata_document(userinfo_endpoint="https://evil.test/u")
    assert fault_of(elsewhere, userinfo_required=False) is Fault.METADATA_ENDPOINT


@pytest.mark.parametrize(
    "url",
    [
        "https://op.test",
        "https://op.test:443/x",
        "https://OP.TEST/x",
        "https://op.test/x?a=b&c=%20",
        "https://op.test/~a/(b)",
    ],
)
def test_an_endpoint_of_the_issuers_origin_is_used_as_it_is(url: str) -> None:
    assert check(metadata_document(token_endpoint=url)).token_endpoint == url


def test_an_endpoint_of_an_origin_of_the_settings_is_used() -> None:
    document = metadata_document(jwks_uri="https://keys.test:8443/k")
    assert fault_of(document) is Fault.METADATA_ENDPOINT
    assert check(document, origins=("https://keys.test:8443",)).jwks_uri == "https://keys.test:8443/k"


def test_an_https_issuer_has_no_http_endpoint_wherever_it_is() -> None:
    document = metadata_document(jwks_uri="http://keys.test/k")
    assert fault_of(document, origins=("http://keys.test",)) is Fault.METADATA_ENDPOINT


def test_a_malformed_origin_of_the_settings_admits_nothing() -> None:
    document = metadata_document(jwks_uri="https://[::1/k")
    assert fault_of(document, origins=("https://[::1",)) is Fault.METADATA_ENDPOINT


def test_an_http_issuer_may_have_http_endpoints() -> None:
    issuer = "http://127.0.0.1:8080"
    assert check(metadata_document(issuer=issuer), issuer=issuer).token_endpoint == f"{issuer}/token"


@pytest.mark.parametrize(
    "document",
    [
        answer("<html>", content_type="text/html"),
        answer(metadata_document(), content_type="text/html"),
        answer(metadata_document(), content_type=""),
        answer(metadata_document(), status=404),
        answer(metadata_document(), status=500),
        answer(metadata_document(), status=203),
        [],
        "",
        '{"issuer":"https://op.test/api/v2","issuer":"https://op.test/api/v2"}',
        json.dumps(metadata_document())[:-1] + ',"x":NaN}',
        metadata_document(response_types_supported=ABSENT),
        metadata_document(response_types_supported="code"),
        metadata_document(id_token_signing_alg_values_supported=ABSENT),
        metadata_document(id_token_signing_alg_values_supported={"RS256": 1}),
        metadata_document(token_endpoint_auth_methods_supported="client_secret_post"),
        metadata_document(userinfo_signing_alg_values_supported="RS256"),
        metadata_document(authorization_response_iss_parameter_supported="true"),
        metadata_document(authorization_response_iss_parameter_supported=1),
    ],
    ids=lambda document: repr(document)[:60],
)
def test_a_malformed_document_is_refused(document: object) -> None:
    assert fault_of(document) is Fault.METADATA_MALFORMED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_refused(status: int) -> None:
    assert fault_of(answer(metadata_document(), status=status)) is Fault.METADATA_REDIRECT


@pytest.mark.parametrize(
    "member, value",
    [
        ("response_types_supported", ["id_token"]),
        ("id_token_signing_alg_values_supported", ["none"]),
        ("id_token_signing_alg_values_supported", ["ES256", "rs256"]),
        ("userinfo_signing_alg_values_supported", ["none"]),
        ("token_endpoint_auth_methods_supported", ["private_key_jwt", "none"]),
        ("token_endpoint_auth_methods_supported", []),
        ("token_endpoint_auth_methods_supported", ABSENT),
    ],
)
def test_a_provider_that_cannot_do_what_is_registered_is_not_used(member: str, value: object) -> None:
    assert fault_of(metadata_document(**{member: value})) is Fault.METADATA_DOWNGRADE


@pytest.mark.parametrize(
    "registered",
    [
        {"id_token_signed_response_alg": SigningAlg.PS256},
        {"userinfo_signed_response_alg": SigningAlg.PS256},
        {"token_endpoint_auth_method": ClientAuthMethod.CLIENT_SECRET_BASIC},
    ],
    ids=str,
)
def test_a_client_registered_otherwise_is_told(registered: dict[str, Any]) -> None:
    assert fault_of(metadata_document(), **registered) is Fault.METADATA_DOWNGRADE


@pytest.mark.parametrize(
    "changes, registered",
    [
        ({"userinfo_signing_alg_values_supported": ABSENT}, {}),
        ({"userinfo_signing_alg_values_supported": []}, {"userinfo_signed_response_alg": None}),
        (
            {"token_endpoint_auth_methods_supported": ABSENT},
            {"token_endpoint_auth_method": ClientAuthMethod.CLIENT_SECRET_BASIC},
        ),
        ({"code_challenge_methods_supported": ABSENT}, {}),
        ({"code_challenge_methods_supported": ["plain"]}, {}),
        ({"unknown": {"a": [1]}}, {}),
    ],
    ids=str,
)
def test_what_need_not_be_advertised_is_not_missed(
    changes: dict[str, object], registered: dict[str, Any]
) -> None:
    assert check(metadata_document(**changes), **registered) == metadata()


@pytest.mark.parametrize("value", [ABSENT, False])
def test_a_provider_may_not_promise_the_iss_parameter(value: object) -> None:
    document = metadata_document(authorization_response_iss_parameter_supported=value)
    assert check(document).response_iss is False


def test_everything_taken_from_a_document_is_named_here() -> None:
    named = {*ENDPOINTS, "issuer", "response_iss", PUSHED}
    assert {field.name for field in fields(ProviderMetadata)} == named


def test_a_request_is_pushed_where_the_provider_requires_it() -> None:
    document = metadata_document(**{PUSHED: f"{ISSUER}/par", REQUIRED: True})
    assert check(document).pushed_authorization_request_endpoint == f"{ISSUER}/par"


def test_a_request_is_pushed_where_the_client_must() -> None:
    document = metadata_document(**{PUSHED: f"{ISSUER}/par"})
    assert check(document).pushed_authorization_request_endpoint is None
    checked = check(document, require_pushed_authorization_requests=True)
    assert checked.pushed_authorization_request_endpoint == f"{ISSUER}/par"


@pytest.mark.parametrize("value", [ABSENT, None])
def test_a_request_that_must_be_pushed_is_never_sent_otherwise(value: object) -> None:
    required = metadata_document(**{PUSHED: value, REQUIRED: True})
    assert fault_of(required) is Fault.METADATA_DOWNGRADE
    may = metadata_document(**{PUSHED: value})
    assert fault_of(may, require_pushed_authorization_requests=True) is Fault.METADATA_DOWNGRADE


def test_a_request_is_pushed_to_the_providers_own_endpoint_only() -> None:
    document = metadata_document(**{PUSHED: "https://evil.test/par", REQUIRED: True})
    assert fault_of(document) is Fault.METADATA_ENDPOINT


@pytest.mark.parametrize("value", ["true", 1, None])
def test_whether_requests_must_be_pushed_is_true_or_false(value: object) -> None:
    assert fault_of(metadata_document(**{REQUIRED: value})) is Fault.METADATA_MALFORMED


@pytest.mark.parametrize("modes", [ABSENT, ["query"], []])
def test_a_form_is_not_asked_for_where_none_is_sent(modes: object) -> None:
    document = metadata_document(response_modes_supported=modes)
    assert check(document).issuer == ISSUER
    assert fault_of(document, response_mode=ResponseMode.FORM_POST) is Fault.METADATA_DOWNGRADE
    offered = metadata_document(response_modes_supported=["query", "form_post"])
    assert check(offered, response_mode=ResponseMode.FORM_POST).issuer == ISSUER


def test_an_assertion_is_signed_as_the_provider_says() -> None:
    signing: dict[str, Any] = {
        "keys": ClientKeys((EC,)),
        "token_endpoint_auth_method": ClientAuthMethod.PRIVATE_KEY_JWT,
    }
    member = "token_endpoint_auth_signing_alg_values_supported"
    assert check(metadata_document(), **signing).issuer == ISSUER
    assert check(metadata_document(**{member: ["RS256", "ES256"]}), **signing).issuer == ISSUER
    assert fault_of(metadata_document(**{member: ["RS256"]}), **signing) is Fault.METADATA_DOWNGRADE
    assert check(metadata_document(**{member: ["RS256"]})).issuer == ISSUER
