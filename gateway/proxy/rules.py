"""What an administrator may have done to the fields of an upstream's answers, beyond what always is.

For applications that name their own address, or that were written before browsers asked for security
fields. What must be dropped whatever the settings say is in `fields`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SECURITY_FIELDS: Final = (
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"strict-origin-when-cross-origin"),
    (b"X-Frame-Options", b"SAMEORIGIN"),
    (b"Content-Security-Policy", b"frame-ancestors 'self'"),
)
"""The preset for old applications; each only where the application does not say otherwise itself."""

STRICT_TRANSPORT_SECURITY: Final = (b"Strict-Transport-Security", b"max-age=31536000")
"""Belongs to the preset of a gateway that browsers reach over https (RFC 6797 section 7.2)."""

NAMING: Final = frozenset({b"location", b"content-location", b"refresh"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """Changes to the fields of answers, in this order.

    Args:
        locations: beginnings of `Location`, `Content-Location` and the URL of `Refresh`, each with what it
            becomes; the first that fits counts.
        cookie_domains: `Domain` of a `Set-Cookie` in lower case, with what it becomes; None removes it.
        cookie_paths: beginnings of the `Path` of a `Set-Cookie`, each with what it becomes.
        removed: names of fields to drop, in lower case.
        replaced: fields that the application's own give way to.
        added: fields for answers that have none of that name.
    """

    locations: Sequence[tuple[bytes, bytes]] = ()
    cookie_domains: Sequence[tuple[bytes, bytes | None]] = ()
    cookie_paths: Sequence[tuple[bytes, bytes]] = ()
    removed: frozenset[bytes] = frozenset()
    replaced: Sequence[tuple[bytes, bytes]] = ()
    added: Sequence[tuple[bytes, bytes]] = ()

    def apply(self, fields: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The fields after these rules."""
        dropped = self.removed | {name.lower() for name, _ in self.replaced}
        kept = [
            (name, self._value(name.lower(), value)) for name, value in fields if name.lower() not in dropped
        ]
        present = {name.lower() for name, _ in kept}
        return [*kept, *self.replaced, *(pair for pair in self.added if pair[0].lower() not in present)]

    def _value(self, name: bytes, value: bytes) -> bytes:
        if name in NAMING and self.locations:
            if name == b"refresh":
                start = value.lower().find(b"url=") + len(b"url=")
                return (
                    value if start < len(b"url=") else value[:start] + _moved(value[start:], self.locations)
                )
            return _moved(value, self.locations)
        if name == b"set-cookie" and (self.cookie_domains or self.cookie_paths):
            pair, *attributes = value.split(b";")
            moved = (self._attribute(attribute) for attribute in attributes)
            return b";".join([pair, *(attribute for attribute in moved if attribute is not None)])
        return value

    def _attribute(self, attribute: bytes) -> bytes | None:
        """An attribute of a cookie; None when it goes."""
        name, equals, value = attribute.partition(b"=")
        match name.strip().lower():
            case b"domain":
                for domain, becomes in self.cookie_domains:
                    if value.strip().lower().lstrip(b".") == domain.lstrip(b"."):
                        return None if becomes is None else name + equals + becomes
            case b"path":
                return name + equals + _moved(value.strip(), self.cookie_paths)
            case _:
                pass
        return attribute


AS_SENT: Final = AnswerRules()


def _moved(value: bytes, beginnings: Sequence[tuple[bytes, bytes]]) -> bytes:
    for beginning, becomes in beginnings:
        if value.startswith(beginning) and _ends_there(value, beginning):
            rest = value[len(beginning) :]
            # Two slashes at the beginning of a path would make a host of what follows.
            return becomes + (rest.lstrip(b"/\\") if becomes.endswith(b"/") else rest)
    return value


def _ends_there(value: bytes, beginning: bytes) -> bool:
    """Tell whether the beginning ends where a name ends: `http://app` is not the beginning of `http://apple`.

    Nor is a path the beginning of `//other.example`, which is a host.
    """
    rest = value[len(beginning) :]
    if beginning.startswith(b"/") and value[:2] in {b"//", b"/\\"}:
        return False
    return not rest or beginning.endswith(b"/") or rest[:1] in b"/?#"
