"""A browser's recording of what it asked (HTTP Archive 1.2): the requests alone, not what they carried."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ValidationError

_ADDRESS: Final = re.compile(
    r"(?P<scheme>(?:https?|wss?)://)(?P<authority>[^/?#]*)(?P<path>[^?#]*)", re.IGNORECASE
)


class _Request(BaseModel):
    method: str
    url: str


class _Response(BaseModel):
    status: int = 0


class _Entry(BaseModel):
    request: _Request
    response: _Response = _Response()


class _Log(BaseModel):
    entries: list[_Entry]


class _Archive(BaseModel):
    log: _Log


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request.

    Args:
        method: its method.
        url: its address.
        status: of the answer it got; 0 for none.
    """

    method: str
    url: str
    status: int

    @property
    def shown(self) -> str:
        """The address without what may be secret in it: name and password, query and fragment, data."""
        match = _ADDRESS.match(self.url)
        if match is None:
            scheme, separator, _ = self.url.partition(":")
            return scheme + separator
        return f"{match['scheme']}{match['authority'].rpartition('@')[2]}{match['path']}"


def read_har(text: str) -> list[Recorded]:
    """The requests of a recording, in its order.

    Raises:
        ValueError: it is no recording; the text says what is missing, and nothing of what is there.
    """
    try:
        archive = _Archive.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise ValueError(f"no recording of a browser: {place or 'the file'}: {fault['msg']}") from None
    return [
        Recorded(entry.request.method, entry.request.url, entry.response.status)
        for entry in archive.log.entries
    ]
