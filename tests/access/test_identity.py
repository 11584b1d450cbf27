from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.identity import Encoding, IdentityFields, as_text, encode, field_name

NAME = "Éléonore Lefèvre-Œillet"


def written(claims: dict[str, Any], **how: Any) -> dict[str, str]:
    fields = IdentityFields(**how).fields(claims)
    assert len({name.lower() for name, _ in fields}) == len(fields)
    return {name.decode(): value.decode("latin-1") for name, value in fields}


def test_no_letter_of_another_alphabet_makes_somebody_else_the_remote_user() -> None:
    lookalike = IdentityFields(encoding=Encoding.UTF_8).fields({"email": "\u212aate@Example.fr"})
    assert dict(lookalike)[b"Remote-User"] == "\u212aate@example.fr".encode()


def test_each_claim_becomes_one_field_and_the_person_the_remote_user() -> None:
    claims = {
        "sub": "b1",
        "email": "Eleonore@Morbihan.example",
        "usual_name": NAME,
        "roles": ["agent_public", "agent_public_etat"],
        "chorusdt:matricule": "42",
        "acr": "eidas1",
        "auth_time": 1_700_000_000,
    }
    assert written(claims) == {
        "Remote-User": "eleonore@morbihan.example",
        "X-ProConnect-Sub": "b1",
        "X-ProConnect-Email": "Eleonore@Morbihan.example",
        "X-ProConnect-Usual-Name": "%C3%89l%C3%A9onore Lef%C3%A8vre-%C5%92illet",
        "X-ProConnect-Roles": '["agent_public","agent_public_etat"]',
        "X-ProConnect-Chorusdt-Matricule": "42",
        "X-ProConnect-Acr": "eidas1",
        "X-ProConnect-Auth-Time": "1700000000",
    }


def test_what_a_token_says_about_itself_is_not_sent() -> None:
    assert written({"sub": "b1", "iss": "x", "aud": "y", "exp": 1, "nonce": "n", "sid": "s"}) == {
        "X-ProConnect-Sub": "b1"
    }


def test_an_absent_or_empty_claim_writes_no_field() -> None:
    assert written({"sub": "b1", "email": "", "phone_number": None}) == {"X-ProConnect-Sub": "b1"}


def test_two_claims_never_write_the_same_field() -> None:
    assert written({"sub": "b1", "SUB": "root", "s.u.b": "x", "given_name": "A", "given-name": "B"}) == {
        "X-ProConnect-Sub": "b1",
        "X-ProConnect-S-U-B": "x",
        "X-ProConnect-Given-Name": "A",
    }


def test_a_claim_whose_name_holds_no_letter_does_not_become_the_bare_prefix() -> None:
    assert written({"sub": "b1", "::": "x", "é": "y"}) == {"X-ProConnect-Sub": "b1"}


@pytest.mark.parametrize(
    "value", ["A\r\nX-Role: admin", "A\rB", "A\nB", "A\x00B", "A\x7fB", "A\u2028B", "\ud800"]
)
@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_value_with_control_characters_is_never_sent(value: str, encoding: Encoding) -> None:
    assert encode(value, encoding) is None


@pytest.mark.parametrize(
    "encoding, value",
    [
        (Encoding.UTF_8, NAME.encode()),
        (Encoding.LATIN_1, "Éléonore Lefèvre-OEillet".encode("latin-1")),
        (Encoding.BASE64, base64.b64encode(NAME.encode())),
        (Encoding.ASCII, b"Eleonore Lefevre-OEillet"),
    ],
)
def test_each_encoding_writes_accents_its_own_way(encoding: Encoding, value: bytes) -> None:
    assert encode(NAME, encoding) == value


@given(st.text(min_size=1))
def test_percent_encoding_is_plain_ascii_and_decodes_to_the_same_text(text: str) -> None:
    value = encode(text, Encoding.PERCENT)
    if value is not None:
        assert all(0x20 <= octet < 0x7F for octet in value)
        assert value == value.strip()
        assert unquote(value.decode()) == text
        assert b"+" not in value


@pytest.mark.parametrize(
    "value, text",
    [
        (None, None),
        ("x", "x"),
        (True, "true"),
        (3, "3"),
        (["a,b", "c"], '["a,b","c"]'),
        ({"k": "é"}, '{"k":"é"}'),
        (object(), None),
    ],
)
def test_values_are_text_as_they_are_or_json(value: object, text: str | None) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("claim, name", [("given_name", "Given-Name"), ("idp_id", "Idp-Id"), ("aB", "AB")])
def test_a_field_name_is_the_claims_words(claim: str, name: str) -> None:
    assert field_name(claim) == name
