from __future__ import annotations

import secrets
from hashlib import sha256
from itertools import count

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.secret import Secret
from gateway.sessions.seal import Purpose, Sealer

OLD = Secret("old-" + "o" * 40)
NEW = Secret("new-" + "n" * 40)
PURPOSE = Purpose.SESSION_RECORD


def sealed_by(sealer: Sealer, plain: bytes = b"who", *, bound_to: bytes = b"key", bits: bytes = b"") -> bytes:
    return sealer.box(PURPOSE, bits=bits).seal(plain, bound_to=bound_to, random=secrets.token_bytes)


@given(plain=st.binary(max_size=4_000), bound_to=st.binary(max_size=200), bits=st.binary(max_size=64))
def test_what_was_sealed_opens_in_its_place(plain: bytes, bound_to: bytes, bits: bytes) -> None:
    sealed = sealed_by(Sealer([NEW]), plain, bound_to=bound_to, bits=bits)

    assert Sealer([NEW]).box(PURPOSE, bits=bits).open(sealed, bound_to=bound_to) == plain


def test_what_was_sealed_shows_nothing_of_what_is_in_it() -> None:
    plain = b"Eleonore Lefevre-OEillet, eleonore@example.gouv.fr"

    sealed = sealed_by(Sealer([NEW]), plain)

    assert not any(plain[start : start + 6] in sealed for start in range(len(plain) - 5))


def test_the_newest_secret_seals() -> None:
    sealed = sealed_by(Sealer([NEW, OLD]))

    assert Sealer([NEW]).box(PURPOSE).open(sealed, bound_to=b"key") == b"who"
    assert Sealer([OLD]).box(PURPOSE).open(sealed, bound_to=b"key") is None


def test_every_secret_still_held_opens() -> None:
    sealed = sealed_by(Sealer([OLD]))

    assert Sealer([NEW, OLD]).box(PURPOSE).open(sealed, bound_to=b"key") == b"who"


def test_a_secret_no_longer_held_opens_nothing() -> None:
    assert Sealer([NEW]).box(PURPOSE).open(sealed_by(Sealer([OLD])), bound_to=b"key") is None


@pytest.mark.parametrize("length", range(len(sealed_by(Sealer([NEW])))))
def test_what_was_cut_short_does_not_open(length: int) -> None:
    sealed = sealed_by(Sealer([NEW]))

    assert Sealer([NEW]).box(PURPOSE).open(sealed[:length], bound_to=b"key") is None


@pytest.mark.parametrize("place", range(len(sealed_by(Sealer([NEW])))))
def test_what_was_changed_anywhere_does_not_open(place: int) -> None:
    sealed = bytearray(sealed_by(Sealer([NEW])))
    sealed[place] ^= 1

    assert Sealer([NEW]).box(PURPOSE).open(bytes(sealed), bound_to=b"key") is None


def test_parts_of_two_sealed_values_do_not_open_together() -> None:
    first, second = sealed_by(Sealer([NEW]), b"me"), sealed_by(Sealer([NEW]), b"you")
    box = Sealer([NEW]).box(PURPOSE)

    for cut in (12, len(first) - 16):
        assert box.open(first[:cut] + second[cut:], bound_to=b"key") is None


@given(sealed=st.binary(max_size=200))
def test_other_octets_do_not_open(sealed: bytes) -> None:
    assert Sealer([NEW, OLD]).box(PURPOSE).open(sealed, bound_to=b"key") is None


@given(one=st.binary(max_size=80), other=st.binary(max_size=80))
def test_what_is_bound_to_one_place_does_not_open_at_another(one: bytes, other: bytes) -> None:
    assume(one != other)
    sealed = sealed_by(Sealer([NEW]), bound_to=one)

    assert Sealer([NEW]).box(PURPOSE).open(sealed, bound_to=other) is None


@given(one=st.binary(max_size=80), other=st.binary(max_size=80))
def test_what_was_sealed_with_some_bits_does_not_open_with_others(one: bytes, other: bytes) -> None:
    assume(one != other)
    sealed = sealed_by(Sealer([NEW]), bits=one)

    assert Sealer([NEW]).box(PURPOSE, bits=other).open(sealed, bound_to=b"key") is None


@pytest.mark.parametrize(
    "one, other",
    [
        (b"", b"\x00"),  # a key of HMAC is padded with zeros
        (b"bits", b"bits\x00"),
        (b"x" * 65, sha256(b"x" * 65).digest()),  # one that is longer than a block is hashed
    ],
)
def test_bits_that_hmac_would_pad_alike_share_no_key(one: bytes, other: bytes) -> None:
    sealed = sealed_by(Sealer([NEW]), bits=one)

    assert Sealer([NEW]).box(PURPOSE, bits=other).open(sealed, bound_to=b"key") is None


def test_octets_cannot_move_between_the_bits_and_the_secret() -> None:
    longer = Secret("bits" + NEW.reveal())
    sealed = sealed_by(Sealer([NEW]), bits=b"bits")

    assert Sealer([longer]).box(PURPOSE).open(sealed, bound_to=b"key") is None


@pytest.mark.parametrize("one", Purpose)
@pytest.mark.parametrize("other", Purpose)
def test_two_purposes_share_no_key(one: Purpose, other: Purpose) -> None:
    sealer = Sealer([NEW])
    sealed = sealer.box(one).seal(b"who", bound_to=b"key", random=secrets.token_bytes)

    assert (sealer.box(other).open(sealed, bound_to=b"key") == b"who") is (one is other)


def test_each_seal_draws_a_nonce_of_its_own() -> None:
    drawn = count()
    box = Sealer([NEW]).box(PURPOSE)

    def random(length: int) -> bytes:
        return next(drawn).to_bytes(length, "big")

    first = box.seal(b"who", bound_to=b"key", random=random)
    second = box.seal(b"who", bound_to=b"key", random=random)

    assert (first[:12], second[:12]) == (bytes(12), bytes(11) + b"\x01")
    assert first[12:] != second[12:]


def test_a_hundred_thousand_seals_repeat_no_nonce() -> None:
    box = Sealer([NEW]).box(PURPOSE)
    sealed = {box.seal(b"", bound_to=b"", random=secrets.token_bytes)[:12] for _ in range(100_000)}

    assert len(sealed) == 100_000


def test_no_secret_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        Sealer([])


@pytest.mark.parametrize("length", [0, 1, 31])
def test_a_short_secret_is_refused_wherever_it_stands(length: int) -> None:
    with pytest.raises(ValueError, match="at least 32 characters") as refused:
        Sealer([NEW, Secret("k" * length)])

    assert "kk" not in str(refused.value)


def test_a_sealer_and_its_boxes_show_no_secret() -> None:
    sealer = Sealer([NEW, OLD])

    assert repr(sealer) == "Sealer(2 secrets)"
    assert "nnnn" not in repr(sealer.box(PURPOSE))
