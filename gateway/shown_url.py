"""A URL as a browser shows it, to the request that the browser sends for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from multidict import CIMultiDict

from gateway.access.request import AccessRequest, TrustedProxies, read_request
from gateway.proxy.framing import check_request
from gateway.proxy.target import read_target
from gateway.settings.urls import Origin

_URL: Final = re.compile(
    r"(?:(?P<scheme>https?|wss?)://(?P<authority>[^/?#]*))?(?P<target>(?:[/?][^#]*)?)(?:#.*)?",
    re.DOTALL | re.IGNORECASE,
)
_SENT_AS_IS: Final = "".join(map(chr, range(0x21, 0x7F)))  # a browser percent-encodes all else


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of the request."""

    method: str
    raw_headers: tuple[tuple[bytes, bytes], ...]
    version: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class ShownURL:
    """A URL in two parts.

    Args:
        authority: what the browser sends as `Host`.
        target: the request target, in origin-form.
        websocket: whether a script opens a WebSocket there, rather than a person a page.
    """

    authority: str
    target: str
    websocket: bool = False

    def asked(self, method: str, *, scheme: str) -> AccessRequest:
        """What `Sites.read` makes of the request.

        Args:
            method: its method.
            scheme: `https` or `http`, as browsers use here.

        Raises:
            RequestError: the request is malformed or ambiguous.
            MethodNotAllowedError: the method is one that no application can mean.
        """
        check_request(_Head(method, ((b"Host", self.authority.encode()),)))
        mode = "websocket" if self.websocket else "navigate"
        return read_request(
            method=method,
            target=read_target(self.target, method=method, host=self.authority),
            fields=CIMultiDict({"Host": self.authority, "Sec-Fetch-Mode": mode}),
            peer=None,
            scheme=scheme,
            proxies=TrustedProxies(),
        )


def read_shown(url: str, *, public_url: Origin) -> ShownURL:
    """Read a URL.

    Args:
        url: a URL, or a path alone.
        public_url: whose host a path alone is for.

    Raises:
        ValueError: it is neither.
    """
    match = _URL.fullmatch(url)
    if match is None or not url:
        raise ValueError("give a URL such as https://host/path, or a path such as /path")
    authority = match["authority"]
    if authority is None:
        authority = str(public_url).partition("://")[2]
    target = quote(match["target"], safe=_SENT_AS_IS)
    return ShownURL(
        authority.rpartition("@")[2],
        target if target.startswith("/") else f"/{target}",
        websocket=(match["scheme"] or "").lower().startswith("ws"),
    )
