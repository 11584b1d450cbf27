"""Every gateway that a test runs is searched at its end for each secret that passed by while it ran.

Searched are its log, with the debug lines of its libraries when it runs in the test's process, its own pages,
its metrics, and of a process the command line and the environment. Looked for are the settings' secrets,
whatever a gateway in this process held as a `Secret`, and what the tests' browsers sent and were given:
codes, `state`, nonces, tokens and cookies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import run
from typing import Final

from gateway.secret import Secret
from tests.support.page import Page
from tests.support.unsaid import Unsaid

OWN_PATHS: Final = "/_gateway/"
VARIED: Final = 8
"""Different characters in a value that is looked for; what has fewer is a test's filling and no secret."""

BROUGHT: Final = {
    "sign-out": "to the provider: whose session ends (`id_token_hint`), and `state`",
    "form": "back to the gateway: what shows that the page that asks is the gateway's own",
    "callback": "once more to the gateway: a posted response, which came without the attempt's cookie",
}
"""Own pages whose one link or form brings a secret where it belongs: what it brings is not looked at."""

_BRINGS: Final = re.compile(r'(?:href|content|value)="[^"]*"')

_open: list[Watch] = []


class Watch:
    """What has passed by, and where it is looked for."""

    def __init__(self) -> None:
        self.unsaid = Unsaid()
        self.pages: list[Page] = []
        self._places: dict[str, list[str]] = {}

    def learn(self, name: str, value: str) -> None:
        """Take note of a secret."""
        if len(set(value)) >= VARIED:
            self.unsaid.add(name, value)

    def look_at(self, place: str, lines: Iterable[str]) -> None:
        """Take note of what was written somewhere."""
        self._places.setdefault(place, []).extend(lines)

    def look_at_process(self, pid: int) -> None:
        """Take note of what any user of the machine may read of a process and its workers."""
        workers = run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
        for each in (str(pid), *workers):
            for place in ("cmdline", "environ"):
                self.look_at(place, Path("/proc", each, place).read_text("utf-8", "replace").split("\0"))

    def check(self, url: str) -> None:
        """Fail for each secret that is in one of the places: what it is, where, and the line.

        Args:
            url: the gateway's, whose own pages are looked at.
        """
        for page in self.pages:
            self.unsaid.add_page(page)
        for page in self.pages:
            if str(page.url).startswith(url + OWN_PATHS):
                name = page.url.path.removeprefix(OWN_PATHS)
                text = _BRINGS.sub("", page.text) if name in BROUGHT else page.text
                self.look_at(f"page {name}", text.splitlines())
        found = [
            f"{place}: {said}"
            for place, lines in self._places.items()
            for said in self.unsaid.found_in(lines)
        ]
        assert not found, "\n".join(found)


def passed_by(page: Page) -> None:
    """A browser of the tests was answered."""
    for watch in _open:
        watch.pages.append(page)


@contextmanager
def watching() -> Iterator[Watch]:
    """Take note of what passes by until the block ends."""
    watch = Watch()
    _open.append(watch)
    try:
        yield watch
    finally:
        _open.remove(watch)


_made = Secret.__init__


def _make(self: Secret, _value: str) -> None:
    _made(self, _value)
    for watch in _open:
        watch.learn("Secret", _value)


Secret.__init__ = _make  # type: ignore[method-assign]
