from __future__ import annotations

import json

import pytest

from tests.support.http_browser import HTTPBrowser
from tests.support.relying_party import CALLBACK, SCOPE, SIGNED_OUT, STATE, RelyingParty, register

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    "change",
    [
        {"state": None},
        {"scope": None},
        {"scope": ""},
        {"client_id": None},
        {"redirect_uri": "app:callback"},
        {"nonce": "é"},
        {"nonce": "n" * 513},
        {"login_hint": "not an address"},
        {"siret_hint": "123"},
    ],
)
async def test_a_malformed_request_stays_on_a_page(
    party: RelyingParty, change: dict[str, str | None]
) -> None:
    page = await party.ask(**change)
    assert page.status == 400
    assert "Y000400" in page.text


@pytest.mark.parametrize(
    "change, error",
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"redirect_uri": f"{CALLBACK}/"}, "invalid_redirect_uri"),
    ],
)
async def test_a_client_that_is_not_registered_so_gets_a_page(
    party: RelyingParty, change: dict[str, str | None], error: str
) -> None:
    page = await party.ask(**change)
    assert page.status == 400
    assert f"oidc-provider-rendered-error:{error}" in page.text


@pytest.mark.parametrize(
    "change, error",
    [
        ({"scope": "openid groups"}, "invalid_scope"),
        ({"prompt": "select_account"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
async def test_a_wrong_request_comes_back_as_an_error(
    party: RelyingParty, change: dict[str, str | None], error: str
) -> None:
    answer = (await party.ask(**change)).location.query
    assert (answer["error"], answer["state"], answer["iss"]) == (error, STATE, party.engine.issuer)


async def test_unknown_parameters_and_scopes_are_ignored(party: RelyingParty) -> None:
    page = await party.sign_in("eleonore", scope=f"{SCOPE} nonsense", nonsense="1")
    assert (await party.exchange(page))[1]["scope"] == SCOPE


async def test_a_code_used_twice_revokes_what_it_gave(party: RelyingParty) -> None:
    page = await party.sign_in("eleonore")
    _, tokens = await party.exchange(page)
    status, answer = await party.exchange(page)
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert (await party.userinfo(tokens))[0] == 401


async def test_a_wrong_secret_is_refused(party: RelyingParty) -> None:
    page = await party.sign_in("eleonore")
    register(party.engine, party.client, client_secret="another-secret-of-more-than-32-characters")
    status, answer = await party.exchange(page)
    assert (status, answer["error"]) == (401, "invalid_client")


async def test_refreshing_gives_new_tokens_with_the_first_nonce(party: RelyingParty) -> None:
    _, tokens = await party.exchange(await party.sign_in("eleonore"))
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": party.client.client_id,
        "client_secret": party.client.client_secret,
    }
    status, _, text = await party.call("POST", "/token", data=form)
    refreshed = json.loads(text)
    assert status == 200
    assert refreshed["refresh_token"] == tokens["refresh_token"]
    assert (await party.verified(refreshed["id_token"])).claims["nonce"] == "n" * 43


async def test_userinfo_shows_the_newest_session_of_the_person(party: RelyingParty) -> None:
    _, tokens = await party.exchange(await party.sign_in("eleonore"))
    async with HTTPBrowser() as elsewhere:
        await RelyingParty(party.engine, elsewhere, party.client).sign_in("eleonore-moved")
    claims = (await party.verified((await party.userinfo(tokens))[2])).claims
    assert claims["siret"] == party.engine.accounts["eleonore-moved"].claims["siret"]


async def test_userinfo_fails_once_the_session_behind_it_is_gone(party: RelyingParty) -> None:
    _, tokens = await party.exchange(await party.sign_in("minimal"))
    other = RelyingParty(party.engine, party.browser, party.engine.clients["ES256"])
    register(other.engine, other.client)
    await other.ask()
    await other.sign_out()
    status, _, text = await party.userinfo(tokens)
    assert (status, json.loads(text)["error"]) == (500, "server_error")


async def test_signing_out_returns_with_the_state_and_ends_the_session(party: RelyingParty) -> None:
    _, tokens = await party.exchange(await party.sign_in("eleonore"))
    page = await party.sign_out(
        id_token_hint=tokens["id_token"], post_logout_redirect_uri=SIGNED_OUT, state="out"
    )
    assert str(page.location) == f"{SIGNED_OUT}?state=out"
    assert (await party.userinfo(tokens))[0] == 401
    assert (await party.ask()).status == 200


async def test_signing_out_without_an_address_ends_at_the_provider(party: RelyingParty) -> None:
    await party.sign_in("eleonore")
    assert "Vous êtes bien déconnecté" in (await party.sign_out()).text


async def test_signing_out_to_an_address_that_is_not_registered_is_refused(party: RelyingParty) -> None:
    _, tokens = await party.exchange(await party.sign_in("eleonore"))
    page = await party.sign_out(id_token_hint=tokens["id_token"], post_logout_redirect_uri=f"{SIGNED_OUT}/")
    assert page.status == 400
    assert "oidc-provider-rendered-error:invalid_request" in page.text


@pytest.mark.parametrize(
    "method, path", [("POST", "/session/end"), ("GET", "/token"), ("GET", "/request"), ("GET", "/nowhere")]
)
async def test_a_path_that_proconnect_does_not_have_is_a_page(
    party: RelyingParty, method: str, path: str
) -> None:
    status, _, text = await party.call(method, path)
    assert status == 404
    assert "Y000404" in text
