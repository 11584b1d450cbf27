"""Whatever a provider says: it is believed as a whole, or refused with a fault of the closed list."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import ProviderError, RequestError
from gateway.oidc.authorization import check_response
from gateway.oidc.claims import is_subject
from gateway.oidc.client import SigningAlg
from gateway.oidc.id_token import ExpectedIDToken, check_id_token
from gateway.oidc.jwks import PublishedKey, check_key_set
from gateway.oidc.jws import ID_TOKEN, read_jws, verify_jws
from gateway.oidc.logout_token import check_logout_token
from gateway.oidc.metadata import check_metadata
from gateway.oidc.pushed import check_pushed_response
from gateway.oidc.strict_json import JSONRefusedError, parse_object
from gateway.oidc.tokens import check_token_response
from gateway.oidc.userinfo import check_signed_userinfo, check_userinfo_response, identity_claims
from gateway.secret import Secret
from tests.fuzz.mangled import JSON, altered, mangled, octets
from tests.support import honest
from tests.support.honest import ACCESS_TOKEN, ISSUER, NOW, RSA, answer, client, pending

LOGOUT = {
    "iss": ISSUER,
    "aud": honest.CLIENT_ID,
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "jti",
    "sub": honest.SUB,
    "sid": "sid",
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
}
EXPECTED = ExpectedIDToken(
    issuer=ISSUER,
    client=client(),
    pending=pending(),
    code=honest.code(),
    access_token=Secret(ACCESS_TOKEN),
    skew=30,
)
METADATA = honest.metadata_document()
TOKENS = honest.token_document(id_token="a.b.c")
SIGNED = honest.signed(honest.id_token_claims()).encode()
TYPES = st.sampled_from(["application/json", "application/jwt", "Application/JSON; x", "", "text/html"])
JSON_WORDS = (b"NaN", b"-Infinity", b"1e999", b'"iss":', b"null", b"\\ud800", b"\xef\xbb\xbf", b"[" * 40)


@given(mangled(octets(METADATA), octets(TOKENS), octets(LOGOUT), words=JSON_WORDS))
def test_json_is_read_as_everybody_reads_it_or_not_at_all(raw: bytes) -> None:
    try:
        document = parse_object(raw)
    except JSONRefusedError:
        return
    assert document == json.loads(raw)
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


@given(altered(METADATA), TYPES, st.sampled_from([200, 302, 404]))
def test_metadata(document: dict[str, Any], content_type: str, status: int) -> None:
    said = answer(octets(document), content_type=content_type, status=status)
    try:
        metadata = check_metadata(said, issuer=ISSUER, client=client(), origins=(), userinfo_required=True)
    except ProviderError:
        return
    assert document["issuer"] == metadata.issuer == ISSUER
    for endpoint in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
        assert endpoint.startswith("https://op.test/")


@given(st.lists(altered(honest.public(RSA)) | altered(honest.public(honest.EC)) | JSON, max_size=4))
def test_key_sets(keys: list[Any]) -> None:
    try:
        key_set = check_key_set(answer(octets({"keys": keys})))
    except ProviderError:
        return
    assert len(key_set.members) == len(keys)
    for key, read in zip(keys, key_set.members, strict=True):
        if isinstance(read, PublishedKey):
            assert not {"d", "k", "p", "q"} & key.keys()
            assert key.get("use", "sig") == "sig"


@given(mangled(SIGNED, words=(b"..", b"e30", b"=", b"eyJhbGciOiJub25lIn0")))
@example(SIGNED)
def test_a_signed_token_holds_only_as_it_was_signed(compact: bytes) -> None:
    try:
        jws = read_jws(Secret(compact.decode("latin-1")), kind=ID_TOKEN, alg=SigningAlg.RS256)
        claims = verify_jws(jws, RSA)
    except ProviderError:
        return
    assert compact == SIGNED
    assert claims == honest.id_token_claims()


@given(mangled(octets(honest.id_token_claims()), words=JSON_WORDS))
def test_a_payload_is_strict_json_or_refused(payload: bytes) -> None:
    compact = Secret(honest.signed(payload))
    try:
        claims = verify_jws(read_jws(compact, kind=ID_TOKEN, alg=SigningAlg.RS256), RSA)
    except ProviderError:
        return
    assert claims == json.loads(payload)


@given(altered(honest.id_token_claims()))
def test_id_token_claims(claims: dict[str, Any]) -> None:
    try:
        token = check_id_token(claims, expected=EXPECTED, now=NOW)
    except ProviderError:
        return
    assert (claims["iss"], claims["nonce"]) == (ISSUER, honest.NONCE)
    assert claims["aud"] in (honest.CLIENT_ID, [honest.CLIENT_ID])
    assert claims["exp"] > NOW - 30
    assert is_subject(token.sub)


@given(altered(LOGOUT))
def test_logout_tokens(claims: dict[str, Any]) -> None:
    try:
        token = check_logout_token(claims, issuer=ISSUER, client=client(), now=NOW, skew=30)
    except ProviderError:
        return
    assert token.sub or token.sid
    assert "nonce" not in claims
    assert NOW < token.ends <= NOW + 30 + 86_400 + 31


@given(altered(TOKENS), TYPES, st.sampled_from([200, 302, 400]))
def test_token_responses(document: dict[str, Any], content_type: str, status: int) -> None:
    try:
        tokens = check_token_response(answer(octets(document), content_type=content_type, status=status))
    except ProviderError:
        return
    assert tokens.access_token.reveal().isprintable()
    assert status == 200


@given(altered({"request_uri": honest.REQUEST_URI, "expires_in": 60}), st.sampled_from([200, 201]))
def test_pushed_responses(document: dict[str, Any], status: int) -> None:
    try:
        uri = check_pushed_response(answer(octets(document), status=status))
    except ProviderError:
        return
    assert uri.isprintable()
    assert " " not in uri


@given(altered(honest.userinfo_claims()), TYPES)
def test_userinfo(claims: dict[str, Any], content_type: str) -> None:
    registered = client(userinfo_signed_response_alg=None)
    token = check_id_token(honest.id_token_claims(), expected=EXPECTED, now=NOW)
    try:
        check_userinfo_response(answer(octets(claims), content_type=content_type), registered)
        check_signed_userinfo(claims, issuer=ISSUER, client=registered, id_token=token, now=NOW, skew=30)
        person = identity_claims(token, claims)
    except ProviderError:
        return
    assert person["sub"] == honest.SUB
    assert person["acr"] == "eidas1"


PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(["code", "state", "iss", "error", "error_description", "id_token", "session_state"])
        | st.text(max_size=5),
        st.sampled_from([honest.CODE, honest.STATE, ISSUER, "access_denied", ""]) | st.text(max_size=5),
    ),
    max_size=6,
)


@given(PARAMETERS)
@example([("code", honest.CODE), ("state", honest.STATE), ("iss", ISSUER)])
def test_authorization_responses(query: list[tuple[str, str]]) -> None:
    try:
        code = check_response(query, expected=pending(), metadata=honest.metadata())
    except (RequestError, ProviderError):
        return
    assert ("code", code.code.reveal()) in query
    assert ("state", honest.STATE) in query
    assert ("iss", ISSUER) in query
    assert "error" not in dict(query)
