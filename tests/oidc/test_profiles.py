from __future__ import annotations

from itertools import product

import pytest

from gateway.oidc.profiles import ISSUERS, PROCONNECT_SCOPES, PROFILES, Environment, Network, ProfileName


def test_each_platform_of_proconnect_has_an_issuer_of_its_own() -> None:
    assert ISSUERS.keys() == set(product(Environment, Network))
    assert len(set(ISSUERS.values())) == len(ISSUERS)


@pytest.mark.parametrize("issuer", ISSUERS.values())
def test_an_issuer_has_tls_and_no_slash_at_its_end(issuer: str) -> None:
    assert issuer.startswith("https://")
    assert issuer.endswith("/api/v2")


@pytest.mark.parametrize("name", ProfileName)
def test_every_profile_asks_for_openid_and_pins_a_signature(name: ProfileName) -> None:
    profile = PROFILES[name]
    assert "openid" in profile.scope
    assert "none" not in profile.signing_algs


def test_proconnect_signs_userinfo_and_takes_the_secret_in_the_body() -> None:
    profile = PROFILES[ProfileName.PROCONNECT]
    assert profile.userinfo_signed_response_alg == "RS256"
    assert profile.token_endpoint_auth_method == "client_secret_post"
    assert profile.signing_algs == ("RS256", "ES256", "HS256")


def test_the_profiles_ask_for_what_is_granted_by_default() -> None:
    proconnect = "openid given_name usual_name email uid siret idp_id roles organization_label"
    assert PROFILES[ProfileName.PROCONNECT].scope == tuple(proconnect.split())
    assert PROFILES[ProfileName.OIDC].scope == ("openid", "email", "profile")


def test_any_provider_may_sign_with_pss_too() -> None:
    assert PROFILES[ProfileName.OIDC].signing_algs == ("RS256", "ES256", "HS256", "PS256")


def test_a_siren_is_part_of_a_siret() -> None:
    assert PROCONNECT_SCOPES["siren"] == ("siren", "siret")
