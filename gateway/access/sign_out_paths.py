"""The addresses at which an application signs its people out, so that the gateway does it with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from gateway.access.paths import PathPattern, path_pattern
from gateway.access.readings import Path
from gateway.access.request import AccessRequest


@dataclass(frozen=True, slots=True)
class SignOutPath:
    """One such address; made by `sign_out_path`.

    Args:
        path: the path alone, or a pattern of paths.
        query: names and values, decoded, that must all be in the query; others may be there too.
    """

    path: PathPattern
    query: frozenset[tuple[str, str]]

    def covers(self, path: Path, query: str) -> bool:
        """Tell whether a request goes there, on any reading of its path: leaving too soon harms nobody.

        Args:
            path: the request's.
            query: the request's, as sent.
        """
        here = self.path.covers(path.decoded) or any(map(self.path.folded.covers, path.others))
        return here and (not self.query or self.query <= _pairs(query))


def signs_out(paths: Iterable[SignOutPath], asked: AccessRequest) -> bool:
    """Tell whether a request goes to one of an application's sign-outs."""
    query = asked.target.partition("?")[2]
    return any(each.covers(asked.path, query) for each in paths)


def sign_out_path(text: str) -> SignOutPath:
    """Read an address as it stands in the settings, such as `/logout` or `/index.php?action=logout`."""
    path, _, query = text.partition("?")
    return SignOutPath(path_pattern(path, exact=True), _pairs(query))


def _pairs(query: str) -> frozenset[tuple[str, str]]:
    return frozenset(parse_qsl(query, keep_blank_values=True))
