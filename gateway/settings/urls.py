"""The types of hosts, addresses and URLs in the settings, which leave here in their parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from pathlib import PurePosixPath
from typing import Annotated, TypeAlias

from gateway.proxy.target import UpstreamAddress, read_address
from gateway.sessions.redis_url import RedisAddress, read_redis_url
from gateway.settings.faults import wrong
from gateway.settings.values import FromText

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_STORES = (
    "memory:, sqlite:///path, redis://host, redis+unix:///path, redis+sentinel://host,host/name and "
    "redis+cluster://host,host (rediss for TLS)"
)
_HIGHEST_PORT = 65_535

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^/?#@:\[\]]+|\[[^\]]*\])(?::(?P<port>\d{1,5}))?(?P<rest>[/?#].*)?",
    re.ASCII,
)
_LISTEN = re.compile(r"(?P<host>[^\s:\[\]]+|\[[^\]]*\]):(?P<port>\d{1,5})", re.ASCII)
_REDIS_SCHEMES = frozenset(
    {"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"}
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A scheme, a host in lower case (IPv6 in brackets) and a port (RFC 6454); as text, no default port."""

    scheme: str
    host: str
    port: int

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it, so that nothing on the way can read along."""
        return is_local(self.host)

    def __str__(self) -> str:
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class MemoryStore:
    """Sessions in this process only."""


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """Sessions in a file of this machine."""

    path: str


@dataclass(frozen=True, slots=True)
class RedisStore:
    """Sessions in Redis; `url` as `sessions.redis_url` reads it, without a password."""

    url: str

    @property
    def address(self) -> RedisAddress:
        """What the URL says."""
        return read_redis_url(self.url)

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.url.startswith("rediss")


AnyStore: TypeAlias = MemoryStore | SqliteStore | RedisStore


def is_local(host: str) -> bool:
    """Tell whether a host is this machine by definition (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3)."""
    return host in _LOCAL_HOSTS or host.endswith(".localhost")


def read_host(text: str) -> str:
    """Read a host without scheme or port; in lower case."""
    host = text.lower()
    if not _is_host(host):
        raise wrong('must be a host name alone, such as "demarches.example.gouv.fr"')
    return host


def read_host_pattern(text: str) -> str:
    """Read a host, or `*.` and a host for every one below it; in lower case."""
    if not text.startswith("*."):
        return read_host(text)
    below = read_host(text[2:])
    if "." not in below or below.startswith("["):
        raise wrong("covers too much", 'write at least two names behind the asterisk: "*.example.fr"')
    return f"*.{below}"


def read_origin(text: str) -> Origin:
    """Read scheme, host and port of an http or https URL that has nothing else."""
    match = _match_url(text)
    if match is None:
        raise wrong('must be scheme and host, such as "https://demarches.example.gouv.fr"')
    origin = Origin(
        match["scheme"], match["host"].lower(), int(match["port"] or _DEFAULT_PORTS[match["scheme"]])
    )
    if match["rest"]:
        raise wrong("must be scheme and host alone, without a path", f'write "{origin}"')
    return origin


def read_issuer(text: str) -> str:
    """Read an issuer identifier, kept byte for byte (OpenID Connect Discovery 1.0 section 3)."""
    if _match_url(text) is None or not text.isascii() or not text.isprintable() or set("?# ") & set(text):
        raise wrong("must be an https URL without query and fragment")
    return text


def read_listen(text: str) -> ListenAddress:
    """Read `host:port`."""
    match = _LISTEN.fullmatch(text)
    if match is None or not _is_host(match["host"].lower()) or not _is_port(match["port"]):
        raise wrong('must be an address and a port, such as "0.0.0.0:8080"')
    return ListenAddress(match["host"].lower().strip("[]"), int(match["port"]))


def _is_host(host: str) -> bool:
    if not _HOST.fullmatch(host):
        return False
    try:
        return not host.startswith("[") or bool(IPv6Address(host[1:-1]))
    except AddressValueError:
        return False


def _is_port(text: str | None) -> bool:
    return text is None or int(text) <= _HIGHEST_PORT


def _match_url(text: str) -> re.Match[str] | None:
    """The parts of an http or https URL without userinfo, None when it is none."""
    match = _URL.fullmatch(text)
    return match if match and _is_host(match["host"].lower()) and _is_port(match["port"]) else None


def read_upstream(text: str) -> UpstreamAddress:
    """Read where an application listens."""
    try:
        return read_address(text)
    except ValueError as error:
        raise wrong(str(error)) from None


def read_store(text: str) -> AnyStore:
    """Read where sessions are kept."""
    scheme, colon, rest = text.partition(":")
    if rest.startswith("//") and ":" in rest.rpartition("@")[0]:
        raise wrong("holds a password", "move it to store_password_file", got="")
    match scheme:
        case "memory" if text == "memory:":
            return MemoryStore()
        case "sqlite" if rest.startswith("///"):
            return SqliteStore(_absolute_path(rest, "must be sqlite:/// and a path"))
        case scheme if scheme in _REDIS_SCHEMES and _is_redis(text):
            return RedisStore(text)
        case "redis+unix" if rest.startswith("///"):
            return RedisStore(f"unix://{_absolute_path(rest, 'must be redis+unix:/// and a path')}")
        case scheme if scheme in {"memory", "sqlite", "redis+unix", *_REDIS_SCHEMES}:
            raise wrong("must be written as one of " + _STORES)
        case _:
            raise wrong(
                "is a kind of store that is not supported",
                f"supported are {_STORES}",
                got=f'"{scheme}{colon}"',
            )


def _is_redis(text: str) -> bool:
    try:
        return bool(read_redis_url(text))
    except ValueError:
        return False


def _absolute_path(text: str, problem: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or path.name == "" or not text.isprintable() or set("?#") & set(text):
        raise wrong(problem)
    return "/" + str(path).lstrip("/")


HostPattern = Annotated[str, FromText(read_host_pattern, "a host")]
HttpOrigin = Annotated[Origin, FromText(read_origin, "scheme and host")]
Issuer = Annotated[str, FromText(read_issuer, "an https URL")]
Listen = Annotated[ListenAddress, FromText(read_listen, "an address and a port")]
Store = Annotated[AnyStore, FromText(read_store, "a URL")]
