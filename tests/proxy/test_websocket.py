from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.websocket import CloseCode, Frames, close_frame


def frame(payload: bytes, *, opcode: int = 2, mask: bool = False) -> bytes:
    size, bit = len(payload), 0x80 if mask else 0
    if size < 126:
        head = bytes([0x80 | opcode, bit | size])
    elif size < 65536:
        head = bytes([0x80 | opcode, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, bit | 127]) + size.to_bytes(8, "big")
    return head + (b"mask" if mask else b"") + payload


FRAME = st.builds(
    frame,
    st.one_of(st.binary(max_size=20), st.sampled_from([b"x" * size for size in (125, 126, 65535, 65536)])),
    opcode=st.integers(0, 7),
    mask=st.booleans(),
)


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(octets) + 1) for cut in cuts})
    return [octets[a:b] for a, b in zip([0, *places], [*places, len(octets)], strict=True)]


@given(st.lists(FRAME, max_size=5), st.lists(st.integers(0, 400_000), max_size=8))
def test_frames_end_where_they_end_in_whatever_pieces_they_come(sent: list[bytes], cuts: list[int]) -> None:
    frames = Frames()
    octets = b"".join(sent)
    ends = {sum(map(len, sent[:count])) for count in range(len(sent) + 1)}
    seen = 0
    for piece in pieces(octets, cuts):
        assert frames.follow(piece) == len(piece)
        seen += len(piece)
        assert frames.between == (seen in ends)
    assert not frames.closed


@given(FRAME, st.integers(0, 200_000))
def test_only_the_frame_under_way_is_followed_when_asked(sent: bytes, cut: int) -> None:
    cut %= len(sent)
    frames = Frames()
    frames.follow(sent[:cut])
    rest = sent[cut:] + frame(b"next")
    assert frames.follow(rest, one=True) == len(sent) - cut
    assert frames.between


def test_a_close_frame_is_the_last() -> None:
    frames = Frames()
    frames.follow(frame(b"hello"))
    assert not frames.closed
    frames.follow(close_frame(CloseCode.POLICY_VIOLATION))
    assert frames.closed
    assert frames.between


@pytest.mark.parametrize(
    "code, octets",
    [(CloseCode.POLICY_VIOLATION, b"\x88\x02\x03\xf0"), (CloseCode.GOING_AWAY, b"\x88\x02\x03\xe9")],
)
def test_a_close_frame_says_why(code: CloseCode, octets: bytes) -> None:
    assert close_frame(code) == octets


def test_what_comes_behind_a_close_frame_opens_nothing_again() -> None:
    frames = Frames()
    for octets in (frame(b"", opcode=8), frame(b"more")):
        frames.follow(octets)
    assert frames.closed
