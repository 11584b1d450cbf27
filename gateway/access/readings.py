"""Every way a server behind the gateway might read one request path, so that no reading slips past a rule.

The gateway forwards the target byte for byte; what it compares with its rules is the decoded path, and
whatever else an upstream could make of the same bytes: a second decoding, backslashes as slashes, `;`
parameters cut off, slashes merged, letters of either case. When two readings fall under different routes, the
request is refused by `access.policy`; a path that no honest browser sends is refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.errors import Fault, RequestError

_PLAIN = re.compile(r"(?:/[a-z0-9_~!$&'()*+,=:@-][a-z0-9._~!$&'()*+,=:@-]*)*/?")
"""Paths with one reading: lower-case segments that neither start with a dot nor hold an escape."""

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")  # RFC 3986 section 2.1
_ENCODED_SLASH = re.compile(r"%2[Ff]")
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]")  # RFC 3629 section 3: never valid UTF-8
_PARAMETERS = re.compile(r";[^/]*")  # RFC 3986 section 3.3; what servlet containers cut off
_SLASHES = re.compile(r"/{2,}")
_CONTROLS = frozenset(map(chr, (*range(0x20), 0x7F)))

_REMEMBERED: Final = 4096  # paths
_REMEMBERED_LENGTH: Final = 256  # characters


@dataclass(frozen=True, slots=True)
class Path:
    """A path as the policy sees it.

    Args:
        decoded: percent-decoded once, an encoded slash left encoded: what rules are written against.
        others: what else a server might read, case-folded; empty for a plain path.
    """

    decoded: str
    others: frozenset[str]

    def any_starts_with(self, prefix: str) -> bool:
        """Tell whether some reading lies under `prefix` (lower case, ending with a slash)."""
        if not self.others:
            return (self.decoded + "/").startswith(prefix)
        return any((reading + "/").startswith(prefix) for reading in (self.decoded, *self.others))


def read_path(raw: str) -> Path:
    """Read the path part of a request target, without its query.

    Raises:
        RequestError: target-ambiguous, for dot segments, broken or overlong escapes and control characters.
    """
    return _remembered(raw) if len(raw) <= _REMEMBERED_LENGTH else _read(raw)


def _read(raw: str) -> Path:
    if _PLAIN.fullmatch(raw):
        return Path(raw, frozenset())
    if _BAD_ESCAPE.search(raw):
        raise RequestError(Fault.TARGET_AMBIGUOUS, why="broken percent-encoding")
    once = _decode(raw)
    twice = _decode(once) if "%" in once else once
    if _CONTROLS & {*once, *twice}:
        raise RequestError(Fault.TARGET_AMBIGUOUS, why="control character")
    others = set()
    for reading in (once, twice):
        slashed = reading.replace("\\", "/")
        without_parameters = _PARAMETERS.sub("", slashed)
        if _has_dot_segment(without_parameters):
            raise RequestError(Fault.TARGET_AMBIGUOUS, why="dot segment")
        others |= {reading, _SLASHES.sub("/", slashed), _SLASHES.sub("/", without_parameters)}
    decoded = _decode(_ENCODED_SLASH.sub("%252F", raw))
    return Path(decoded, frozenset(other.casefold() for other in others))


_remembered = lru_cache(_REMEMBERED)(_read)
"""Most requests are for few paths; long ones are not kept, so that nobody fills the memory with them."""


def _decode(text: str) -> str:
    octets = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    if _OVERLONG.search(octets):
        raise RequestError(Fault.TARGET_AMBIGUOUS, why="overlong encoding")
    return octets.decode("utf-8", "surrogateescape")


def _has_dot_segment(path: str) -> bool:
    return any(segment in {".", ".."} for segment in path.split("/"))
