"""What is known of a provider at a moment, and what each attempt to learn more makes of it.

Nothing is fetched here: `oidc.provider` does that, and keeps the newest `Known`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.errors import Fault, ProviderError, ProviderTimeoutError, ProviderUnavailableError
from gateway.oidc.jwks import KeySet
from gateway.oidc.metadata import ProviderMetadata

KEYS_LIFETIME: Final = 86_400
"""Seconds for which keys serve while no newer set can be had."""

AWAY: Final = frozenset({Fault.PROVIDER_UNREACHABLE, Fault.PROVIDER_TLS, Fault.PROVIDER_SLOW})
"""What went wrong when nothing was answered, so that nothing was refused either."""

_LONGEST_RETRY_DELAY: Final = 10  # seconds
_NO_KEYS: Final = KeySet(())


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last attempt to learn something failed; an error is made of it for each request it ends."""

    kind: type[ProviderError]
    fault: Fault
    facts: Mapping[str, object]

    @property
    def away(self) -> bool:
        """Whether the provider was not reached at all: sending people there would not help them."""
        return self.fault in AWAY

    def error(self) -> ProviderError:
        """A fresh error with these facts."""
        return self.kind(self.fault, **self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Replaced as a whole, never changed.

    Args:
        metadata: the last good document, if there was one.
        metadata_trouble: why the last attempt to fetch it failed; None if it did not.
        key_set: the last good key set, if there was one.
        keys_at: when it was fetched, in Unix seconds.
        keys_trouble: why the last attempt to fetch it failed; None if it did not.
        tried_at: when the last attempt to fetch the metadata ended, in Unix seconds.
        clock_offset: by how many seconds the provider's clock is ahead of ours, when it has said.
    """

    metadata: ProviderMetadata | None = None
    metadata_trouble: Trouble | None = None
    key_set: KeySet | None = None
    keys_at: int = 0
    keys_trouble: Trouble | None = None
    tried_at: int | None = None
    clock_offset: int | None = None

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong now, the metadata's trouble first."""
        return self.metadata_trouble or self.keys_trouble

    @property
    def usable(self) -> ProviderMetadata | None:
        """The metadata to begin a sign-in with; None while nothing is known or the provider is away."""
        away = self.metadata_trouble is not None and self.metadata_trouble.away
        return None if away else self.metadata

    def keys(self, now: int) -> KeySet:
        """The keys that serve at `now` (Unix seconds); an empty set without any."""
        if self.key_set is None or now >= self.keys_at + KEYS_LIFETIME:
            return _NO_KEYS
        return self.key_set


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHealth:
    """How things stand with a provider.

    Args:
        ready: whether people can sign in.
        fault: what is wrong, also when the last good metadata or keys still serve.
        facts: what the log should hold beside the fault.
        since: since when `ready` and `fault` are as they are, in Unix seconds.
        clock_offset: by how many seconds the provider's clock is ahead of ours; None when it has not said.
    """

    ready: bool
    fault: Fault | None
    facts: Mapping[str, object]
    since: int
    clock_offset: int | None


def with_metadata(
    known: Known, outcome: ProviderMetadata | ProviderError, *, now: int, clock_offset: int | None = None
) -> Known:
    """What is known after an attempt to fetch the metadata.

    A document that is refused never takes the place of a good one: that is metadata-changed.

    Args:
        known: before.
        outcome: the checked document, or why there is none.
        now: Unix seconds.
        clock_offset: what the answer said of the provider's clock.
    """
    if isinstance(outcome, ProviderMetadata):
        return replace(
            known,
            metadata=outcome,
            metadata_trouble=None,
            tried_at=now,
            clock_offset=clock_offset,
        )
    kind = ProviderTimeoutError if isinstance(outcome, ProviderTimeoutError) else ProviderUnavailableError
    trouble = Trouble(kind, outcome.fault, outcome.facts)
    if known.metadata is not None and not trouble.away:
        changed = {"cause": outcome.fault, **outcome.facts}
        trouble = Trouble(kind, Fault.METADATA_CHANGED, changed)
    return replace(known, metadata_trouble=trouble, tried_at=now)


def with_keys(known: Known, outcome: KeySet | ProviderError, *, now: int) -> Known:
    """What is known after an attempt to fetch the keys; a set that is refused never replaces a good one."""
    if isinstance(outcome, KeySet):
        return replace(known, key_set=outcome, keys_at=now, keys_trouble=None)
    trouble = Trouble(type(outcome), outcome.fault, outcome.facts)
    return replace(known, keys_trouble=trouble)


def health_of(known: Known, *, needs_keys: bool, before: ProviderHealth | None, now: int) -> ProviderHealth:
    """How things stand.

    Args:
        known: what is known now.
        needs_keys: whether some signature is checked with a published key.
        before: how things stood.
        now: Unix seconds.
    """
    ready = known.usable is not None and (not needs_keys or bool(known.keys(now).members))
    fault = known.trouble.fault if known.trouble else None
    unchanged = before is not None and (before.ready, before.fault) == (ready, fault)
    return ProviderHealth(
        ready=ready,
        fault=fault,
        facts=known.trouble.facts if known.trouble else {},
        since=before.since if before is not None and unchanged else now,
        clock_offset=known.clock_offset,
    )


def retry_delay(failures: int) -> int:
    """Seconds until the next attempt after so many that failed in a row: 1, 2, 4, 8, then 10."""
    return min(1 << min(failures - 1, 4), _LONGEST_RETRY_DELAY)
