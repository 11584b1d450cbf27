"""Every hazard has a test that exists, or a reason why it cannot apply; the page about them is up to date."""

from __future__ import annotations

import pytest

from tests.support.hazards import PAGE, ROOT, Hazard, hazards, names_in, page

ROWS = {row.id: row for row in hazards()}


def test_no_two_hazards_have_one_name() -> None:
    assert len(ROWS) == len(list(hazards()))


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_hazard_has_tests_or_a_reason(row: Hazard) -> None:
    assert bool(row.tests) != bool(row.reason)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_test_that_is_named_exists(row: Hazard) -> None:
    for test in row.tests:
        path, _, name = test.partition("::")
        there = names_in(ROOT / path)
        assert name in there or (name == "*" and there), test


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.support.hazards writes it anew"
