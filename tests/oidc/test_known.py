from __future__ import annotations

import pytest

from gateway.errors import Fault, ProviderError, ProviderTimeoutError, ProviderUnavailableError
from gateway.oidc.jwks import KeySet, SkippedKey, Unusable
from gateway.oidc.known import (
    KEYS_LIFETIME,
    Known,
    ProviderHealth,
    health_of,
    retry_delay,
    with_keys,
    with_metadata,
)
from tests.support.honest import NOW, metadata

KEYS = KeySet((SkippedKey(kid="k", why=Unusable.USE),))
MALFORMED = ProviderError(Fault.METADATA_MALFORMED, status=500)
UNREACHABLE = ProviderError(Fault.PROVIDER_UNREACHABLE)
SLOW = ProviderTimeoutError(Fault.PROVIDER_SLOW)
NO_KEYS = ProviderError(Fault.KEYS_MALFORMED)

GOOD = with_keys(with_metadata(Known(), metadata(), now=NOW, clock_offset=3), KEYS, now=NOW)


def health(known: Known, *, before: ProviderHealth | None = None, now: int = NOW) -> ProviderHealth:
    return health_of(known, needs_keys=True, before=before, now=now)


def test_nothing_is_known_at_first() -> None:
    assert Known().usable is None
    assert Known().keys(NOW) == KeySet(())
    assert not health(Known()).ready


def test_good_metadata_and_keys_make_ready() -> None:
    assert GOOD.usable == metadata()
    assert GOOD.keys(NOW) == KEYS
    assert health(GOOD) == ProviderHealth(ready=True, fault=None, facts={}, since=NOW, clock_offset=3)


@pytest.mark.parametrize(
    "error, kind",
    [
        (MALFORMED, ProviderUnavailableError),
        (UNREACHABLE, ProviderUnavailableError),
        (SLOW, ProviderTimeoutError),
    ],
)
def test_without_metadata_nobody_is_sent_to_the_provider(
    error: ProviderError, kind: type[ProviderError]
) -> None:
    known = with_metadata(Known(), error, now=NOW)
    assert known.usable is None
    assert known.trouble is not None
    assert known.tried_at == NOW
    raised = known.trouble.error()
    assert type(raised) is kind
    assert (raised.fault, raised.facts) == (error.fault, error.facts)
    assert health(known).fault is error.fault


def test_each_error_is_a_new_one() -> None:
    trouble = with_metadata(Known(), MALFORMED, now=NOW).trouble
    assert trouble is not None
    assert trouble.error() is not trouble.error()


def test_a_refused_document_does_not_replace_the_last_good_one() -> None:
    known = with_metadata(GOOD, MALFORMED, now=NOW + 1)
    assert known.usable == metadata()
    assert health(known) == ProviderHealth(
        ready=True,
        fault=Fault.METADATA_CHANGED,
        facts={"cause": Fault.METADATA_MALFORMED, "status": 500},
        since=NOW,
        clock_offset=3,
    )


@pytest.mark.parametrize("error", [UNREACHABLE, SLOW, ProviderError(Fault.PROVIDER_TLS)])
def test_nobody_is_sent_to_a_provider_that_is_away(error: ProviderError) -> None:
    known = with_metadata(GOOD, error, now=NOW + 1)
    assert known.metadata == metadata()
    assert known.usable is None
    assert not health(known).ready


def test_a_good_document_ends_every_trouble_with_metadata() -> None:
    known = with_metadata(with_metadata(GOOD, UNREACHABLE, now=NOW), metadata(response_iss=False), now=NOW)
    assert known.usable == metadata(response_iss=False)
    assert known.trouble is None


def test_a_refused_key_set_does_not_replace_the_last_good_one() -> None:
    known = with_keys(GOOD, NO_KEYS, now=NOW + 1)
    assert known.keys(NOW + 1) == KEYS
    assert (health(known).ready, health(known).fault) == (True, Fault.KEYS_MALFORMED)
    assert with_keys(known, KEYS, now=NOW + 2).trouble is None


def test_the_trouble_with_keys_is_no_outage_by_itself() -> None:
    known = with_keys(with_metadata(Known(), metadata(), now=NOW), SLOW, now=NOW)
    assert known.usable == metadata()
    assert known.keys_trouble is not None
    assert type(known.keys_trouble.error()) is ProviderTimeoutError
    assert not health(known).ready
    assert health_of(known, needs_keys=False, before=None, now=NOW).ready


@pytest.mark.parametrize("age, serve", [(0, True), (KEYS_LIFETIME - 1, True), (KEYS_LIFETIME, False)])
def test_keys_serve_for_a_day_while_no_newer_set_can_be_had(age: int, *, serve: bool) -> None:
    assert bool(GOOD.keys(NOW + age).members) is serve
    assert health(GOOD, now=NOW + age).ready is serve


def test_health_knows_since_when() -> None:
    first = health(GOOD)
    assert health(GOOD, before=first, now=NOW + 9).since == NOW
    away = with_metadata(GOOD, UNREACHABLE, now=NOW + 9)
    assert health(away, before=first, now=NOW + 9).since == NOW + 9


def test_attempts_grow_rarer_but_never_rare() -> None:
    assert [retry_delay(failures) for failures in (1, 2, 3, 4, 5, 6, 100_000)] == [1, 2, 4, 8, 10, 10, 10]
