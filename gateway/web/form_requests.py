"""A form on its way in: where it comes from, what describes it, and whether it means another one.

Nothing here is kept; that is the work of `web.kept_forms`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from gateway.secret import Secret
from gateway.sessions.kept_form import KeptForm, form_cookie_name
from gateway.sessions.return_to import HOME, ReturnTo, parse_return_to
from gateway.web.forms import URLENCODED, read_body
from gateway.web.site import Site, Visit

READING: Final = 60.0
"""Seconds in which a form must have come."""

_DESCRIBING: Final = frozenset({b"content-type", b"content-encoding", b"content-language", b"referer"})
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})
_LONGEST_FIELD: Final = 4096  # octets

_AGAIN: Final = re.compile(rb"gateway-form=([0-9a-f]{8})\.([A-Za-z0-9_-]{43})")
_AGAIN_LENGTH: Final = len(b"gateway-form=") + 8 + len(b".") + 43


@dataclass(frozen=True, slots=True)
class Submitted:
    """A short form that was read because it may be the wish to send a kept one again.

    Args:
        body: its octets.
        form: which form is meant; empty when it is a form like any other.
        token: what the page that asked has shown.
    """

    body: bytes
    form: str = ""
    token: Secret = field(default_factory=partial(Secret, ""))


def laid_over(fields: Iterable[tuple[bytes, bytes]], form: KeptForm) -> list[tuple[bytes, bytes]]:
    """The fields of the request that sends a form on: those of today, and what the form's own said of it."""
    others = [pair for pair in fields if pair[0].lower() not in _DESCRIBING | _FRAMING]
    return [*others, *form.fields, (b"Content-Length", b"%d" % len(form.body))]


def is_from_here(request: web.Request, site: Site) -> bool:
    """Tell whether a page of this very origin made the browser send a form.

    Fetch Metadata says so, and nothing that a page holds can change it. A browser without it tells the
    origin, which it leaves out (`null`) for pages that want no referrer.
    """
    from_site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if from_site is None:
        return origin == site.origin
    return from_site == "same-origin" and origin in {None, "null", site.origin}


def describing(request: web.Request) -> tuple[tuple[bytes, bytes], ...]:
    """The fields of a request that say what its body is, and which page sent it."""
    return tuple(
        (name, value)
        for name, value in request.raw_headers
        if name.lower() in _DESCRIBING and len(value) <= _LONGEST_FIELD
    )


def page_of(request: web.Request, site: Site, *, own_prefix: str) -> ReturnTo:
    """The page of this site that a form was sent from, as far as the browser tells it; else the home page."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if f"{referer.scheme}://{referer.netloc}" != site.origin:
        return HOME
    target = referer._replace(scheme="", netloc="", fragment="").geturl()
    return parse_return_to(target, own_prefix=own_prefix)


async def read_submitted(request: web.Request, visit: Visit) -> Submitted | None:
    """Read a form that may be the wish to send a kept one again; None for any other, which is not read.

    Raises:
        RequestError: its body is malformed, too slow or cut off.
    """
    may_be = (
        visit.framing.length == _AGAIN_LENGTH
        and request.content_type == URLENCODED
        and form_cookie_name("", secure=visit.site.secure) in request.headers.get("Cookie", "")
    )
    if not may_be:
        return None
    body = await read_body(request, visit.framing, most=_AGAIN_LENGTH, within=READING)
    match = _AGAIN.fullmatch(body)
    if match is None or not is_from_here(request, visit.site):
        return Submitted(body)
    return Submitted(body, match[1].decode(), Secret(match[2].decode()))
