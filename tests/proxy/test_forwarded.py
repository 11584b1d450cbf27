from __future__ import annotations

import pytest

from gateway.proxy.forwarded import Telling, told

USUAL = [
    (b"X-Forwarded-For", b"192.0.2.1"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Host", b"app.example"),
]


@pytest.mark.parametrize(
    "telling, fields",
    [
        (Telling(), USUAL),
        (Telling(x_forwarded=False), []),
        (Telling(via="gateway"), [*USUAL, (b"Via", b"1.1 gateway")]),
        (
            Telling(x_forwarded=False, forwarded=True),
            [(b"Forwarded", b"for=192.0.2.1;proto=https;host=app.example")],
        ),
    ],
)
def test_the_administrator_says_how_the_browser_is_told_of(
    telling: Telling, fields: list[tuple[bytes, bytes]]
) -> None:
    assert list(told("192.0.2.1", "https", "app.example", telling)) == fields


def test_via_says_what_the_browser_spoke() -> None:
    telling = Telling(x_forwarded=False, via="gateway")
    assert told("192.0.2.1", "https", "app.example", telling, old=True) == [(b"Via", b"1.0 gateway")]


@pytest.mark.parametrize(
    "client, host, value",
    [
        ("2001:db8::1", "a:8080", b'for="[2001:db8::1]";proto=https;host="a:8080"'),
        ("", 'a"\\', b'for="";proto=https;host="a\\"\\\\"'),
    ],
)
def test_forwarded_quotes_what_is_no_token(client: str, host: str, value: bytes) -> None:
    telling = Telling(x_forwarded=False, forwarded=True)
    assert told(client, "https", host, telling) == [(b"Forwarded", value)]
