"""Messages that are nearly right: an honest one with a few things done to it.

What is made up from nothing is refused at the first check; what is nearly right reaches the later ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["", "null", "\ud800", "\x00", "a\r\nb", "é", 2**64, -1, 1e308, "x" * 300]),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=8,
)
"""Whatever JSON can hold, and a little more."""

SEPARATORS = tuple(" \t\r\n\0,;:=\"'\\/%#?&@.[]{}<>éÿ")


@st.composite
def mangled(draw: st.DrawFn, *honest: bytes, words: Sequence[bytes] = ()) -> bytes:
    """Octets: one of `honest` with up to four pieces cut out, put in, doubled or changed.

    Args:
        draw: Hypothesis's.
        honest: messages to start from.
        words: what means something in such a message.
    """
    octets = draw(st.sampled_from(honest))
    known = [*words, *(separator.encode("latin-1") for separator in SEPARATORS)]
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(octets)))
        end = draw(st.integers(start, min(len(octets), start + 40)))
        piece = draw(
            st.just(b"")
            | st.just(octets[start:end] * 2)
            | st.sampled_from(known)
            | st.binary(max_size=4)
            | st.just(octets[start:end].swapcase())
        )
        octets = octets[:start] + piece + octets[end:]
    return octets


@st.composite
def altered(draw: st.DrawFn, honest: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object: an honest one with up to three members absent, changed or added."""
    document = dict(honest)
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(sorted(honest)) | st.text(max_size=8))
        if draw(st.booleans()):
            document.pop(name, None)
        else:
            document[name] = draw(JSON)
    return document


def octets(document: object) -> bytes:
    """JSON as a careless program writes it: NaN, and halves of surrogate pairs, included."""
    return json.dumps(document).encode()
