from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.identity import Encoding, IdentityFields, as_text, encode, lower_case
from gateway.access.presets import Preset, Template

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


PERSON = {
    "sub": "b1",
    "email": "Eleonore@Morbihan.example",
    "given_name": "Éléonore",
    "usual_name": "Lefèvre",
    "roles": ["agent_public", "a,b", "100%"],
    "chorusdt:matricule": "42",
}


@pytest.mark.parametrize(
    "preset, fields",
    [
        (
            Preset.OAUTH2_PROXY,
            {
                f"{beginning}-{name}": value
                for beginning in ("X-Forwarded", "X-Auth-Request")
                for name, value in {
                    "User": "b1",
                    "Email": "Eleonore@Morbihan.example",
                    "Groups": "agent_public,a%2Cb,100%25",
                }.items()
            },
        ),
        (
            Preset.MOD_AUTH_OPENIDC,
            {
                "OIDC_CLAIM_sub": "b1",
                "OIDC_CLAIM_email": "Eleonore@Morbihan.example",
                "OIDC_CLAIM_given_name": "Éléonore",
                "OIDC_CLAIM_usual_name": "Lefèvre",
                "OIDC_CLAIM_roles": "agent_public,a%2Cb,100%25",
                "OIDC_CLAIM_chorusdt_matricule": "42",
            },
        ),
        (
            Preset.AUTHELIA,
            {
                "Remote-User": "eleonore@morbihan.example",
                "Remote-Groups": "agent_public,a%2Cb,100%25",
                "Remote-Name": "Éléonore Lefèvre",
                "Remote-Email": "Eleonore@Morbihan.example",
            },
        ),
        (Preset.NONE, {}),
    ],
)
def test_a_preset_gives_the_names_of_another_product(preset: Preset, fields: dict[str, str]) -> None:
    made = IdentityFields(preset=preset, encoding=Encoding.UTF_8).fields(PERSON)
    assert {name.decode(): value.decode() for name, value in made} == fields


@pytest.mark.parametrize("preset", list(Preset))
def test_every_name_that_is_written_is_reserved(preset: Preset) -> None:
    identity = IdentityFields(preset=preset, templates=(("X-Full-Name", Template("{given_name}")),))
    for name, _ in identity.fields({**PERSON, "name": "x", "groups": ["y"], "preferred_username": "z"}):
        assert name.decode() in identity.names or name.decode().startswith(identity.prefixes)


def test_groups_go_before_roles_and_a_name_before_its_parts() -> None:
    claims = {**PERSON, "groups": ["g"], "name": "N"}
    made = dict(IdentityFields(preset=Preset.AUTHELIA).fields(claims))
    assert (made[b"Remote-Groups"], made[b"Remote-Name"]) == (b"g", b"N")


@pytest.mark.parametrize(
    "template, value",
    [
        ("{email}", "Eleonore@Morbihan.example"),
        ("{given_name} {usual_name}", "%C3%89l%C3%A9onore Lef%C3%A8vre"),
        ("mailto:{email}?n={chorusdt:matricule}", "mailto:Eleonore@Morbihan.example?n=42"),
        ("{phone_number}", None),
        ("{email} {phone_number}", None),
        ("{roles}", '["agent_public","a,b","100%25"]'),
    ],
)
def test_a_template_is_text_with_claims_and_nothing_when_one_is_absent(
    template: str, value: str | None
) -> None:
    identity = IdentityFields(preset=Preset.NONE, templates=(("X-Made", Template(template)),))
    assert [made.decode() for _, made in identity.fields(PERSON)] == ([] if value is None else [value])


def test_a_template_goes_before_the_presets_field_of_the_same_name() -> None:
    identity = IdentityFields(templates=(("remote-user", Template("{sub}")),))
    assert dict(identity.fields({"sub": "b1", "email": "e@x.fr"}))[b"remote-user"] == b"b1"
    assert b"Remote-User" not in dict(identity.fields({"sub": "b1", "email": "e@x.fr"}))


@pytest.mark.parametrize("text", ["{", "}", "{}", "a{b}c}", "{a{b}}"])
def test_a_brace_that_names_no_claim_is_no_template(text: str) -> None:
    with pytest.raises(ValueError, match="brace"):
        Template(text)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]))))
def test_whoever_splits_several_values_finds_exactly_those(values: list[str]) -> None:
    joined = as_text(values, ",")
    assert joined is not None
    assert [unquote(part) for part in joined.split(",")] == (values or [""])


def test_several_values_are_joined_with_the_separator_that_is_set() -> None:
    identity = IdentityFields(separator=";", encoding=Encoding.UTF_8)
    assert dict(identity.fields({"roles": ["a;b", "c"]}))[b"X-ProConnect-Roles"] == b"a%3Bb;c"


@pytest.mark.parametrize("claim, name", [("given_name", "Given-Name"), ("idp_id", "Idp-Id"), ("aB", "AB")])
def test_a_field_name_is_the_claims_words(claim: str, name: str) -> None:
    assert written({claim: "x"}) == {f"X-ProConnect-{name}": "x"}


def test_a_value_that_no_server_would_take_is_not_sent() -> None:
    claims = {"given_name": "x" * 4096, "usual_name": "x" * 4097, "email": "é" * 683}
    assert written(claims).keys() == {"X-ProConnect-Given-Name"}


ABOUT_ITSELF = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "azp",
    "at_hash",
    "c_hash",
    "sid",
    "_claim_names",
    "_claim_sources",
]


@pytest.mark.parametrize("name", ABOUT_ITSELF)
def test_no_claim_of_the_token_about_itself_is_sent(name: str) -> None:
    assert written({"sub": "b1", name: "x"}) == {"X-ProConnect-Sub": "b1"}


def test_the_usual_fields_are_those_of_the_usual_claims() -> None:
    claims = "Sub Email Given-Name Usual-Name Uid Siret Siren Idp-Id Idp-Acr Roles Organization-Label"
    more = "Organizational-Unit Belonging-Population Phone-Number Custom Acr Amr Auth-Time"
    names = {f"X-ProConnect-{name}".encode() for name in f"{claims} {more}".split()}
    assert set(IdentityFields().usual) == {b"Remote-User", *names}


@pytest.mark.parametrize("text, lower", [("ÉLAN", "élan"), ("Œillet", "œillet"), ("\u212aate", "\u212aate")])
def test_a_letter_stays_beyond_ascii_or_within(text: str, lower: str) -> None:
    assert lower_case(text) == lower


def test_a_list_with_anything_but_texts_is_json_whatever_the_separator() -> None:
    assert as_text(["a", 1, None], ",") == '["a",1,null]'


@pytest.mark.parametrize(
    "encoding, text, octets",
    [
        (Encoding.LATIN_1, "L'Haÿ", b"L'Ha\xff"),
        (Encoding.LATIN_1, "Œuvre", b"OEuvre"),
        (Encoding.PERCENT, " a  ", b"%20a%20%20"),
        (Encoding.PERCENT, "  ", b"%20%20"),
    ],
)
def test_what_stands_at_the_edge_of_an_encoding(encoding: Encoding, text: str, octets: bytes) -> None:
    assert encode(text, encoding) == octets


def test_the_usual_names_are_those_that_somebody_may_get() -> None:
    claims = {"sub": "b1", "email": "a@b.fr", "given_name": "A", "usual_name": "B", "siret": "1"}
    for preset in Preset:
        fields = IdentityFields(preset=preset)
        names = {name.decode().lower() for name in fields.usual}
        assert set(map(str.lower, written(claims, preset=preset))) <= names
        assert not [name for name in names if name.startswith("none")]
