from __future__ import annotations

import pytest

from gateway.demo.received import Field, person_in, read_fields


@pytest.mark.parametrize(
    "raw, read",
    [
        (b"%C3%89l%C3%A9onore", "Éléonore"),
        ("Éléonore".encode(), "Éléonore"),
        ("Éléonore".encode("latin-1"), "Éléonore"),
        (b"Lef%C3%A8vre-%C5%92illet", "Lefèvre-Œillet"),
        (b"100%", "100%"),
        (b"%E9", "é"),
        (b"", ""),
    ],
)
def test_an_identity_field_is_decoded(raw: bytes, read: str) -> None:
    (field,) = read_fields([(b"X-ProConnect-Given-Name", raw)])
    assert field.read == read
    assert field.raw.encode("latin-1") == raw


def test_any_other_field_is_left_encoded() -> None:
    (field,) = read_fields([(b"Referer", b"http://a.test/?q=%C3%A9")])
    assert field.read == field.raw == "http://a.test/?q=%C3%A9"


def test_order_and_capitals_are_kept() -> None:
    fields = read_fields([(b"b", b"1"), (b"A-a", b"2"), (b"B", b"3")])
    assert [(field.name, field.raw) for field in fields] == [("b", "1"), ("A-a", "2"), ("B", "3")]


@pytest.mark.parametrize(
    "name, says_who",
    [("X-ProConnect-Email", True), ("x-proconnect-x", True), ("REMOTE-USER", True), ("X-Other", False)],
)
def test_a_field_that_says_who_is_there(name: str, *, says_who: bool) -> None:
    assert Field(name, "x", "x").from_gateway is says_who


@pytest.mark.parametrize(
    "fields, name",
    [
        ([(b"X-ProConnect-Given-Name", b"Zo%C3%A9"), (b"X-ProConnect-Usual-Name", b"B")], "Zoé B"),
        ([(b"X-ProConnect-Usual-Name", b"B")], "B"),
        ([(b"X-ProConnect-Email", b"z@b.fr")], "z@b.fr"),
        ([(b"Remote-User", b"z@b.fr")], "z@b.fr"),
        ([(b"x-proconnect-email", b"first@b.fr"), (b"X-ProConnect-Email", b"second@b.fr")], "first@b.fr"),
    ],
)
def test_a_person_is_named(fields: list[tuple[bytes, bytes]], name: str) -> None:
    person = person_in(read_fields(fields))
    assert person is not None
    assert person.name == name


@pytest.mark.parametrize("fields", [[], [(b"X-Email", b"z@b.fr")], [(b"X-ProConnect-Acr", b"eidas1")]])
def test_nobody_is_there_without_a_name(fields: list[tuple[bytes, bytes]]) -> None:
    assert person_in(read_fields(fields)) is None
