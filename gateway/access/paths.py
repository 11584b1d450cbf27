"""Which paths a route is about: a path with all that is beneath it, one path alone, or a pattern of paths.

A pattern is read segment by segment: `*` stands for any characters of one segment, `**` for any segments or
none. Matching never takes a choice back, so that its time grows with the path's length and no faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

_Segments: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPattern:
    """The paths of one route; made by `path_pattern`.

    Args:
        text: as it stands in the settings.
        exact: whether what lies beneath is left out.
        prefix: the text without its last slash.
        runs: of a text with `*`: its segments, cut at each `**`; None for a plain text.
        folds: whether it has letters that case-folding changes.
    """

    text: str
    exact: bool
    prefix: str
    runs: tuple[_Segments, ...] | None
    folds: bool

    def covers(self, path: str) -> bool:
        """Tell whether a path, percent-decoded, is among these.

        Whole segments count: `/admin` and `/admin/` cover `/admin` and `/admin/x` alike. Many applications
        answer both alike, so that a rule must not tell them apart; `/administration` is another place.
        """
        if self.runs is not None:
            return _match(self.runs, tuple(path.split("/")), exact=self.exact)
        if self.exact:
            return path == self.text
        return path.startswith(self.prefix) and path[len(self.prefix) : len(self.prefix) + 1] in {"", "/"}

    @property
    def folded(self) -> PathPattern:
        """The same for case-folded paths."""
        return path_pattern(self.text.casefold(), exact=self.exact)

    def covers_all_of(self, other: PathPattern) -> bool:
        """Tell whether every path of the other is among these; in doubt, no."""
        if self.exact and not other.exact:
            return False
        if self.runs is not None and other.runs is not None and len(other.runs) > 1:
            return self.text == other.text
        # An asterisk of the other is matched by nothing but an asterisk of this one.
        return self.covers(other.text)


@cache
def path_pattern(text: str, *, exact: bool = False) -> PathPattern:
    """Read a path, or a pattern of paths, as it stands in the settings; once for each, for settings are few.

    Args:
        text: begins with a slash; `**` stands alone between slashes.
        exact: whether what lies beneath is left out.
    """
    prefix, folds = text.rstrip("/"), text.casefold() != text
    if "*" not in text:
        return PathPattern(text=text, exact=exact, prefix=prefix, runs=None, folds=folds)
    runs: list[list[str]] = [[]]
    for segment in (text if exact else prefix).split("/"):
        if segment == "**":
            runs.append([])
        else:
            runs[-1].append(segment)
    return PathPattern(text=text, exact=exact, prefix=prefix, runs=tuple(map(tuple, runs)), folds=folds)


def _match(runs: tuple[_Segments, ...], path: _Segments, *, exact: bool) -> bool:
    """Whether the path begins with the runs in their order, anything between them; and ends so, if exact."""
    first, *further = runs
    if not _stands_at(0, path, first):
        return False
    at = len(first)
    last = further.pop() if exact and further else None
    for run in further:
        # The first place will do: whatever fits further on fits after it as well.
        found = next((n for n in range(at, len(path) - len(run) + 1) if _stands_at(n, path, run)), None)
        if found is None:
            return False
        at = found + len(run)
    if last is not None:
        end = len(path) - len(last)
        return end >= at and _stands_at(end, path, last)
    return not exact or at == len(path)


def _stands_at(at: int, path: _Segments, run: _Segments) -> bool:
    return len(path) >= at + len(run) and all(_matches(p, path[at + n]) for n, p in enumerate(run))


def _matches(pattern: str, segment: str) -> bool:
    """One segment. An empty one, as between two slashes, is matched by nothing."""
    if "*" not in pattern or not segment:
        return pattern == segment
    first, *middle, last = pattern.split("*")
    if len(segment) < len(first) + len(last) or not (segment.startswith(first) and segment.endswith(last)):
        return False
    at, end = len(first), len(segment) - len(last)
    for part in middle:
        found = segment.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
