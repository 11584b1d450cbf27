from __future__ import annotations

import pytest

from gateway.access.assurance import CERTIFICATION_DIRIGEANT, LEVELS, SETS, in_words, is_known, levels


@pytest.mark.parametrize(
    "names, expected",
    [
        (["mfa"], ["eidas0-mfa", "eidas1-mfa", "eidas2", "eidas3"]),
        (["eidas1+"], ["eidas1", "eidas1-mfa", "eidas2", "eidas3"]),
        (["eidas2+"], ["eidas2", "eidas3"]),
        (["eidas3+"], ["eidas3"]),
        (["eidas1"], ["eidas1"]),
        (["eidas2", "mfa", "eidas2"], ["eidas2", "eidas0-mfa", "eidas1-mfa", "eidas3"]),
        (["certification-dirigeant"], [CERTIFICATION_DIRIGEANT]),
        (["urn:example:level"], ["urn:example:level"]),
    ],
)
def test_a_name_stands_for_its_levels(names: list[str], expected: list[str]) -> None:
    assert list(levels(names)) == expected


def test_a_set_has_levels_that_there_are() -> None:
    assert all(set(members) <= set(LEVELS) for members in SETS.values())


@pytest.mark.parametrize(
    "name", ["eidas2", "mfa", "eidas1+", CERTIFICATION_DIRIGEANT, "https://fi.example/sure"]
)
def test_a_level_that_may_come_is_known(name: str) -> None:
    assert is_known(name)


@pytest.mark.parametrize(
    "name", ["eidas4", "MFA", "", "https://proconnect.gouv.fr/assurance/self-asserted", "eidas1 eidas2"]
)
def test_a_level_that_cannot_come_is_not(name: str) -> None:
    assert not is_known(name)


@pytest.mark.parametrize(
    "acr, words",
    [
        (SETS["mfa"], ("mfa",)),
        (SETS["mfa"][::-1], ("mfa",)),
        (("eidas3",), ("eidas3",)),
        (("eidas1", "eidas3"), ("eidas1", "eidas3")),
        ((), ()),
    ],
)
def test_a_set_is_called_by_its_name(acr: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert in_words(acr) == words
