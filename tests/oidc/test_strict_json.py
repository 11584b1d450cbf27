from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oidc import strict_json
from gateway.oidc.strict_json import LONGEST, JSONRefusedError, parse_object


def nested(levels: int, *, opening: str = "[", closing: str = "]") -> bytes:
    return f'{{"a":{opening * (levels - 1)}{closing * (levels - 1)}}}'.encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b'{"a":1,}',
        b'{"a":1} x',
        b'{"a":1}{"b":2}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b'{"a":"\xc0\xaf"}',
        b'{"a":"\x00"}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"\\u0062":2}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":-1e999}',
        b'{"a":1.' + b"0" * 100 + b"}",
        b'{"a":' + b"9" * 21 + b"}",
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":[{"b":"\\ud83d"}]}',
        nested(33),
        nested(33, opening='{"a":', closing="}"),
        nested(100_000),
        b'{"a":"' + b"x" * LONGEST + b'"}',
        b"<!doctype html>",
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_what_readers_could_take_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(JSONRefusedError):
        parse_object(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b' \n{"a": 1}\r\n',
        nested(32),
        b'{"a":"\\ud83d\\ude00"}',
        '{"nom":"Lefèvre-Œillet"}'.encode(),
        b'{"a":18446744073709551615,"b":-1.5e300,"c":true,"d":null}',
        b'{"a":{"x":1},"b":{"x":1}}',
        b'{"a":"\\u0000"}',
    ],
    ids=repr,
)
def test_what_everybody_reads_alike_is_read(raw: bytes) -> None:
    assert parse_object(raw) == json.loads(raw)


def test_the_limit_of_the_caller_counts() -> None:
    assert parse_object(b'{"a":1}', longest=7) == {"a": 1}
    with pytest.raises(JSONRefusedError, match="too long"):
        parse_object(b'{"a":1}', longest=6)


def test_a_refusal_repeats_nothing_of_the_content() -> None:
    with pytest.raises(JSONRefusedError) as refused:
        parse_object(b'{"canary":"canary","canary":1}')
    assert "canary" not in f"{refused.value!r}{refused.value.__cause__!r}"


NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES), st.booleans())
def test_an_honest_document_is_read_as_it_was_written(document: dict[str, object], escaped: bool) -> None:  # noqa: FBT001 - hypothesis calls it
    assert parse_object(json.dumps(document, ensure_ascii=escaped).encode()) == document


@given(st.binary(max_size=200))
def test_octets_of_any_kind_are_read_or_refused(raw: bytes) -> None:
    with suppress(JSONRefusedError):
        assert isinstance(parse_object(raw), dict)


OWN_WRITING = {
    "cli_explain.py": "a file of claims that the administrator names",
    "observe/exposition.py": "numbers that another worker of this gateway left",
    "oidc/form_post.py": "what the gateway sealed",
    "oidc/pending.py": "what the gateway sealed",
    "report.py": "the gateway's own log, which the administrator names",
    "sessions/cookie.py": "what the gateway sealed",
    "sessions/kept_form.py": "what the gateway sealed",
    "sessions/last_person.py": "what the gateway sealed",
    "sessions/summary.py": "what the gateway sealed",
    "settings/environment.py": "the settings",
    "web/attempts.py": "what the gateway sealed",
}
"""Where JSON is read that did not come off the wire."""


def test_whatever_comes_off_the_wire_is_read_by_this_reader_alone() -> None:
    package = Path(strict_json.__file__).parents[1]
    readers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"\bjson\.loads?\(|\.json\(\)", path.read_text("utf-8"))
    }
    readers = {name for name in readers if not name.startswith("demo/")}
    assert readers == {"oidc/strict_json.py", *OWN_WRITING}


def test_nothing_that_comes_off_the_wire_is_decompressed() -> None:
    package = Path(strict_json.__file__).parents[1]
    texts = {path: path.read_text("utf-8") for path in package.rglob("*.py") if "demo" not in path.parts}
    opened = {path.name: text for path, text in texts.items() if "ClientSession(" in text}
    assert opened.keys() == {"http.py"}
    assert all("auto_decompress=False" in text for text in opened.values())
    decompress = {
        path.name
        for path, text in texts.items()
        if re.search(r"^import (zlib|gzip|bz2|lzma)", text, re.MULTILINE)
    }
    assert decompress == {"cli_report.py"}, "which reads old logs that an administrator names"
