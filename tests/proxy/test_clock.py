from __future__ import annotations

import pytest

from gateway.errors import RequestTimeoutError, UpstreamTimeoutError
from gateway.proxy.clock import NEVER, Clock, Wait


class Hands:
    """Time that passes when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "what, error",
    [
        (Wait.ANSWER, UpstreamTimeoutError),
        (Wait.BODY, UpstreamTimeoutError),
        (Wait.UPLOAD, UpstreamTimeoutError),
        (Wait.BROWSER, RequestTimeoutError),
    ],
)
def test_a_wait_that_lasted_too_long_is_the_fault_of_whoever_was_waited_for(
    what: Wait, error: type[Exception]
) -> None:
    clock = Clock(Hands())
    clock.expect_within(10, what)
    assert clock.overdue(109.9) is None
    assert isinstance(clock.overdue(110), error)


def test_each_wait_has_its_own_time() -> None:
    hands = Hands()
    clock = Clock(hands)
    clock.start(first=10, total=None)
    hands.now = 109
    clock.expect_within(10, Wait.BODY)
    assert clock.overdue(118) is None
    assert clock.overdue(119) is not None


def test_no_wait_goes_beyond_the_whole() -> None:
    clock = Clock(Hands())
    clock.start(first=10, total=20)
    clock.expect_within(NEVER, Wait.BODY)
    assert clock.overdue(119) is None
    assert clock.overdue(120) is not None


def test_an_exchange_waits_for_its_answer_first() -> None:
    clock = Clock(Hands())
    clock.start(first=10, total=20)
    error = clock.overdue(110)
    assert error is not None
    assert error.facts == {"limit": "first-byte"}
