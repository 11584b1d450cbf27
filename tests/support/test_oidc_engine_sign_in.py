from __future__ import annotations

import json

import pytest

from tests.support.relying_party import CALLBACK, STATE, RelyingParty, register

pytestmark = pytest.mark.real

MFA = ["eidas0-mfa", "eidas1-mfa", "eidas2", "eidas3"]
TECHNICAL = "authentication aborted due to a technical error on the authorization server"


def acr(*values: str) -> str:
    return json.dumps({"id_token": {"acr": {"essential": True, "values": values}, "amr": None}})


async def test_a_second_sign_in_shows_no_page(party: RelyingParty) -> None:
    await party.sign_in("eleonore")
    assert "code" in (await party.ask()).location.query
    assert "code" in (await party.ask(prompt="login")).location.query
    assert "code" in (await party.ask(prompt="consent")).location.query


async def test_a_hint_at_someone_else_ends_the_reuse(party: RelyingParty) -> None:
    await party.sign_in("eleonore")
    jean = party.engine.accounts["jean-noel"].claims
    token = await party.id_token(await party.ask(login_hint=jean["email"]))
    assert token.claims["sub"] == jean["sub"]


async def test_an_unknown_hint_shows_the_page(party: RelyingParty) -> None:
    page = await party.ask(login_hint="nobody@nowhere.example")
    assert page.status == 200
    assert {button.value for button in page.forms[0].buttons} >= set(party.engine.accounts)


async def test_an_idp_hint_leaves_the_accounts_of_that_provider(party: RelyingParty) -> None:
    idp_id = party.engine.accounts["jean-noel"].claims["idp_id"]
    page = await party.ask(idp_hint=idp_id)
    shown = {button.value for button in page.forms[0].buttons if button.name == "account"}
    assert shown == {
        name for name, account in party.engine.accounts.items() if account.claims["idp_id"] == idp_id
    }


async def test_an_unknown_idp_hint_comes_back_as_an_error(party: RelyingParty) -> None:
    answer = (await party.ask(idp_hint="nobody")).location.query
    assert (answer["error"], answer["error_description"]) == (
        "idp_hint_not_found",
        "provided idp_hint could not be found",
    )


async def test_silent_sign_in_needs_a_session(party: RelyingParty) -> None:
    answer = (await party.ask(prompt="none")).location.query
    assert (answer["error"], answer["state"], answer["iss"]) == (
        "login_required",
        STATE,
        party.engine.issuer,
    )
    await party.sign_in("eleonore")
    assert "code" in (await party.ask(prompt="none")).location.query


@pytest.mark.parametrize(
    "account, required, level, methods",
    [
        ("jean-noel", MFA, "eidas1-mfa", ["pwd", "otp", "mfa"]),
        ("solene", MFA, "eidas2", ["hwk", "pin", "mfa"]),
        ("camille", MFA, "eidas1-mfa", ["pwd", "mail"]),
        ("camille", ["eidas1"], "eidas1", ["pwd"]),
        ("minimal", ["eidas0"], "eidas0", None),
        ("level-unknown", ["eidas1"], "eidas1", ["pwd"]),
    ],
)
async def test_a_level_that_is_met_is_in_the_id_token(
    party: RelyingParty, account: str, required: list[str], level: str, methods: list[str] | None
) -> None:
    token = await party.id_token(await party.sign_in(account, claims=acr(*required)))
    assert token.claims["acr"] == level
    assert token.claims.get("amr") == methods


@pytest.mark.parametrize(
    "account, required", [("eleonore", MFA), ("solene", ["eidas1"]), ("eleonore", ["of another world"])]
)
async def test_a_level_that_is_not_met_is_refused(
    party: RelyingParty, account: str, required: list[str]
) -> None:
    answer = (await party.sign_in(account, claims=acr(*required))).location.query
    assert (answer["error"], answer["error_description"]) == (
        "access_denied",
        "requested ACRs could not be satisfied",
    )
    assert "code" not in answer


async def test_stepping_up_raises_the_level_of_a_session(party: RelyingParty) -> None:
    await party.sign_in("camille")
    page = await party.ask(claims=acr(*MFA))
    assert page.status == 200, "a session below the level is not reused"
    assert (await party.id_token(await party.choose(page, "camille"))).claims["acr"] == "eidas1-mfa"
    assert "code" in (await party.ask(claims=acr(*MFA))).location.query


async def test_the_strong_levels_are_always_asked_for_anew(party: RelyingParty) -> None:
    await party.sign_in("solene", claims=acr("eidas2"))
    assert (await party.ask(claims=acr("eidas2"))).status == 200
    assert "code" in (await party.ask()).location.query


@pytest.mark.parametrize(
    "failure, error, description",
    [
        ("Y500015", "access_denied", "authentication aborted due to invalid identity"),
        ("Y500025", "access_denied", "authentication aborted due to a configuration limitation"),
        ("Y190001", "access_denied", "user authentication aborted"),
        ("Y500006", "server_error", TECHNICAL),
        ("Y020026", "invalid_request", TECHNICAL),
    ],
)
async def test_a_failure_shows_a_page_whose_link_takes_the_error_back(
    party: RelyingParty, failure: str, error: str, description: str
) -> None:
    page = await party.sign_in(failure)
    assert page.status == 400
    assert failure in page.text
    back = await party.browser.follow(await party.browser.click(page, "Réessayer"), until=CALLBACK)
    answer = back.location.query
    assert (answer["error"], answer["error_description"]) == (error, description)


async def test_the_private_sector_enters_at_a_private_client_only(party: RelyingParty) -> None:
    assert "Y500015" in (await party.sign_in("prive")).text
    register(party.engine, party.client, type="private")
    assert "code" in (await party.sign_in("prive")).location.query
    register(party.engine, party.client, type="public")
    assert (await party.ask()).status == 200, "nor by a session opened at a private client"


async def test_an_interaction_without_its_cookie_is_lost(party: RelyingParty) -> None:
    page = await party.ask()
    party.browser.forget_cookies()
    lost = await party.browser.submit(page, press="eleonore")
    assert lost.status == 400
    assert "oidc-provider-error:session-not-found" in lost.text


async def test_two_tabs_may_sign_in_at_once(party: RelyingParty) -> None:
    first, second = await party.ask(state="1" * 43), await party.ask(state="2" * 43)
    assert (await party.choose(second, "eleonore")).location.query["state"] == "2" * 43
    assert (await party.choose(first, "eleonore")).location.query["state"] == "1" * 43
