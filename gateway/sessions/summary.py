"""What stands beside a session's record, so that people who run the gateway can list it, find it and end it.

A summary is sealed under the gateway's secret alone, for nobody has the cookie then; what finds it is a keyed
hash. No token is in it, and nothing of it stands in the store in clear. Reaching the store is the adapters'
work, and telling people of sessions that of `sessions.directory`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

from gateway.sessions.seal import KeyedHash, Purpose, Sealer
from gateway.sessions.session import SignedIn

_INDEX_KEYS: Final = "gateway:index:"
_LONGEST_SHOWN: Final = 200  # characters of what is only shown
_FAMILY_NAMES: Final = ("usual_name", "family_name")  # ProConnect's, and OpenID Connect Core 1.0 section 5.1


class By(StrEnum):
    """What a session is found by."""

    ID = "id"
    SUB = "sub"
    EMAIL = "email"
    SIRET = "siret"
    SID = "sid"


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a session was last seen from.

    Args:
        address: the browser's, as far as trusted proxies tell.
        user_agent: what the browser calls itself.
    """

    address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One session, as it is listed. Texts that are only shown are cut at 200 characters.

    Args:
        id: as in the log.
        host: where it counts.
        provider: the settings' name of the provider.
        sub: the subject identifier.
        email: as the provider wrote it.
        siret: the organisation's number.
        sid: the provider's own session, if its ID token named one.
        name: the person's.
        organisation: the organisation's name.
        acr: the assurance level.
        address: where it was last written from.
        user_agent: what the browser called itself then.
        signed_in_at: Unix seconds.
        last_seen: Unix seconds, as exact as the record's.
    """

    id: str
    host: str
    provider: str
    sub: str
    email: str | None
    siret: str | None
    sid: str | None
    name: str | None
    organisation: str | None
    acr: str | None
    address: str | None
    user_agent: str | None
    signed_in_at: int
    last_seen: int

    def is_found_by(self, by: By, value: str) -> bool:
        """Whether this is a session that somebody means who says `value`."""
        own = self.found_by.get(by)
        return own is not None and _written_alike(by, own) == _written_alike(by, value)

    @property
    def found_by(self) -> Mapping[By, str]:
        """Each thing that it is found by."""
        values = (self.id, self.sub, self.email, self.siret, self.sid)
        return {by: value for by, value in zip(By, values, strict=True) if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A summary on its way into a store, with the names that lead to it.

    Args:
        summary: sealed.
        indexes: the names; each leads to any number of records.
        at: when it is written, in Unix seconds.
        kept: for how many seconds a name is kept; no record whose name it is lives longer.
    """

    summary: bytes
    indexes: tuple[str, ...]
    at: int
    kept: int


class Summaries:
    """Seals, opens and names summaries.

    Args:
        sealer: the gateway's secrets.
        kept: the longest idle lifetime of any session, in seconds.
    """

    __slots__ = ("_hash", "_kept", "_sealer")

    def __init__(self, sealer: Sealer, *, kept: int) -> None:
        self._sealer = sealer
        self._hash: KeyedHash = sealer.keyed_hash(Purpose.SESSION_INDEX)
        self._kept = kept

    def listed(
        self, session: SignedIn, seen: Sighting, *, key: str, random: Callable[[int], bytes]
    ) -> Listed:
        """What goes into the store beside the record at `key`; `random` draws octets for a nonce."""
        summary = summarise(session, seen)
        plain = json.dumps(asdict(summary), separators=(",", ":"), ensure_ascii=False).encode()
        box = self._sealer.box(Purpose.SESSION_SUMMARY, bits=key.encode())
        return Listed(
            summary=box.seal(plain, bound_to=key.encode(), random=random),
            indexes=tuple(
                _INDEX_KEYS + self._hash.newest(_named(by, value)) for by, value in summary.found_by.items()
            ),
            at=session.last_seen,
            kept=self._kept,
        )

    def open(self, key: str, sealed: bytes | None) -> Summary | None:
        """Read what `listed` sealed for the record at `key`; None for anything else."""
        if sealed is None:
            return None
        box = self._sealer.box(Purpose.SESSION_SUMMARY, bits=key.encode())
        plain = box.open(sealed, bound_to=key.encode())
        return None if plain is None else _from_stored(json.loads(plain))

    def indexes(self, by: By, value: str) -> tuple[str, ...]:
        """The names that lead to the sessions meant, one for each secret still held."""
        return tuple(_INDEX_KEYS + name for name in self._hash.every(_named(by, value)))


def summarise(session: SignedIn, seen: Sighting) -> Summary:
    """What is listed of a session."""
    texts = {name: value for name, value in session.claims.items() if isinstance(value, str)}
    family_name = next((texts[name] for name in _FAMILY_NAMES if texts.get(name)), "")
    return Summary(
        id=session.id,
        host=session.host,
        provider=session.provider,
        sub=session.sub,
        email=texts.get("email"),
        siret=texts.get("siret"),
        sid=session.sid,
        name=_shown(f"{texts.get('given_name', '')} {family_name}".strip() or texts.get("name")),
        organisation=_shown(texts.get("organization_label")),
        acr=_shown(texts.get("acr")),
        address=_shown(seen.address),
        user_agent=_shown(seen.user_agent),
        signed_in_at=session.signed_in_at,
        last_seen=session.last_seen,
    )


def _shown(text: str | None) -> str | None:
    return text[:_LONGEST_SHOWN] if text else None


def _written_alike(by: By, value: str) -> str:
    """How a value is written to be compared: people type addresses in any case, and numbers in groups."""
    match by:
        case By.EMAIL:
            return value.strip().lower()
        case By.SIRET:
            return "".join(value.split())
        case By.ID | By.SUB | By.SID:
            return value
        case other:
            assert_never(other)


def _named(by: By, value: str) -> bytes:
    return f"{by}\0{_written_alike(by, value)}".encode()


def _from_stored(stored: dict[str, Any]) -> Summary | None:
    """Only the gateway can have sealed it; another version of it may have had other members."""
    try:
        return Summary(**stored)
    except TypeError:
        return None
