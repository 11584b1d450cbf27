"""The request that a front server asks about: its method and its target, as it tells them in fields.

nginx, Traefik, Caddy and others carry the bytes themselves and ask about each request with one of their own.
Whether they may be believed is the caller's check; host and scheme are read by `access.request`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.access.request import Fields
from gateway.errors import Fault, RequestError

TARGET_FIELDS: Final = ("X-Forwarded-Uri", "X-Original-Uri", "X-Original-Url")
METHOD_FIELDS: Final = ("X-Forwarded-Method", "X-Original-Method")


class Original(NamedTuple):
    """What a browser asked the front server for.

    Args:
        method: as sent.
        target: the target as sent; origin-form, or absolute-form with the host that the front server tells.
    """

    method: str
    target: str


def read_original(fields: Fields) -> Original:
    """The request that is asked about.

    Raises:
        RequestError: request-malformed, when the front server does not say which request that is, or seems to
            say two: a browser may have sent one of the fields, and the front server another.
    """
    return Original(method=_one(fields, METHOD_FIELDS), target=_one(fields, TARGET_FIELDS))


def _one(fields: Fields, names: tuple[str, ...]) -> str:
    told = {value for name in names for value in fields.getall(name, [])}
    if len(told) != 1:
        why = "says in more than one way" if told else "does not say"
        raise RequestError(Fault.REQUEST_MALFORMED, why=f"the front server {why}", fields=names)
    return told.pop()
