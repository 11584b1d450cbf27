"""`explain` shows each condition of a rule, and says of a person which of them holds."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.explain import Person, explain
from gateway.settings.model import Settings

RULE = {
    "path": "/dossiers/*/edit",
    "require": {
        "acr": ["eidas2+"],
        "any": [{"siret": ["13002526500013"]}, {"email_domain": ["example.fr"]}],
        "not": {"claims": {"x:y": ["z"]}},
    },
}
SETTINGS = Settings.model_validate(
    {
        "gateway": {"public_url": "https://app.example"},
        "provider": {
            "profile": "proconnect",
            "environment": "integration",
            "client_id": "c",
            "client_secret": "s",
        },
        "apps": [{"name": "app", "host": "app.example", "upstream": "http://legacy", "routes": [RULE]}],
    }
)
CONDITIONS = (
    "acr = eidas2 or eidas3",
    "any[0].siret = 13002526500013",
    "any[1].email_domain = example.fr",
    'not.claims."x:y" = z',
)
TWO_FACTORS = {"sub": "a", "acr": "eidas2", "siret": "13002526500013", "email": "a@b.fr", "x:y": "w"}


@pytest.mark.parametrize(
    "claims, saw, decision",
    [
        (
            TWO_FACTORS,
            ("eidas2: holds", "13002526500013: holds", "b.fr: does not hold", "w: differs"),
            "allow (signed-in)",
        ),
        (
            {**TWO_FACTORS, "acr": "eidas1"},
            ("eidas1: does not hold", "13002526500013: holds", "b.fr: does not hold", "w: differs"),
            "step-up required with acr eidas2 or eidas3 (acr-too-low)",
        ),
        (
            {"sub": "a", "acr": "eidas3", "siret": 13002526500013, "x:y": "z"},
            (
                "eidas3: holds",
                "nothing it can compare: does not hold",
                "nothing: does not hold",
                "z: agrees",
            ),
            "deny (no-alternative): 403",
        ),
        (
            {**TWO_FACTORS, "x:y": None},
            (
                "eidas2: holds",
                "13002526500013: holds",
                "b.fr: does not hold",
                "nothing: cannot be told from it",
            ),
            "deny (excluded): 403",
        ),
    ],
)
def test_each_condition_is_shown_with_what_it_saw_and_whether_it_holds(
    claims: dict[str, Any], saw: tuple[str, ...], decision: str
) -> None:
    lines = explain(SETTINGS, method="GET", url="/dossiers/17/edit", person=Person(claims)).lines
    assert ("rule", "apps[0].routes[0]: /dossiers/*/edit and below is signed-in") in lines
    assert [text for name, text in lines if name == "requires"] == [
        f"{asked}; saw {seen}" for asked, seen in zip(CONDITIONS, saw, strict=True)
    ]
    assert dict(lines)["decision"].startswith(decision)


def test_with_nobody_signed_in_the_conditions_are_only_named() -> None:
    lines = explain(SETTINGS, method="GET", url="/dossiers/17/edit", person=None).lines
    assert [text for name, text in lines if name == "requires"] == list(CONDITIONS)
    assert dict(lines)["decision"].startswith("sign-in required with acr eidas2 or eidas3 (not-signed-in)")
