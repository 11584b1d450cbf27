"""The types of single values: how each is written in the settings, and what it becomes.

Hosts and URLs stand in `settings.urls`; what takes two values to judge, in `settings.model` and
`settings.combinations`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
)
from pydantic_core import CoreSchema, core_schema

from gateway.secret import Secret
from gateway.settings.faults import wrong

_SHORTEST_SECRET = 32
LONGEST_DURATION = 366 * 86_400
_LARGEST_SIZE = 16 << 20
_SIZE_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}
_UNITS = (86_400, 3_600, 60, 1)

_DURATION = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_SIZE = re.compile(r"(\d{1,9})(KiB|MiB)?", re.ASCII)
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 section 3.3
_METHOD = re.compile(r"[A-Z]+(?:-[A-Z]+)*")  # RFC 9110 section 9.1; registered methods are upper case
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_OWN_PATH = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)+")
_CONTACT = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+|https://[^\s/]\S*")


class Section(BaseModel):
    """A table of settings. A name that is not here is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def default(written: object) -> Any:  # noqa: ANN401 - stands where the field's type does
    """A setting's default as it would be written in the file, read by the setting's own type."""
    return Field(default=written, validate_default=True)


@dataclass(frozen=True, slots=True)
class FromText:
    """Makes a type of a function that reads text.

    Args:
        read: raises what `wrong` makes when the text will not do.
        kind: what the text is, for a value that is no text at all.
        pattern: a regular expression for editors.
        secret: whether the text must not be shown.
    """

    read: Callable[[str], object]
    kind: str
    pattern: str | None = None
    secret: bool = False

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate by `read`."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """To an editor it is text."""
        schema = {"type": "string", "pattern": self.pattern, "writeOnly": self.secret or None}
        return {key: value for key, value in schema.items() if value is not None}

    def _validate(self, value: object) -> object:
        if not isinstance(value, str):
            raise wrong(f"must be {self.kind}, as text")
        return self.read(value)


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise wrong("must be one line of text, not empty")
    return text


def _not_empty(elements: tuple[object, ...]) -> tuple[object, ...]:
    if not elements:
        raise wrong("must not be empty")
    return elements


Text = Annotated[str, Strict(), AfterValidator(_one_line)]
Flag = Annotated[bool, Strict()]
Some = AfterValidator(_not_empty)
Count = Annotated[int, Strict(), Field(ge=1)]


def read_duration(text: str, *, least: int, most: int) -> int:
    """Read a duration such as `12h30m` as seconds."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise wrong('must be a duration such as "90s", "30m", "12h30m" or "7d"')
    seconds = sum(int(number or 0) * unit for number, unit in zip(match.groups(), _UNITS, strict=True))
    if not least <= seconds <= most:
        raise wrong(f"must be between {least} and {most} seconds")
    return seconds


def duration(*, least: int = 1, most: int = LONGEST_DURATION) -> FromText:
    """A type of durations, in seconds, between two bounds."""
    read = partial(read_duration, least=least, most=most)
    return FromText(read, 'a duration such as "30m"', pattern=r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$")


Duration = Annotated[int, duration()]


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise wrong('must be a size such as "512KiB" or "1MiB", or "0"')
    octets = int(match[1]) * _SIZE_UNITS[match[2] or ""]
    if octets > _LARGEST_SIZE:
        raise wrong("must be at most 16MiB")
    return octets


Size = Annotated[int, FromText(_size, 'a size such as "1MiB"', pattern=r"^\d{1,9}(KiB|MiB)?$")]


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise wrong("must be lower-case letters, digits and single hyphens or underscores")
    return text


Name = Annotated[str, FromText(_name, "a name", pattern=f"^{_NAME.pattern}$")]


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise wrong('must be an address or a network such as "172.16.0.0/12"') from None
    if network.prefixlen == 0:
        raise wrong("trusts every address", "name the network of the front server")
    if "/" in text and str(network.network_address) != str(
        ip_network(text.partition("/")[0]).network_address
    ):
        raise wrong("has bits set beyond its length", f'write "{network}"')
    return network


NetworkRange = Annotated[IPv4Network | IPv6Network, FromText(_network, "a network")]


def _own_path(text: str) -> str:
    if not _OWN_PATH.fullmatch(text):
        raise wrong('must be a path of its own that begins and ends with a slash, such as "/_gateway/"')
    return text


OwnPath = Annotated[str, FromText(_own_path, "a path", pattern=f"^{_OWN_PATH.pattern}$")]


def _route_path(text: str) -> str:
    problem = remedy = ""
    if not text.startswith("/"):
        problem, remedy = "must begin with a slash", f'write "/{text}"'
    elif set(text) & set("?#%\\;") or "//" in text or not text.isprintable():
        problem = "must be a plain path, percent-decoded, without query or parameters"
    elif {".", ".."} & set(text.split("/")):
        problem = "must have no dot segments"
    elif any("**" in segment and segment != "**" for segment in text.split("/")):
        problem, remedy = "has two asterisks in a segment", '"**" stands alone between slashes'
    if problem:
        raise wrong(problem, remedy)
    return text


RoutePath = Annotated[str, FromText(_route_path, "a path", pattern="^/")]


def _path_and_query(text: str) -> str:
    path, mark, query = text.partition("?")
    _route_path(path)
    if mark and (not query or set(query) & set("?#*") or not query.isascii() or not query.isprintable()):
        raise wrong("must be a path, or a path with a query such as ?action=logout, percent-encoded")
    return text


PathAndQuery = Annotated[str, FromText(_path_and_query, "a path", pattern="^/")]


def _method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise wrong('must be a method in upper case, such as "GET"')
    return text


Method = Annotated[str, FromText(_method, "a method", pattern=f"^{_METHOD.pattern}$")]


def _scope_token(text: str) -> str:
    if not _SCOPE_TOKEN.fullmatch(text):
        raise wrong("must be one scope value, without spaces or quotes")
    return text


def _scope(tokens: tuple[str, ...]) -> tuple[str, ...]:
    if "openid" not in tokens:
        raise wrong('must contain "openid"')
    if len(set(tokens)) < len(tokens):
        raise wrong("names a scope value twice")
    return tokens


ScopeToken = Annotated[str, FromText(_scope_token, "a scope value")]
Scope: TypeAlias = Annotated[tuple[ScopeToken, ...], AfterValidator(_scope)]


def _contact(text: str) -> str:
    if not _CONTACT.fullmatch(text) or not text.isprintable():
        raise wrong("must be an e-mail address or an https URL")
    return text


Contact = Annotated[str, FromText(_contact, "an e-mail address or an https URL")]


def _secret(text: str) -> Secret:
    if not text.isprintable():
        raise wrong("must be one line of text", got="")
    return Secret(text)


def _secret_lines(text: str) -> tuple[Secret, ...]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise wrong("must not be empty", got="")
    for number, line in enumerate(lines, start=1):
        if len(line) < _SHORTEST_SECRET:
            raise wrong(
                f"line {number} must have at least {_SHORTEST_SECRET} characters, got {len(line)}",
                'make one with "proconnect-gateway secret new"',
                got="",
            )
    return tuple(map(Secret, lines))


SecretText = Annotated[Secret, FromText(_secret, "a secret", secret=True)]
SecretLines = Annotated[tuple[Secret, ...], FromText(_secret_lines, "one secret a line", secret=True)]
