"""The request target, byte for byte, and the addresses of upstreams.

A target is checked and, in absolute form, shortened; it is never decoded or put together anew. What a rule
may read in a path is the policy's matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gateway.errors import Fault, RequestError

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9._-]+", re.IGNORECASE)
_BEHIND_AUTHORITY = re.compile("[/?]")


def read_target(raw: str, *, method: str, host: str) -> str:
    """The target that goes upstream: origin-form, or `*` (RFC 9112 section 3.2).

    Args:
        raw: the target as the browser sent it.
        method: the request's method.
        host: the value of the request's `Host`.

    Raises:
        RequestError: request-malformed, for octets that no target holds or a form the method does not have;
            target-ambiguous, for a fragment, a backslash in the path, or an authority other than `host`.
    """
    if not raw.isascii() or not raw.isprintable() or " " in raw:
        raise RequestError(Fault.REQUEST_MALFORMED, why="octets that no target holds")
    if "#" in raw:
        raise RequestError(Fault.TARGET_AMBIGUOUS, why="fragment")
    if raw == "*" and method == "OPTIONS":
        return raw
    target = raw if raw.startswith("/") else _origin_form(raw, method=method, host=host)
    if "\\" in target and "\\" in target.partition("?")[0]:
        raise RequestError(Fault.TARGET_AMBIGUOUS, why="backslash")
    return target


def _origin_form(raw: str, *, method: str, host: str) -> str:
    scheme, separator, rest = raw.partition("://")
    if not separator or scheme.lower() not in DEFAULT_PORTS:
        raise RequestError(Fault.REQUEST_MALFORMED, why="neither origin-form nor absolute-form")
    authority = _BEHIND_AUTHORITY.split(rest, maxsplit=1)[0]
    if authority.lower() != host.lower():
        raise RequestError(Fault.TARGET_AMBIGUOUS, why="authority is not the Host")
    tail = rest.removeprefix(authority)
    if tail.startswith("/"):
        return tail
    # RFC 9112 section 3.2.4: without a path, OPTIONS asks about the server as a whole.
    return "*" if not tail and method == "OPTIONS" else "/" + tail


def without_prefix(target: str, prefix: str) -> str:
    """The target without the prefix of its path that is this gateway's alone.

    Args:
        target: as `read_target` gave it.
        prefix: without a slash at its end; its path was found to be, or to begin with, this one.

    Raises:
        RequestError: target-ambiguous, when the prefix is written in another way: it would be left in place.
    """
    if target == "*":
        return target
    rest = target[len(prefix) :]
    if not target.startswith(prefix) or rest[:1] not in {"", "/", "?"}:
        raise RequestError(Fault.TARGET_AMBIGUOUS, why="prefix written in another way")
    return rest if rest.startswith("/") else f"/{rest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAddress:
    """Where one upstream listens.

    Args:
        host: name or address; for a Unix socket `localhost`.
        port: TCP port; 0 for a Unix socket.
        tls: whether the connection is encrypted.
        socket: path of the Unix socket, None for TCP.
        base: path put before each target, without a trailing slash; mostly empty.
    """

    host: str
    port: int
    tls: bool = False
    socket: str | None = None
    base: str = ""

    @property
    def authority(self) -> bytes:
        """The `Host` that names this upstream (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.socket is not None or self.port == DEFAULT_PORTS["https" if self.tls else "http"]
        return (host if usual else f"{host}:{self.port}").encode()

    def __str__(self) -> str:
        if self.socket is not None:
            return f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def read_address(text: str) -> UpstreamAddress:
    """Read `http://host:port/base`, `https://...`, `unix:/path/of/socket` or `unix:/path/of/socket:/base`.

    Raises:
        ValueError: it is none of these; the text says why.
    """
    if text.startswith("unix:"):
        path, _, base = text.removeprefix("unix:").partition(":")
        if not path.startswith("/"):
            raise ValueError("a Unix socket needs its whole path: unix:/run/app.sock")
        return UpstreamAddress(host="localhost", port=0, socket=path, base=_base(base))
    parts = urlsplit(text)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("an upstream starts with http://, https:// or unix:/")
    if parts.username is not None:  # empty, if there is a password alone
        raise ValueError("an upstream holds no user name or password")
    if parts.query or parts.fragment:
        raise ValueError("an upstream holds no query and no fragment")
    return UpstreamAddress(
        host=_host(parts),
        port=_port(parts),
        tls=parts.scheme == "https",
        base=_base(parts.path),
    )


def _host(parts: SplitResult) -> str:
    authority = parts.netloc.rpartition(":")[0] if re.search(r":[0-9]*$", parts.netloc) else parts.netloc
    if not _HOST.fullmatch(authority):
        raise ValueError("an upstream needs a host name or an address")
    return authority.strip("[]").lower()


def _port(parts: SplitResult) -> int:
    port = parts.port
    if port == 0:
        raise ValueError("an upstream cannot listen on port 0")
    return DEFAULT_PORTS[parts.scheme] if port is None else port


def _base(path: str) -> str:
    base = path.rstrip("/")
    if base and (
        not base.startswith("/") or not base.isascii() or not base.isprintable() or set(base) & set(" \\?#")
    ):
        raise ValueError("an upstream's base path starts with a slash and is plain ASCII")
    return base
