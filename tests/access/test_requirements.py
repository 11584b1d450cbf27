from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.requirements import (
    NOTHING_REQUIRED,
    Answer,
    Condition,
    Key,
    Reason,
    Requirement,
    read_email,
)

SIRET = "13002526500013"
SIREN = "130025265"


def condition(key: str, *values: str) -> Condition:
    return Condition.on(Key(key), values)


def claim(name: str, *values: str) -> Condition:
    return Condition(Key.CLAIMS, values, name)


HOLDS: list[tuple[Condition, dict[str, Any]]] = [
    (condition("acr", "eidas1", "eidas2"), {"acr": "eidas2"}),
    (condition("amr", "otp", "hwk"), {"amr": ["pwd", "hwk"]}),
    (condition("siret", "21340126800130", SIRET), {"siret": SIRET}),
    (condition("siren", SIREN), {"siret": SIRET}),
    (condition("siren", SIREN), {"siren": SIREN}),
    (condition("siren", SIREN), {"siren": SIREN, "siret": SIRET}),
    (condition("siren", SIREN), {"siren": None, "siret": SIRET}),
    (condition("roles", "agent_public"), {"roles": ["agent_public", "agent_public_etat"]}),
    (condition("roles", "agent_public"), {"roles": "agent_public"}),
    (condition("idp_id", "a-b"), {"idp_id": "a-b"}),
    (condition("email", "alice@example.fr"), {"email": "ALICE@Example.FR"}),
    (condition("email_domain", "example.fr"), {"email": "alice@Example.FR"}),
    (condition("email_domain", "*.example.fr"), {"email": "alice@a.b.example.fr"}),
    (
        condition("organizational_unit", "Bureau de l'été"),
        {"organizational_unit": "Bureau de l'e\u0301te\u0301"},
    ),
    (condition("belonging_population", "agent"), {"belonging_population": "agent"}),
    (claim("chorusdt:societe", "CHT"), {"chorusdt:societe": "CHT"}),
    (claim("level", "3"), {"level": 3}),
    (claim("active", "true"), {"active": True}),
    (claim("groups", "b"), {"groups": ["a", "b"]}),
]

FAILS: list[tuple[Condition, dict[str, Any]]] = [
    (condition("acr", "eidas1"), {"acr": "eidas2"}),
    (condition("acr", "eidas1"), {"acr": "https://fi.example/very-sure"}),
    (condition("amr", "otp"), {"amr": ["pwd"]}),
    (condition("siret", SIRET), {"siret": "13002526500014"}),
    (condition("siren", SIREN), {"siret": "21340126800130"}),
    (condition("roles", "agent_public"), {"roles": ["agent_public_etat"]}),
    (condition("roles", "agent_public"), {"roles": ["AGENT_PUBLIC"]}),
    (condition("idp_id", "a-b"), {"idp_id": "a-B"}),
    (condition("email", "alice@example.fr"), {"email": "alice@example.com"}),
    (condition("email_domain", "example.fr"), {"email": "alice@a.example.fr"}),
    (condition("email_domain", "example.fr"), {"email": "alice@evil-example.fr"}),
    (condition("email_domain", "example.fr"), {"email": "alice@example.fr.evil.org"}),
    (condition("email_domain", "*.example.fr"), {"email": "alice@example.fr"}),
    (condition("email_domain", "*.example.fr"), {"email": "alice@evilexample.fr"}),
    (condition("organizational_unit", "DSI"), {"organizational_unit": "DSI 2"}),
    (condition("belonging_population", "agent"), {"belonging_population": "prestataire"}),
    (claim("level", "3"), {"level": 30}),
    (claim("active", "true"), {"active": False}),
]

UNUSABLE: list[tuple[Condition, dict[str, Any]]] = [
    (condition("acr", "eidas1"), {"acr": ["eidas1"]}),
    (condition("acr", "eidas1"), {"acr": " eidas1"}),
    (condition("amr", "otp"), {"amr": ["otp", 1]}),
    (condition("amr", "otp"), {"amr": {"otp": True}}),
    (condition("siret", SIRET), {"siret": [SIRET]}),
    (condition("siret", SIRET), {"siret": int(SIRET)}),
    (condition("siret", SIRET), {"siret": f"{SIRET}\n"}),
    (condition("siret", SIRET), {"siret": "1300252650001\u0663"}),
    (condition("siren", SIREN), {"siret": "130025265"}),
    (condition("siren", SIREN), {"siren": SIREN, "siret": "21340126800130"}),
    (condition("siren", SIREN), {"siren": "", "siret": SIRET}),
    (condition("siren", SIREN), {"siren": int(SIREN), "siret": SIRET}),
    (condition("siren", SIREN), {"siren": "13002526"}),
    (condition("roles", "agent_public"), {"roles": ["agent_public", ""]}),
    (condition("roles", "agent_public"), {"roles": [["agent_public"]]}),
    (condition("email", "alice@example.fr"), {"email": ["alice@example.fr"]}),
    (condition("belonging_population", "agent"), {"belonging_population": "agent\u2028"}),
    (claim("custom", "a"), {"custom": {"a": "a"}}),
    (claim("custom", "a"), {"custom": ["a", {"b": "c"}]}),
]

