"""A provider's HTTP answer, whole and bounded, and the checks that every kind of answer shares.

How it was fetched is `oidc.http`'s affair, what its body means that of the module for its kind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from gateway.errors import Fault, ProviderError
from gateway.oidc.checks import require, shown
from gateway.oidc.strict_json import JSONRefusedError, parse_object

_MEDIA_TYPE: Final = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;.*)?", re.DOTALL
)
REDIRECTS: Final = range(300, 400)
"""Statuses that are never followed, whatever `Location` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Args:
        status: the status code.
        content_type: the field as it came, empty without one.
        date: the Date field as it came, empty without one.
        body: the content, not encoded, within the limit of its kind. It may hold tokens: never shown.
    """

    status: int
    content_type: str
    date: str = ""
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """Type and subtype in lower case, whatever parameters follow (RFC 9110 section 8.3.1)."""
        found = _MEDIA_TYPE.fullmatch(self.content_type)
        return found[1].lower() if found else ""

    @property
    def served_at(self) -> int | None:
        """The Date field in Unix seconds (RFC 9110 section 6.6.1); None without a readable one."""
        try:
            return int(parsedate_to_datetime(self.date).timestamp())
        except (ValueError, OverflowError):
            return None


def require_success(answer: Answer, fault: Fault, *, redirect: Fault) -> None:
    """Go on with a 200, the only status that the documents of a provider come with.

    Raises:
        ProviderError: `redirect` for a redirection, which is never followed; `fault` for any other status.
    """
    require(answer.status not in REDIRECTS, redirect, status=answer.status)
    require(answer.status == HTTPStatus.OK, fault, status=answer.status)


def json_body(answer: Answer, fault: Fault, *, types: frozenset[str]) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        ProviderError: `fault`, for another media type than one of `types`, and for anything but strict JSON.
    """
    require(answer.media_type in types, fault, content_type=shown(answer.content_type))
    return json_object(answer.body, fault)


def json_object(raw: bytes, fault: Fault) -> dict[str, Any]:
    """Octets as a JSON object.

    Raises:
        ProviderError: `fault`, with the reason, for anything but strict JSON.
    """
    try:
        return parse_object(raw)
    except JSONRefusedError as error:
        raise ProviderError(fault, why=str(error)) from None
