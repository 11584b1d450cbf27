from __future__ import annotations

import re

import pytest

from gateway.demo.people import ACR_VALUES, PEOPLE, SCOPE_CLAIMS, Person


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.id)
def test_a_persons_siret_passes_the_check_digit(person: Person) -> None:
    digits = [int(digit) for digit in person.siret]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    assert len(digits) == 14
    assert (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.id)
def test_a_persons_sub_is_a_random_uuid(person: Person) -> None:
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", person.sub)


@pytest.mark.parametrize("attribute", ["id", "sub", "email"])
def test_no_two_people_share(attribute: str) -> None:
    assert len({getattr(person, attribute) for person in PEOPLE}) == len(PEOPLE)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.id)
def test_a_persons_claims_are_those_of_the_scopes_and_the_id_token(person: Person) -> None:
    known = {claim for claims in SCOPE_CLAIMS.values() for claim in claims} | {"acr"}
    always = {"sub", "given_name", "usual_name", "email", "uid", "siret", "idp_id", "roles", "custom"}
    assert always <= person.claims(acr="eidas1").keys() <= known


@pytest.mark.parametrize("chosen", ACR_VALUES)
def test_a_chosen_level_is_the_one_given(chosen: str) -> None:
    assert PEOPLE[0].level(chosen) == chosen