HOSTILE_EMAILS = [
    "a@evil.fr@example.fr",
    '"a@evil.fr"@example.fr',
    '"a"@example.fr',
    "a@example.fr.",
    "a@.example.fr",
    "a@example..fr",
    "a@-example.fr",
    "a@exämple.fr",
    "a@example。fr",
    "a@\uff45xample.fr",
    "a@e\u0445ample.fr",
    "\u212aate@example.fr",
    " a@example.fr",
    "a@example.fr ",
    "a@ example.fr",
    "a@example.fr\n",
    "a@example.fr\x00.evil.org",
    "a@example.fr(comment)",
    "a@[127.0.0.1]",
    "<a@example.fr>",
    "b@evil.fr, a@example.fr",
    "a%evil.fr@",
    "@example.fr",
    "example.fr",
    "a" * 65 + "@example.fr",
    "a@" + "x" * 64 + ".example.fr",
    "a@" + "x." * 130 + "example.fr",
    "",
]


@pytest.mark.parametrize("asked, claims", HOLDS)
def test_a_claim_with_one_of_the_values_holds(asked: Condition, claims: dict[str, Any]) -> None:
    assert asked.answer(claims) is Answer.YES
    assert Requirement(every=(asked,)).holds(claims)
    assert not Requirement(excluded=(asked,)).holds(claims)


@pytest.mark.parametrize("asked, claims", FAILS)
def test_a_claim_with_another_value_does_not_hold(asked: Condition, claims: dict[str, Any]) -> None:
    assert asked.answer(claims) is Answer.NO
    assert not Requirement(every=(asked,)).holds(claims)
    assert Requirement(excluded=(asked,)).holds(claims)


@pytest.mark.parametrize("asked, claims", UNUSABLE)
def test_a_claim_that_cannot_be_compared_passes_nothing(asked: Condition, claims: dict[str, Any]) -> None:
    assert asked.answer(claims) is Answer.ABSENT
    assert not Requirement(every=(asked,)).holds(claims)
    assert not Requirement(excluded=(asked,)).holds(claims)


@pytest.mark.parametrize("email", HOSTILE_EMAILS)
@pytest.mark.parametrize("asked", ["example.fr", "*.example.fr", "*.fr"])
def test_an_address_that_could_be_read_in_two_ways_is_in_no_domain(email: str, asked: str) -> None:
    assert read_email(email) is None
    assert condition("email_domain", asked).answer({"email": email}) is Answer.ABSENT
    assert condition("email", "a@example.fr").answer({"email": email}) is Answer.ABSENT


@pytest.mark.parametrize("key", Key)
def test_every_key_refuses_for_a_reason(key: Key) -> None:
    reason = Condition(key, ("x",), "x").reason
    assert Requirement(every=(Condition(key, ("x",), "x"),)).unmet({}) == (reason,)


ABSENT: st.SearchStrategy[object] = st.sampled_from([None, "", [], {}, " ", "\x00", [""], [None], [[]]])
ANY_CONDITION = st.sampled_from([asked for asked, _ in (*HOLDS, *FAILS)])


@given(ANY_CONDITION, st.dictionaries(st.sampled_from([*Key, "chorusdt:societe", "level", "groups"]), ABSENT))
def test_no_absent_or_empty_claim_ever_passes(asked: Condition, claims: dict[str, Any]) -> None:
    assert asked.answer(claims) is Answer.ABSENT
    assert not Requirement(every=(asked,)).holds(claims)
    assert not Requirement(alternatives=((asked,),)).holds(claims)
    assert not Requirement(excluded=(asked,)).holds(claims)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(ANY_CONDITION, st.dictionaries(st.sampled_from([*Key, "chorusdt:societe", "level", "groups"]), JSON))
def test_whatever_the_claims_are_a_condition_and_its_opposite_never_both_hold(
    asked: Condition, claims: dict[str, Any]
) -> None:
    assert not (Requirement(every=(asked,)).holds(claims) and Requirement(excluded=(asked,)).holds(claims))


AGENT = {"siret": SIRET, "roles": ["agent_public"], "acr": "eidas1", "belonging_population": "agent"}
GOOD, BAD, GONE = (
    condition("roles", "agent_public"),
    condition("siret", "21340126800130"),
    condition("idp_id", "x"),
)


