"""The hints of a sign-in: who is probably coming, from where, for whom. Suggestions, never rules.

They are named and formed as ProConnect takes them: one of another form would end the sign-in on an error page
of ProConnect's that leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from gateway.access.requirements import read_email

Hints: TypeAlias = Mapping[str, str]
"""Hints by their parameter's name."""

NO_HINTS: Final[Hints] = MappingProxyType({})


class Hint(StrEnum):
    """The closed list of hints, by their parameters' names."""

    IDP = "idp_hint"  # the identity provider to go to, by its `idp_id`
    LOGIN = "login_hint"  # the account, by its e-mail address
    SIRET = "siret_hint"  # the organisation to preselect


_IDP_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,256}")
_SIRET: Final = re.compile(r"[0-9]{14}")


def is_hint(name: str, value: str) -> bool:
    """Tell whether a value has the form of that hint."""
    match name:
        case Hint.IDP:
            return _IDP_ID.fullmatch(value) is not None
        case Hint.LOGIN:
            return read_email(value) is not None
        case Hint.SIRET:
            return _SIRET.fullmatch(value) is not None
        case _:
            return False


def hints_of_link(parameters: Iterable[tuple[str, str]], *, allowed: Collection[str]) -> Hints:
    """The hints that a link to the sign-in carries, without those not allowed, malformed or there twice.

    Args:
        parameters: of the link, decoded, each as often as it came.
        allowed: the hints that a link may carry here.
    """
    given = [(name, value) for name, value in parameters if name in allowed]
    names = [name for name, _ in given]
    return {name: value for name, value in given if names.count(name) == 1 and is_hint(name, value)}


def login_hint(email: object) -> Hints:
    """The hint that spares a person who is known the e-mail page.

    The address goes as it was received: ProConnect compares it with its own session's octet by octet.
    """
    return {Hint.LOGIN.value: email} if isinstance(email, str) and is_hint(Hint.LOGIN, email) else NO_HINTS
