"""An authorization response that came as a form, sealed for its short way through the browser's address.

A form comes from the provider's page, and browsers send no cookie of ours with it (`SameSite=Lax`). So the
form is answered with a redirect to the same path, as if the response had come by it; what is in the address
opens for nobody else, and not for long (OAuth 2.0 Form Post Response Mode).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Final

from gateway.errors import Fault, RequestError
from gateway.oidc.authorization import Query
from gateway.oidc.checks import require
from gateway.sessions.seal import Box

PARAMETER: Final = "posted"
"""What the sealed form is called in the address."""

_LIFETIME: Final = 60  # seconds
_LONGEST: Final = 4_096  # octets; what front servers take as a request line, with room for base64


def seal_form(
    form: Query, *, box: Box, host: str, now: int, random: Callable[[int], bytes]
) -> tuple[str, str]:
    """The one parameter of the address that the browser is sent to.

    Args:
        form: as it was posted.
        box: seals it.
        host: where it was posted to, and where alone it opens.
        now: Unix seconds.
        random: draws octets.

    Raises:
        RequestError: response-malformed, for a form that is too long.
    """
    plain = json.dumps([now, *form], separators=(",", ":")).encode()
    require(len(plain) <= _LONGEST, Fault.RESPONSE_MALFORMED, raises=RequestError, why="too long")
    sealed = box.seal(plain, bound_to=host.encode(), random=random)
    return PARAMETER, base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_form(query: Query, *, box: Box, host: str, now: int) -> Query:
    """The form again.

    Args:
        query: the parameters of the address.
        box: opens it.
        host: where the browser is.
        now: Unix seconds.

    Raises:
        RequestError: response-malformed, for anything that is not a form posted here within the last minute.
    """
    value = query[0][1] if len(query) == 1 and query[0][0] == PARAMETER else ""
    plain = box.open(_octets(value), bound_to=host.encode())
    if plain is None:
        raise RequestError(Fault.RESPONSE_MALFORMED, why="no form")
    posted_at, *form = json.loads(plain)
    fresh = abs(now - posted_at) < _LIFETIME  # another gateway's clock may have set it
    require(fresh, Fault.RESPONSE_MALFORMED, raises=RequestError, why="old form")
    return [(name, content) for name, content in form]


def _octets(value: str) -> bytes:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