@pytest.mark.parametrize(
    "require, reasons",
    [
        (NOTHING_REQUIRED, ()),
        (Requirement(every=(GOOD, condition("siret", SIRET))), ()),
        (Requirement(every=(GOOD, BAD)), (Reason.OTHER_ORGANISATION,)),
        (Requirement(every=(BAD, GONE)), (Reason.OTHER_ORGANISATION, Reason.OTHER_IDP)),
        (Requirement(alternatives=((GOOD, BAD), (GOOD,))), ()),
        (Requirement(alternatives=((GOOD, BAD), (GONE,))), (Reason.NO_ALTERNATIVE,)),
        (Requirement(excluded=(GOOD, BAD)), ()),
        (Requirement(excluded=(GONE, BAD)), ()),
        (Requirement(excluded=(GOOD,)), (Reason.EXCLUDED,)),
        (Requirement(excluded=(GONE,)), (Reason.EXCLUDED,)),
        (Requirement(excluded=(GOOD, GONE)), (Reason.EXCLUDED,)),
        (
            Requirement(every=(condition("acr", "eidas2"), BAD)),
            (Reason.OTHER_ORGANISATION, Reason.ACR_TOO_LOW),
        ),
    ],
)
def test_all_lines_one_group_and_not_all_that_is_excluded(
    require: Requirement, reasons: tuple[Reason, ...]
) -> None:
    assert require.unmet(AGENT) == reasons
    assert require.holds(AGENT) is not bool(reasons)


@pytest.mark.parametrize(
    "require, levels",
    [
        (Requirement(every=(condition("acr", "eidas2", "eidas3"), GOOD)), ("eidas2", "eidas3")),
        (Requirement(every=(condition("acr", "eidas2"), BAD)), ()),
        (Requirement(every=(BAD,)), ()),
        (
            Requirement(
                alternatives=(
                    (condition("acr", "eidas1-mfa"), GOOD),
                    (condition("acr", "eidas0"), BAD),
                    (condition("acr", "eidas3"),),
                )
            ),
            ("eidas1-mfa", "eidas3"),
        ),
        (
            Requirement(
                every=(condition("acr", "eidas1-mfa", "eidas2"),),
                alternatives=((condition("acr", "eidas2"),), (GOOD, condition("acr", "eidas3"))),
            ),
            ("eidas2",),
        ),
    ],
)
def test_only_levels_with_which_the_person_would_pass_are_worth_asking_for(
    require: Requirement, levels: tuple[str, ...]
) -> None:
    assert require.levels_that_would_do(AGENT) == levels
    assert all(require.holds({**AGENT, "acr": level}) for level in levels)


def test_the_levels_that_everybody_needs_are_known_before_anybody_signs_in() -> None:
    acr = condition("acr", "eidas2", "eidas3")
    assert Requirement(every=(GOOD, acr)).levels == ("eidas2", "eidas3")
    assert Requirement(alternatives=((acr,),)).levels == ()


def test_each_condition_is_shown_with_its_place_and_what_it_saw() -> None:
    require = Requirement(every=(GOOD,), alternatives=((BAD,),), excluded=(claim("a:b", "c"),))
    assert [(f.place, f.saw, f.answer) for f in require.findings(AGENT)] == [
        ("roles", ("agent_public",), Answer.YES),
        ("any[0].siret", (SIRET,), Answer.NO),
        ('not.claims."a:b"', (), Answer.ABSENT),
    ]
    assert require.claims == {"roles", "siret", "a:b"}


def test_the_longest_email_address_is_one() -> None:
    longest = "a" * 64 + "@" + ".".join(["b" * 63, "c" * 63, "d" * 61])
    assert len(longest) == 254
    assert read_email(longest) == longest
    assert read_email(f"{longest}d") is None


def test_a_text_that_is_not_what_it_looks_like_equals_nothing() -> None:
    assert condition("roles", "a\u202eb").answer({"roles": ["a\u202eb"]}) is not Answer.YES


def test_a_condition_under_not_excludes() -> None:
    requirement = Requirement(every=(condition("siret", SIRET),), excluded=(condition("roles", "x"),))
    assert [finding.excludes for finding in requirement.findings({})] == [False, True]


def test_no_value_but_a_level_is_a_level_that_would_do() -> None:
    requirement = Requirement(every=(condition("roles", "r"),), excluded=(condition("acr", "eidas1"),))
    claims = {"roles": ["r"], "acr": "eidas1"}
    assert requirement.unmet(claims) == (Reason.EXCLUDED,)
    assert requirement.levels_that_would_do(claims) == ()
