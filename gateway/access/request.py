"""Who asks for what: the request as the policy sees it, through trusted proxies only.

Forwarded fields (`X-Forwarded-For`, `-Proto`, `-Host`) count when the connection comes from a trusted proxy's
address and never otherwise. Nothing else of a request can move the decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Protocol, TypeAlias

from gateway.access.readings import Path, read_path
from gateway.errors import Fault, RequestError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_REMEMBERED: Final = 1024  # addresses, hosts

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{0,5})?")


class Fields(Protocol):
    """The fields of a request, by name in any case (RFC 9110 section 5.1)."""

    def get(self, name: str, /) -> str | None:
        """Return the first value of a field."""

    def getall(self, name: str, default: list[str], /) -> Sequence[str]:
        """Return every value of a field, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """What a decision may look at.

    Args:
        method: as sent; methods are case-sensitive (RFC 9110 section 9.1).
        host: the host asked for, in lower case, without port.
        authority: the same as the browser wrote it, with its port.
        path: every reading of the path, without the query.
        target: path and query as sent, for the way back after sign-in.
        navigation: whether a person's browser is opening a page.
        form: whether a person's browser is sending a form, to show what comes of it.
        client: the browser's address as far as trusted proxies tell it.
        scheme: `https` or `http`, as the browser used it.
    """

    method: str
    host: str
    authority: str
    path: Path
    target: str
    navigation: bool
    form: bool
    client: str
    scheme: str

    @property
    def for_a_person(self) -> bool:
        """Whether the answer is looked at by a person: a page, rather than data for a program."""
        return self.navigation or self.form


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose forwarded fields are believed. Empty by default: nobody's."""

    networks: tuple[Network, ...] = ()
    _known: Callable[[str | None], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", lru_cache(_REMEMBERED)(self._trusts))

    def trusts(self, address: str | None) -> bool:
        """Tell whether the connection's other end is a trusted proxy."""
        return bool(self.networks) and self._known(address)

    def _trusts(self, address: str | None) -> bool:
        parsed = _parse_address(address)
        return parsed is not None and any(parsed in network for network in self.networks)

    def client(self, peer: str | None, forwarded_for: Sequence[str]) -> str:
        """The address nearest to the browser that a trusted proxy vouches for.

        Args:
            peer: the other end of the connection.
            forwarded_for: the `X-Forwarded-For` values, in order.
        """
        client = peer or ""
        hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
        while hops and self.trusts(client):
            hop = _parse_hop(hops.pop())
            if hop is None:
                break
            client = hop
        return client


def read_request(
    *,
    method: str,
    target: str,
    fields: Fields,
    peer: str | None,
    scheme: str,
    proxies: TrustedProxies,
) -> AccessRequest:
    """Build the AccessRequest of one request.

    Args:
        method: the request's method.
        target: path and query, byte for byte.
        fields: the request's fields.
        peer: address of the connection's other end, None when it has none.
        scheme: the scheme to assume when no trusted proxy names one.
        proxies: whose forwarded fields count.

    Raises:
        RequestError: the Host or a forwarded field of a trusted proxy is malformed, or the path is ambiguous.
    """
    trusted = proxies.trusts(peer)
    authority = fields.get("Host") or ""
    client = peer or ""
    if trusted:
        authority = _last(fields, "X-Forwarded-Host") or authority
        scheme = _last(fields, "X-Forwarded-Proto") or scheme
        client = proxies.client(peer, fields.getall("X-Forwarded-For", []))
    if scheme not in {"http", "https"}:
        raise RequestError(Fault.REQUEST_MALFORMED, why="X-Forwarded-Proto is neither http nor https")
    return AccessRequest(
        method=method,
        host=host_of(authority),
        authority=authority,
        path=read_path(target.partition("?")[0]),
        target=target,
        navigation=is_navigation(method, fields),
        form=method == "POST" and is_navigation("GET", fields),
        client=client,
        scheme=scheme,
    )


def host_of(authority: str) -> str:
    """The host of a `Host` field's value, in lower case and without its port (RFC 9110 section 7.2).

    Raises:
        RequestError: there is none, or it is not a host with an optional port.
    """
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise RequestError(Fault.REQUEST_MALFORMED, why="Host is missing or malformed")
    return match["host"].lower()


def is_navigation(method: str, fields: Fields) -> bool:
    """Tell whether a person's browser is opening a page, rather than a script or a tool fetching data.

    Fetch Metadata says so; browsers without it are known by an `Accept` that names HTML.
    """
    if method not in {"GET", "HEAD"}:
        return False
    mode = fields.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in (fields.get("Accept") or "") and fields.get("X-Requested-With") is None


def _last(fields: Fields, name: str) -> str | None:
    values = fields.getall(name, [])
    return values[-1].rpartition(",")[2].strip() if values else None


def _parse_address(text: str | None) -> Address | None:
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    # A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d.
    return getattr(address, "ipv4_mapped", None) or address


def _parse_hop(text: str) -> str | None:
    """One `X-Forwarded-For` element: an address, with the port that some proxies add."""
    bare = text
    if text.startswith("["):
        bare = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        bare = text.partition(":")[0]
    address = _parse_address(bare)
    return None if address is None else str(address)
