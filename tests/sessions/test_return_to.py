from __future__ import annotations

import json
import subprocess
from pathlib import Path
from random import Random
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from gateway.sessions.return_to import HOME, ReturnTo, parse_return_to

CASES = Path(__file__).parents[1] / "cases"
ORIGIN = "https://app.example"

# What the tricks of the refused targets are made of.
PIECES = [
    *("/", "//", "\\", "/\\", ".", "..", ";", ":", "@", "?", "#", "%", " ", "\t", "\r", "\n", "\x00", "a"),
    *("%2f", "%2F", "%5c", "%5C", "%2e", "%252f", "%255c", "%252e", "%25", "%09", "%0d%0a", "%20", "%00"),
    *(
        "evil.example",
        "https:",
        "javascript:",
        "_gateway",
        "%5fgateway",
        "..;",
        "\u2028",
        "\uff0f",
        "%EF%BC%8F",
    ),
]
TARGETS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def lines(name: str) -> list[str]:
    texts = (CASES / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(text) for text in texts if text and not text.startswith("#")]


REFUSED = lines("return_to_refused.txt")
KEPT = lines("return_to_kept.txt")


@pytest.mark.parametrize("target", REFUSED, ids=ascii)
def test_a_doubtful_target_is_not_returned_to(target: str) -> None:
    assert parse_return_to(target) == HOME


@pytest.mark.parametrize("target", KEPT, ids=ascii)
def test_a_page_of_an_application_is_returned_to_byte_for_byte(target: str) -> None:
    assert parse_return_to(target) == ReturnTo(target)


def test_the_tables_of_cases_are_whole() -> None:
    assert len(set(REFUSED)) == len(REFUSED) >= 100
    assert len(set(KEPT)) == len(KEPT) >= 50


@pytest.mark.parametrize("length, kept", [(2_048, True), (2_049, False), (65_536, False)])
def test_a_target_is_at_most_2048_characters_long(length: int, *, kept: bool) -> None:
    target = "/" + "a" * (length - 1)

    assert parse_return_to(target) == (ReturnTo(target) if kept else HOME)


@pytest.mark.parametrize("code", [*range(0x21), *range(0x7F, 0xA1), 0x2028, 0xFEFF, 0xD800, 0x10FFFF])
@pytest.mark.parametrize("place", ["/{}/a", "/a{}", "/a?b={}", "{}/a"])
def test_a_blank_or_control_character_is_refused_anywhere(code: int, place: str) -> None:
    assert parse_return_to(place.format(chr(code))) == HOME


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_an_encoded_control_character_is_refused_anywhere_in_the_path(code: int) -> None:
    escaped = "".join(f"%{octet:02x}" for octet in chr(code).encode())

    assert parse_return_to(f"/a/b{escaped}c") == HOME
    assert parse_return_to(f"/a/b{escaped.replace('%', '%25')}c") == HOME


@pytest.mark.parametrize(
    "target, kept",
    [
        ("/auth/sign-out", False),
        ("/auth", False),
        ("/a%75th/", False),
        ("//auth/", False),
        ("/authors", True),
        ("/_gateway/sign-out", True),
    ],
)
def test_the_gateways_own_paths_are_refused_wherever_a_setting_moves_them(target: str, *, kept: bool) -> None:
    assert parse_return_to(target, own_prefix="/auth/") == (ReturnTo(target) if kept else HOME)


@pytest.mark.parametrize(
    "target, kept", [("/a/b", False), ("/a//b/x", False), ("/a/", True), ("/a/bc", True)]
)
def test_the_gateways_own_paths_may_be_deeper(target: str, *, kept: bool) -> None:
    assert parse_return_to(target, own_prefix="/a/b/") == (ReturnTo(target) if kept else HOME)


def whatwg_host(target: str) -> str | None:
    """The host a browser goes to from a page of ORIGIN, by the rules of the URL standard; None for ours."""
    text = "".join(
        letter for letter in target.strip("".join(map(chr, range(0x21)))) if letter not in "\t\r\n"
    )
    head = text.partition("?")[0].partition("#")[0].replace("\\", "/")
    scheme, colon, rest = head.partition(":")
    if colon and scheme[:1].isalpha() and all(letter.isalnum() or letter in "+-." for letter in scheme):
        return rest.strip("/").partition("/")[0] or scheme
    return head.strip("/").partition("/")[0] if head.startswith("//") else None


@pytest.mark.parametrize(
    "target, host",
    [
        ("//evil.example/a", "evil.example"),
        ("/\t/evil.example", "evil.example"),
        ("/\\evil.example", "evil.example"),
        ("https:evil.example", "evil.example"),
        (" javascript:alert(1)", "alert(1)"),
        ("/a//evil.example", None),
    ],
)
def test_the_rules_that_the_next_tests_use_find_another_host(target: str, host: str | None) -> None:
    assert whatwg_host(target) == host


@given(target=TARGETS)
@example(target="/\t/evil.example")
@example(target="https:evil.example")
def test_a_target_that_is_kept_stays_at_our_origin_for_a_browser(target: str) -> None:
    kept = parse_return_to(target).target

    assert whatwg_host(kept) is None


@given(target=TARGETS)
def test_a_target_that_is_kept_stays_at_our_origin_for_libraries(target: str) -> None:
    kept = parse_return_to(target).target
    joined = urlsplit(urljoin(ORIGIN + "/_gateway/callback", kept))

    assert (joined.scheme, joined.netloc) == ("https", "app.example")
    assert str(URL(ORIGIN).join(URL(kept, encoded=True)).origin()) == ORIGIN
    assert urlsplit(kept).netloc == ""


@given(target=TARGETS)
def test_a_target_that_is_kept_names_no_host_after_decoding_either(target: str) -> None:
    kept = parse_return_to(target).target
    for _ in range(4):
        assert not kept.startswith(("//", "/\\"))
        assert not {"..", "."} & set(kept.partition("?")[0].replace("\\", "/").split("/"))
        kept = unquote(kept)


@given(target=st.text() | TARGETS)
def test_a_target_that_is_kept_is_kept_again(target: str) -> None:
    kept = parse_return_to(target)

    assert kept in {ReturnTo(target), HOME}
    assert parse_return_to(kept.target) == kept


@pytest.mark.real
def test_no_target_that_is_kept_takes_a_real_url_parser_elsewhere() -> None:
    """Node's URL class is the URL standard as browsers have it."""
    random = Random("return-to")  # noqa: S311 - the same targets in each run
    made = ["".join(random.choices(PIECES, k=random.randint(1, 8))) for _ in range(50_000)]
    kept = sorted({parse_return_to(target).target for target in [*REFUSED, *KEPT, *made]})
    script = (
        "const targets = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"const stays = target => new URL(target, '{ORIGIN}/_gateway/callback').origin === '{ORIGIN}';"
        "const outside = targets.filter(target => !stays(target));"
        "console.log(JSON.stringify(outside));"
    )
    shown = subprocess.run(
        ["node", "-e", script], input=json.dumps(kept), capture_output=True, text=True, check=True, timeout=60
    )

    assert len(kept) > len(KEPT)
    assert json.loads(shown.stdout) == []
