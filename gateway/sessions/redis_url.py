"""The URL of a Redis to what it says: one server, a socket, a master that Sentinels name, or a Cluster.

A URL holds no password: it is shown in messages. Connecting is the work of `sessions.redis_client`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final, TypeAlias
from urllib.parse import unquote

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_HIGHEST_PORT: Final = 65_535

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
_ADDRESS: Final = rf"{_HOST}(?::[0-9]{{1,5}})?"
_ADDRESSES: Final = rf"(?P<addresses>{_ADDRESS}(?:,{_ADDRESS})*)"
_USER: Final = r"(?:(?P<user>[^\s/?#@:]+)@)?"
_ONE: Final = re.compile(rf"redis(?P<tls>s?)://{_USER}(?P<addresses>{_ADDRESS})(?:/(?P<db>[0-9]{{0,9}}))?")
_SOCKET: Final = re.compile(r"unix://(?P<path>/[^?#]+)(?:\?db=(?P<db>[0-9]{1,9}))?")
_SENTINEL: Final = re.compile(
    rf"redis(?P<tls>s?)\+sentinel://{_USER}{_ADDRESSES}/(?P<name>[A-Za-z0-9._-]+)(?:/(?P<db>[0-9]{{0,9}}))?"
)
_CLUSTER: Final = re.compile(rf"redis(?P<tls>s?)\+cluster://{_USER}{_ADDRESSES}/?")


@dataclass(frozen=True, slots=True)
class Address:
    """A host (IPv6 without brackets) and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRedis:
    """One server, over TCP or TLS."""

    address: Address
    db: int
    user: str | None
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSocket:
    """One server of this machine."""

    path: str
    db: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSentinel:
    """The master of this name, as the Sentinels know it."""

    sentinels: tuple[Address, ...]
    name: str
    db: int
    user: str | None
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisNodes:
    """A Cluster, and some of its nodes to ask for the others."""

    nodes: tuple[Address, ...]
    user: str | None
    tls: bool


RedisAddress: TypeAlias = OneRedis | RedisSocket | RedisSentinel | RedisNodes


def read_redis_url(url: str) -> RedisAddress:
    """Read a URL.

    Args:
        url: `redis://[user@]host[:port][/db]`, `redis+sentinel://[user@]host[:port],.../name[/db]` or
            `redis+cluster://[user@]host[:port],...`, each with `rediss` for TLS; or `unix:///path[?db=0]`.

    Raises:
        ValueError: it is none of these. The message repeats nothing: a password may stand anywhere.
    """
    if match := _ONE.fullmatch(url):
        (address,) = _addresses(match, _PORT)
        return OneRedis(address=address, db=_db(match), user=_user(match), tls=bool(match["tls"]))
    if match := _SOCKET.fullmatch(url):
        return RedisSocket(path=match["path"], db=_db(match))
    if match := _SENTINEL.fullmatch(url):
        return RedisSentinel(
            sentinels=_addresses(match, _SENTINEL_PORT),
            name=match["name"],
            db=_db(match),
            user=_user(match),
            tls=bool(match["tls"]),
        )
    if match := _CLUSTER.fullmatch(url):
        return RedisNodes(nodes=_addresses(match, _PORT), user=_user(match), tls=bool(match["tls"]))
    raise ValueError("not a redis://, rediss://, redis+sentinel://, redis+cluster:// or unix:// URL")


def _addresses(match: re.Match[str], default_port: int) -> tuple[Address, ...]:
    found = re.findall(rf"({_HOST})(?::([0-9]+))?(?:,|$)", match["addresses"])
    addresses = tuple(Address(host.strip("[]"), int(port or default_port)) for host, port in found)
    if any(address.port > _HIGHEST_PORT for address in addresses):
        raise ValueError("a port in a Redis URL is too high")
    if not all(_is_ipv6(host) for host, _ in found if host.startswith("[")):
        raise ValueError("an IPv6 address in a Redis URL is malformed")
    return addresses


def _is_ipv6(host: str) -> bool:
    try:
        return bool(IPv6Address(host.strip("[]")))
    except ValueError:
        return False


def _db(match: re.Match[str]) -> int:
    return int(match["db"] or 0)


def _user(match: re.Match[str]) -> str | None:
    return unquote(match["user"]) if match["user"] else None
