"""Settings to rules; what opens connections is tested where the connection is."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.access.policy import App, Route
from gateway.access.requirements import NOTHING_REQUIRED, Condition, Key, Requirement
from gateway.adapters import rules_of_apps
from gateway.settings.model import Settings

PROCONNECT = {"profile": "proconnect", "environment": "integration", "client_id": "c", "client_secret": "s"}
OTHER = {"profile": "oidc", "issuer": "https://op.example", "client_id": "c", "client_secret": "s"}


def app_of(route: dict[str, Any], *, provider: dict[str, str] = PROCONNECT, **app: Any) -> App:
    document = {
        "gateway": {"public_url": "https://app.example"},
        "provider": provider,
        "apps": [{"host": "app.example", "upstream": "http://legacy", "routes": [route], **app}],
    }
    return rules_of_apps(Settings.model_validate(document))["app.example"]


def route_of(route: dict[str, Any], **more: Any) -> Route:
    (made,) = app_of({"path": "/a", **route}, **more).routes
    return made


def test_a_rule_becomes_conditions_in_the_order_of_the_keys() -> None:
    require = {
        "roles": ["agent_public"],
        "acr": ["eidas2+", "eidas1-mfa"],
        "claims": {"a:b": ["c"]},
        "any": [{"siren": ["130025265"]}, {"email_domain": ["example.fr"]}],
        "not": {"belonging_population": ["prestataire"]},
    }
    assert route_of({"require": require}).require == Requirement(
        every=(
            Condition(Key.ACR, ("eidas2", "eidas3", "eidas1-mfa"), "acr"),
            Condition(Key.ROLES, ("agent_public",), "roles"),
            Condition(Key.CLAIMS, ("c",), "a:b"),
        ),
        alternatives=(
            (Condition(Key.SIREN, ("130025265",), "siren"),),
            (Condition(Key.EMAIL_DOMAIN, ("example.fr",), "email"),),
        ),
        excluded=(Condition(Key.BELONGING_POPULATION, ("prestataire",), "belonging_population"),),
    )


def test_a_rule_without_conditions_requires_nothing() -> None:
    assert route_of({}).require == NOTHING_REQUIRED
    assert app_of({"path": "/a"}).fallback.require == NOTHING_REQUIRED


def test_another_providers_level_may_be_called_as_a_set_of_proconnects() -> None:
    require = route_of({"require": {"acr": ["mfa"]}}, provider=OTHER).require
    assert require.levels == ("mfa",)


@pytest.mark.parametrize(
    "require, provider, asked",
    [
        (None, PROCONNECT, ("acr",)),
        ({"amr": ["otp"]}, PROCONNECT, ("acr", "amr")),
        ({"not": {"amr": ["mail"]}}, PROCONNECT, ("acr", "amr")),
        (None, OTHER, ()),
        ({"acr": ["gold"]}, OTHER, ("acr",)),
        ({"any": [{"amr": ["otp"]}]}, OTHER, ("amr",)),
    ],
)
def test_proconnect_is_asked_for_the_level_and_any_provider_for_what_a_rule_looks_at(
    require: dict[str, Any] | None, provider: dict[str, str], asked: tuple[str, ...]
) -> None:
    route = {"path": "/a"} if require is None else {"path": "/a", "require": require}
    assert app_of(route, provider=provider).assurance == asked


@pytest.mark.parametrize(
    "route, app, refusal",
    [
        ({}, {}, None),
        ({}, {"refusal": "the app's"}, "the app's"),
        ({"access": "deny", "refusal": "the rule's"}, {"refusal": "the app's"}, "the rule's"),
    ],
)
def test_a_sentence_of_the_rule_goes_before_the_apps(
    route: dict[str, Any], app: dict[str, Any], refusal: str | None
) -> None:
    assert route_of(route, **app).refusal == refusal


def test_hints_of_the_rule_go_before_the_apps_and_the_rest_stays() -> None:
    app = app_of(
        {"path": "/a", "hints": {"siret_hint": "21340126800130"}},
        hints={"siret_hint": "13002526500013", "idp_hint": "x"},
        allow_hints=["login_hint"],
    )
    assert app.routes[0].hints == {"siret_hint": "21340126800130", "idp_hint": "x"}
    assert app.fallback.hints == {"siret_hint": "13002526500013", "idp_hint": "x"}
    assert app.link_hints == {"login_hint"}
