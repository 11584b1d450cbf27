"""What no log line may hold: each secret, code, token, cookie, `state` and nonce of a run, and who finds one.

A value counts as said when its beginning or its end is there: lines cut what is long.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

from yarl import URL

from tests.support.page import Page

LONG_ENOUGH = 12
"""Characters of a value that are looked for; a shorter one might be there by chance."""

PARAMETERS = frozenset(
    {
        "access_token",
        "client_secret",
        "code",
        "code_challenge",
        "code_verifier",
        "id_token",
        "id_token_hint",
        "nonce",
        "refresh_token",
        "state",
    }
)
"""Names of parameters and of members whose values are nobody else's business."""


CLIENT_OF_THE_TESTS = "websockets"
"""A library of the tests alone; what it logs is what a browser sends."""


class Unsaid:
    """Collects values, and looks for them in what was written."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._values)

    def add(self, name: str, *values: str) -> None:
        """Learn values that must not be written; one too short to tell from chance is not kept."""
        self._values.update({value: name for value in values if len(value) >= LONG_ENOUGH})

    def add_members(self, members: Mapping[str, Any]) -> None:
        """Learn what a form, a query or a JSON object holds under one of PARAMETERS."""
        for name, value in members.items():
            if name in PARAMETERS and isinstance(value, str):
                self.add(name, value)

    def add_page(self, page: Page) -> None:
        """Learn what the browser sent in its query, and was given as cookies and in its redirect."""
        self.add_members(page.url.query)
        for field in page.fields.getall("Set-Cookie", []):
            for morsel in SimpleCookie(field).values():
                self.add(f"cookie {morsel.key}", morsel.value)
        if "Location" in page.fields:
            self.add_members(URL(page.fields["Location"], encoded=True).query)

    def found_in_pages(self, pages: Iterable[Page], *, of: str) -> list[str]:
        """Each value that the body of one of these answers holds, when it came from the origin `of`.

        The page on the way to the provider's sign-out holds the hint that it brings there.
        """
        bodies = [page.text for page in pages if str(page.url).startswith(of) and not _leads_out(page)]
        return self.found_in(bodies)

    def found_in(self, lines: Iterable[str]) -> list[str]:
        """Each value that some line holds, as its name and the line."""
        # Both sides cut into pieces of one length: a long run has thousands of values and of lines.
        names = {part: name for value, name in self._values.items() for part in _parts(value)}
        return [
            f"{name} in {line}"
            for line in lines
            for name in sorted({names[piece] for piece in _pieces(line) if piece in names})
        ]


def _leads_out(page: Page) -> bool:
    return 'http-equiv="refresh"' in page.text


def _parts(value: str) -> set[str]:
    texts = (value, quote(value, safe=""))
    return {part for text in texts for part in (text[:LONG_ENOUGH], text[-LONG_ENOUGH:])}


def _pieces(line: str) -> Iterator[str]:
    return (line[start : start + LONG_ENOUGH] for start in range(len(line) - LONG_ENOUGH + 1))


def as_lines(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Events of structlog, as wide as any renderer would write them."""
    return [json.dumps(event, default=repr, ensure_ascii=False) for event in events]


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] != CLIENT_OF_THE_TESTS:
            self.lines.append(self.format(record))


@contextmanager
def all_logging() -> Iterator[list[str]]:
    """Every line that any library writes through `logging` while the block runs, debug lines among them."""
    kept, root = _Kept(), logging.getLogger()
    before = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        yield kept.lines
    finally:
        root.setLevel(before)
        root.removeHandler(kept)
