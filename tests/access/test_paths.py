from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.paths import path_pattern


@pytest.mark.parametrize(
    "text, exact, path, covered",
    [
        ("/", False, "/anything", True),
        ("/admin/", False, "/admin", True),
        ("/admin", False, "/admin/", True),
        ("/admin", False, "/admin/x/y", True),
        ("/admin", False, "/administration", False),
        ("/admin", True, "/admin", True),
        ("/admin", True, "/admin/", False),
        ("/admin", True, "/admin/x", False),
        ("/dossiers/*/edit", False, "/dossiers/17/edit", True),
        ("/dossiers/*/edit", False, "/dossiers/17/edit/", True),
        ("/dossiers/*/edit/", False, "/dossiers/17/edit", True),
        ("/dossiers/*/edit", False, "/dossiers/17/edit/pieces/3", True),
        ("/dossiers/*/edit", False, "/dossiers/17/18/edit", False),
        ("/dossiers/*/edit", False, "/dossiers//edit", False),
        ("/dossiers/*/edit", False, "/dossiers/17/editor", False),
        ("/dossiers/*/edit", False, "/dossiers/17", False),
        ("/dossiers/*/edit", False, "/x/dossiers/17/edit", False),
        ("/dossiers/*/edit", True, "/dossiers/17/edit", True),
        ("/dossiers/*/edit", True, "/dossiers/17/edit/", False),
        ("/dossiers/*", True, "/dossiers/17", True),
        ("/dossiers/*", True, "/dossiers/", False),
        ("/dossiers/*", True, "/dossiers", False),
        ("/dossiers/*/", True, "/dossiers/17/", True),
        ("/dossiers/*/", True, "/dossiers/17", False),
        ("/files/*.pdf", True, "/files/a.pdf", True),
        ("/files/*.pdf", True, "/files/.pdf", True),
        ("/files/*.pdf", True, "/files/a.pdf.exe", False),
        ("/files/a*b*c", True, "/files/axbxc", True),
        ("/files/a*b*c", True, "/files/abc", True),
        ("/files/a*b*c", True, "/files/acb", False),
        ("/files/a*a", True, "/files/a", False),
        ("/files/a*a", True, "/files/aa", True),
        ("/files/a*bb*b", True, "/files/abb", False),
        ("/files/a*bb*b", True, "/files/abbb", True),
        ("/**/export", False, "/export", True),
        ("/**/export", False, "/a/b/export", True),
        ("/**/export", False, "/a/export/csv", True),
        ("/**/export", False, "/a/exports", False),
        ("/**/export", True, "/a/export/b/export", True),
        ("/**/export", True, "/a/export/b", False),
        ("/a/**/b/**/c", True, "/a/b/c", True),
        ("/a/**/b/**/c", True, "/a/x/b/y/z/c", True),
        ("/a/**/b/**/c", True, "/a/c/b", False),
        ("/a/**/b/**/c", True, "/a/b/c/d", False),
        ("/a/**/b/c", True, "/a/b", False),
        ("/a/**/b", False, "/a", False),
    ],
)
def test_a_pattern_covers_its_paths_and_no_other(text: str, path: str, *, exact: bool, covered: bool) -> None:
    assert path_pattern(text, exact=exact).covers(path) is covered


@pytest.mark.parametrize(
    "first, exact, second, second_exact, covered",
    [
        ("/a", False, "/a/b", False, True),
        ("/a", False, "/a/*/c", False, True),
        ("/a", True, "/a", False, False),
        ("/a", False, "/a", True, True),
        ("/a/*/c", False, "/a/b/c/d", False, True),
        ("/a/*/c", False, "/a/x*/c", False, True),
        ("/a/x*/c", False, "/a/*/c", False, False),
        ("/a/*/c", False, "/a/b", False, False),
        ("/a/**/c", False, "/a/**/c", False, True),
        ("/a/**/c", False, "/a/*/c", False, True),
        ("/a/*/c", False, "/a/**/c", False, False),
        ("/a/*/c", True, "/a/**/c", True, False),
        ("/a", False, "/a/**/c", False, True),
    ],
)
def test_a_pattern_that_leaves_another_nothing_is_known(
    first: str, second: str, *, exact: bool, second_exact: bool, covered: bool
) -> None:
    one, other = path_pattern(first, exact=exact), path_pattern(second, exact=second_exact)
    assert one.covers_all_of(other) is covered


def test_a_folded_pattern_is_for_folded_paths() -> None:
    assert path_pattern("/Straße/*/X").folded.covers("/strasse/17/x")


SEGMENTS = st.sampled_from(["", "a", "b", "ab", "aab"])
PATTERNS = st.lists(st.sampled_from(["a", "*", "a*", "*b", "a*b", "*a*", "**"]), min_size=1, max_size=5)


def as_regex(segments: list[str], *, exact: bool) -> str:
    """The same pattern for the `re` module, written down from what the words of the reference say."""
    written = ""
    for segment in segments:
        inner = re.escape(segment).replace(r"\*", "[^/]*")
        written += "(?:/[^/]*)*" if segment == "**" else f"/(?=[^/]){inner}"
    return written if exact else f"{written}(?:/.*)?"


@given(pattern=PATTERNS, segments=st.lists(SEGMENTS, min_size=1, max_size=6), exact=st.booleans())
def test_matching_agrees_with_a_search_that_tries_everything(
    *, pattern: list[str], segments: list[str], exact: bool
) -> None:
    path = "/" + "/".join(segments)
    expected = re.fullmatch(as_regex(pattern, exact=exact), path) is not None
    assert path_pattern("/" + "/".join(pattern), exact=exact).covers(path) is expected


@pytest.mark.parametrize("path", ["/a" * 20_000, "/" + "a" * 40_000, "/" * 40_000])
def test_no_path_takes_longer_than_its_length(path: str) -> None:
    patterns = [path_pattern("/**/a" * 10 + "/b"), path_pattern("/" + "*a" * 20 + "b")]
    began = time.process_time()
    assert not any(pattern.covers(path) for pattern in patterns)
    assert time.process_time() - began < 1


def test_a_single_path_covers_itself_and_nothing_beneath() -> None:
    single, all_below = path_pattern("/a", exact=True), path_pattern("/a")
    assert single.covers_all_of(single)
    assert all_below.covers_all_of(single)
    assert not single.covers_all_of(all_below)


def test_the_end_of_a_pattern_is_not_its_beginning_again() -> None:
    pattern = path_pattern("/a/**/a", exact=True)
    assert not pattern.covers("/a")
    assert pattern.covers("/a/a")
