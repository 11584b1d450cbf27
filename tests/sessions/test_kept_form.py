"""The sealed form of a form: what is read back of it, and what opens nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.secret import Secret
from gateway.sessions.kept_form import (
    FORM_ID,
    FormCookie,
    KeptForm,
    find_form_cookie,
    form_cookie_name,
    new_form_cookie,
)
from gateway.sessions.return_to import HOME, parse_return_to
from gateway.sessions.seal import Purpose, Sealer

SEALER: Final = Sealer([Secret("n" * 48)])
OWN: Final = "/_gateway/"
FORM: Final = KeptForm(
    host="app.example",
    target="/demandes/42?etape=2&nom=%C3%A9",
    person="a-person",
    page=parse_return_to("/demandes/42", own_prefix=OWN),
    fields=((b"Content-Type", b"text/plain"), (b"Referer", b"https://app.example/\xe9")),
    body=b"\x00\xff a=1\r\n",
    token="a-token",
    places=("one", "two"),
)
COOKIE: Final = FormCookie(bytes(range(32)))
OTHER: Final = FormCookie(bytes(32))
OCTETS: Final = st.binary(max_size=200)


def sealed(form: KeptForm = FORM, cookie: FormCookie = COOKIE, sealer: Sealer = SEALER) -> bytes:
    return cookie.seal(form, sealer=sealer, random=bytes)


def opened(octets: bytes, cookie: FormCookie = COOKIE, sealer: Sealer = SEALER) -> KeptForm | None:
    return cookie.open(octets, sealer=sealer, own_prefix=OWN)


@given(
    body=st.binary(max_size=4_000),
    fields=st.lists(st.tuples(OCTETS, OCTETS), max_size=4).map(tuple),
    texts=st.tuples(st.text(), st.text(), st.text(), st.text()),
    places=st.lists(st.text(), max_size=3).map(tuple),
    bits=st.binary(min_size=32, max_size=32),
)
def test_any_form_reads_back_octet_by_octet(
    body: bytes,
    fields: tuple[tuple[bytes, bytes], ...],
    texts: tuple[str, str, str, str],
    places: tuple[str, ...],
    bits: bytes,
) -> None:
    host, target, person, token = texts
    form = replace(
        FORM, host=host, target=target, person=person, token=token, body=body, fields=fields, places=places
    )

    assert opened(sealed(form, FormCookie(bits)), FormCookie(bits)) == form


def test_what_is_in_the_store_shows_nothing_of_the_form() -> None:
    octets = sealed(replace(FORM, body=b"very private text"))

    assert [part for part in (b"private", b"demandes", b"a-token", b"a-person") if part in octets] == []


def test_a_forms_key_and_name_do_not_tell_its_cookie() -> None:
    assert COOKIE.value not in COOKIE.key
    assert COOKIE.id not in COOKIE.value
    assert FORM_ID.fullmatch(COOKIE.id)
    assert COOKIE.value not in repr(COOKIE)


def test_another_cookie_opens_nothing() -> None:
    assert opened(sealed(), OTHER) is None


def test_another_secret_opens_nothing() -> None:
    assert opened(sealed(), sealer=Sealer([Secret("o" * 48)])) is None


@pytest.mark.parametrize(
    "octets",
    [b"", b"x", b"x" * 100, sealed()[:-1], sealed() + b"x"],
    ids=["nothing", "an octet", "octets", "cut", "lengthened"],
)
def test_what_was_cut_or_changed_opens_nothing(octets: bytes) -> None:
    assert opened(octets) is None


@given(place=st.integers(0, len(sealed()) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_opens_nothing(place: int, bit: int) -> None:
    octets = bytearray(sealed())
    octets[place] ^= 1 << bit

    assert opened(bytes(octets)) is None


@pytest.mark.parametrize("name", ["host", "target", "person", "page", "fields", "token", "places"])
@pytest.mark.parametrize("value", [None, 1], ids=["absent", "of another type"])
def test_a_form_of_another_version_is_none(name: str, value: object) -> None:
    box = SEALER.box(Purpose.KEPT_FORM, bits=COOKIE.bits)
    bound_to = COOKIE.key.encode()
    plain = box.open(sealed(), bound_to=bound_to)
    assert plain is not None
    end = 4 + int.from_bytes(plain[:4], "big")
    described = json.loads(plain[4:end])
    assert described.pop(name) is not None
    if value is not None:
        described[name] = value
    text = json.dumps(described).encode()
    octets = box.seal(len(text).to_bytes(4, "big") + text + plain[end:], bound_to=bound_to, random=bytes)

    assert opened(octets) is None


def test_a_page_that_is_no_page_of_the_application_any_more_becomes_home() -> None:
    octets = sealed()

    form = COOKIE.open(octets, sealer=SEALER, own_prefix="/demandes/")

    assert form is not None
    assert form.page == HOME


def test_the_body_stands_in_no_text_that_is_made_of_a_form() -> None:
    assert "a=1" not in repr(FORM)
    assert "a-token" not in repr(FORM)


def test_each_cookie_is_drawn() -> None:
    assert new_form_cookie(lambda count: b"x" * count).bits == b"x" * 32


def test_a_form_is_found_by_the_cookie_of_its_name() -> None:
    cookies = {form_cookie_name(each.id, secure=True): each.value for each in (OTHER, COOKIE)}

    assert find_form_cookie(cookies, COOKIE.id, secure=True) == COOKIE
    assert find_form_cookie(cookies, COOKIE.id, secure=False) is None


@pytest.mark.parametrize(
    "value",
    ["", "x", COOKIE.value[:-1], COOKIE.value + "A", OTHER.value, "é" * 43, COOKIE.value + "\n"],
    ids=["nothing", "a letter", "cut", "lengthened", "another form's", "no ASCII", "a line"],
)
def test_a_cookie_that_is_not_the_forms_finds_none(value: str) -> None:
    cookies = {form_cookie_name(COOKIE.id, secure=False): value}

    assert find_form_cookie(cookies, COOKIE.id, secure=False) is None


def test_on_https_no_sibling_host_can_set_the_cookie() -> None:
    assert form_cookie_name("01234567", secure=True) == "__Host-gateway-form-01234567"
    assert form_cookie_name("01234567", secure=False) == "gateway-form-01234567"
