"""A value that must never be printed: client secrets, keys, tokens, cookie values."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Secret:
    """Text that does not show itself in a log, a traceback or a page.

    `reveal` is called where a message is written or a key is needed: in adapters, `sessions.seal` and
    `sessions.session`, and the modules of `oidc` that write requests or check signatures.
    """

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Return the text itself, for the one place that has to send or compute with it."""
        return self._value

    def __str__(self) -> str:
        return "Secret(***)"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a secret is not a key of anything
