"""The one-line check that the protocol modules are written in, and what a refusal may say of a value."""

from __future__ import annotations

import hmac
from typing import Any, Final

from gateway.errors import Fault, GatewayError, ProviderError

_LONGEST_SHOWN: Final = 200  # characters


def require(
    holds: object, fault: Fault, *, raises: type[GatewayError] = ProviderError, **facts: object
) -> None:
    """Go on if the check holds.

    Raises:
        GatewayError: of the class `raises`, with `fault` and `facts`, when it does not.
    """
    if not holds:
        raise raises(fault, **facts)


def shown(value: object) -> str:
    """A value of the provider's as a fact for the log: one line, ASCII, at most 200 characters.

    Only for what is public: issuers, endpoints, names of algorithms. Never for tokens, codes or persons.
    """
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def same(ours: str, theirs: Any) -> bool:  # noqa: ANN401 - whatever JSON held
    """Compare without telling, by the time it takes, how much is equal; anything but text differs."""
    return isinstance(theirs, str) and hmac.compare_digest(_octets(ours), _octets(theirs))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a query may hold what is no text
