"""How an upstream is told of the browser's side: RFC 7239, and the fields that came before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.proxy.names import TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """In which fields an upstream is told of the browser's side.

    Args:
        x_forwarded: in `X-Forwarded-For`, `-Proto` and `-Host`.
        forwarded: in `Forwarded` (RFC 7239).
        via: the name that the gateway adds to `Via` (RFC 9110 section 7.6.3), as it is known at the upstream.
    """

    x_forwarded: bool = True
    forwarded: bool = False
    via: str | None = None


USUALLY: Final = Telling()


def told(
    client: str, proto: str, host: str, telling: Telling, *, old: bool = False
) -> Sequence[tuple[bytes, bytes]]:
    """The fields that say who asked, over what, and for which host.

    Args:
        client: the browser's address.
        proto: `https` or `http`.
        host: the host and port that the browser asked for.
        telling: which fields to use.
        old: whether the browser's message is HTTP/1.0.
    """
    if telling is USUALLY:
        return _x_forwarded(client, proto, host)
    fields = list(_x_forwarded(client, proto, host)) if telling.x_forwarded else []
    if telling.forwarded:
        pairs = (("for", f"[{client}]" if ":" in client else client), ("proto", proto), ("host", host))
        value = ";".join(f"{name}={_quoted(text)}" for name, text in pairs)
        fields.append((b"Forwarded", value.encode()))
    if telling.via is not None:
        fields.append((b"Via", f"{'1.0' if old else '1.1'} {telling.via}".encode()))
    return fields


@lru_cache(1024)
def _x_forwarded(client: str, proto: str, host: str) -> Sequence[tuple[bytes, bytes]]:
    """Remembered, for a browser has more than one request."""
    return (
        (b"X-Forwarded-For", client.encode()),
        (b"X-Forwarded-Proto", proto.encode()),
        (b"X-Forwarded-Host", host.encode()),
    )


def _quoted(value: str) -> str:
    """A parameter's value (RFC 7239 section 4): quoted unless it is a token."""
    if value and TOKEN.issuperset(value.encode()):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
