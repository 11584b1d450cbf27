from __future__ import annotations

import pytest
from yarl import URL

from gateway.demo.people import PEOPLE
from gateway.demo.provider_pages import ABORTS
from tests.support.demo_provider import CALLBACK, MFA, SIGNED_OUT, AtProvider, registration
from tests.support.page import Page

EVERY_MFA = ["noemie", "anne-sophie"]


async def sign_out(at: AtProvider, **params: str) -> Page:
    url = URL(f"{at.provider.issuer}/session/end").with_query(params)
    return await at.browser.navigate(url)


async def test_the_page_offers_every_person_and_failure(at: AtProvider) -> None:
    page = await at.browser.step(await at.authorize())
    assert [button.value for button in page.forms[0].buttons] == [person.id for person in PEOPLE]
    assert "Éléonore Lefèvre-Œillet" in page.text
    assert [link.href.rpartition("/")[2] for link in page.links if "/abort/" in link.href] == list(ABORTS)


async def test_the_page_may_send_its_form_back_to_the_client_only(at: AtProvider) -> None:
    page = await at.browser.step(await at.authorize())
    policy = page.fields["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://app.test;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in page.text


async def test_a_person_comes_back_with_code_state_and_iss(at: AtProvider) -> None:
    callback = await at.sign_in(state="some state & more")
    assert list(callback) == ["code", "state", "iss"]
    assert callback["state"] == "some state & more"
    assert callback["iss"] == at.provider.issuer
    assert len(callback["code"]) == 43


async def test_the_answer_to_the_choice_is_a_303(at: AtProvider) -> None:
    page = await at.browser.step(await at.authorize())
    assert (await at.browser.submit(page, press="eleonore")).status == 303


async def test_a_redirect_uri_keeps_its_own_query(at: AtProvider) -> None:
    at.provider.register(registration(redirect_uris=(f"{CALLBACK}?app=1",)))
    page = await at.browser.step(await at.authorize(redirect_uri=f"{CALLBACK}?app=1"))
    answer = await at.browser.submit(page, press="eleonore")
    assert list(answer.location.query) == ["app", "code", "state", "iss"]


async def test_a_second_sign_in_shows_nothing(at: AtProvider) -> None:
    await at.sign_in()
    answer = await at.authorize()
    assert str(answer.location).startswith(CALLBACK)
    assert "code" in answer.location.query


@pytest.mark.parametrize(
    "changes",
    [
        {"login_hint": "someone.else@example.fr"},
        {"idp_hint": next(person.idp_id for person in PEOPLE if person.id == "noemie")},
        {"claims": MFA},
    ],
    ids=["another login_hint", "another idp_hint", "an acr it does not meet"],
)
async def test_a_session_is_not_reused_for(at: AtProvider, changes: dict[str, str]) -> None:
    await at.sign_in("eleonore")
    assert "/interaction/" in (await at.authorize(**changes)).fields["Location"]


@pytest.mark.parametrize("prompt", ["login", "consent", "login consent"])
async def test_no_prompt_forces_a_new_sign_in(at: AtProvider, prompt: str) -> None:
    await at.sign_in()
    assert "code" in (await at.authorize(prompt=prompt)).location.query


async def test_eidas2_is_asked_for_again_each_time(at: AtProvider) -> None:
    await at.sign_in("anne-sophie", claims=MFA)
    assert "/interaction/" in (await at.authorize(claims=MFA)).fields["Location"]


async def test_a_session_lives_twelve_hours_after_its_last_use(at: AtProvider) -> None:
    await at.sign_in()
    at.clock.now += 43_199
    assert "code" in (await at.authorize(prompt="none")).location.query
    at.clock.now += 43_200
    assert (await at.authorize(prompt="none")).location.query["error"] == "login_required"


async def test_a_silent_sign_in_without_session_is_login_required(at: AtProvider) -> None:
    answer = await at.authorize(prompt="none")
    assert dict(answer.location.query) == {
        "error": "login_required",
        "error_description": "End-User authentication is required",
        "state": "s" * 43,
        "iss": at.provider.issuer,
    }


@pytest.mark.parametrize("person", [person.id for person in PEOPLE if not person.private])
async def test_a_required_acr_lets_only_those_through_who_have_it(at: AtProvider, person: str) -> None:
    callback = await at.sign_in(person, claims=MFA)
    if person in EVERY_MFA:
        assert "code" in callback
    else:
        assert "code" not in callback
        assert callback["error"] == "access_denied"
        assert callback["error_description"] == "requested ACRs could not be satisfied"


async def test_an_acr_chosen_on_the_page_replaces_the_persons(at: AtProvider) -> None:
    assert "code" in await at.sign_in("eleonore", acr="eidas1-mfa", claims=MFA)


@pytest.mark.parametrize("name", ABORTS)
async def test_a_failure_comes_back_as_proconnects(at: AtProvider, name: str) -> None:
    error, description = ABORTS[name]
    page = await at.browser.step(await at.authorize())
    href = next(link.href for link in page.links if link.href.endswith(f"/abort/{name}"))
    answer = await at.browser.navigate(page.url.join(URL(href)))
    assert answer.status == 303
    assert list(answer.location.query) == ["error", "error_description", "state", "iss"]
    assert (answer.location.query["error"], answer.location.query["error_description"]) == (
        error,
        description,
    )


async def test_a_failure_that_is_not_on_the_page_does_not_exist(at: AtProvider) -> None:
    page = await at.browser.step(await at.authorize())
    assert (await at.browser.navigate(f"{page.url}/abort/other")).status == 404


async def test_a_private_user_sees_why_and_comes_back_with_an_error(at: AtProvider) -> None:
    page = await at.browser.step(await at.authorize())
    refusal = await at.browser.submit(page, press="francoise")
    assert refusal.status == 403
    assert "Y500015" in refusal.text
    answer = await at.browser.click(refusal, "Réessayer de vous connecter")
    assert answer.location.query["error"] == "access_denied"
    assert answer.location.query["error_description"] == "authentication aborted due to invalid identity"


@pytest.mark.parametrize("at", [{"type": "private"}], indirect=True)
async def test_a_client_for_the_private_sector_gets_private_users(at: AtProvider) -> None:
    assert "code" in await at.sign_in("francoise")


@pytest.mark.parametrize("form", [{"person": "nobody"}, {"person": "eleonore", "acr": "eidas9"}])
async def test_a_choice_that_is_not_on_the_page_is_refused(at: AtProvider, form: dict[str, str]) -> None:
    page = await at.browser.step(await at.authorize())
    assert (await at.browser.navigate(page.url, method="POST", form=form)).status == 400


async def test_the_page_is_gone_once_used(at: AtProvider) -> None:
    page = await at.browser.step(await at.authorize())
    await at.browser.submit(page, press="eleonore")
    again = await at.browser.submit(page, press="eleonore")
    assert again.status == 400
    assert "session-not-found" in again.text


async def test_the_page_waits_no_longer_than_an_hour(at: AtProvider) -> None:
    page = await at.browser.step(await at.authorize())
    at.clock.now += 3600
    assert (await at.browser.submit(page, press="eleonore")).status == 400


async def test_signing_out_returns_to_the_client_with_its_state(at: AtProvider) -> None:
    tokens = await at.tokens()
    answer = await sign_out(
        at, id_token_hint=tokens["id_token"], post_logout_redirect_uri=SIGNED_OUT, state="bye & thanks"
    )
    assert answer.status == 303
    assert str(answer.location).startswith(f"{SIGNED_OUT}?")
    assert dict(answer.location.query) == {"state": "bye & thanks"}


async def test_after_signing_out_nobody_is_signed_in(at: AtProvider) -> None:
    tokens = await at.tokens()
    await sign_out(at, id_token_hint=tokens["id_token"], post_logout_redirect_uri=SIGNED_OUT)
    assert at.browser.cookies(f"{at.provider.issuer}/authorize") == {}
    assert (await at.authorize(prompt="none")).location.query["error"] == "login_required"


async def test_an_expired_hint_still_signs_out(at: AtProvider) -> None:
    tokens = await at.tokens()
    at.clock.now += 40_000
    answer = await sign_out(at, id_token_hint=tokens["id_token"], post_logout_redirect_uri=SIGNED_OUT)
    assert str(answer.location) == SIGNED_OUT


async def test_a_client_id_does_as_well_as_a_hint(at: AtProvider) -> None:
    answer = await sign_out(at, client_id="client", post_logout_redirect_uri=SIGNED_OUT)
    assert str(answer.location) == SIGNED_OUT


@pytest.mark.parametrize("uri", [SIGNED_OUT, "http://elsewhere.test/"])
async def test_without_a_client_a_sign_out_ends_on_the_providers_page(at: AtProvider, uri: str) -> None:
    await at.sign_in()
    answer = await sign_out(at, post_logout_redirect_uri=uri, state="s")
    assert answer.status == 200
    assert "Vous êtes bien déconnecté" in answer.text
    assert at.provider.sessions == {}


@pytest.mark.parametrize(
    "params",
    [
        {"client_id": "client", "post_logout_redirect_uri": f"{SIGNED_OUT}/"},
        {"client_id": "client", "post_logout_redirect_uri": "javascript:alert(1)"},
        {"client_id": "nobody", "post_logout_redirect_uri": SIGNED_OUT},
        {"id_token_hint": "not.a.token", "post_logout_redirect_uri": SIGNED_OUT},
    ],
    ids=["URI not registered", "URI of another scheme", "client unknown", "hint forged"],
)
async def test_a_wrong_sign_out_ends_no_session(at: AtProvider, params: dict[str, str]) -> None:
    await at.sign_in()
    assert (await sign_out(at, **params)).status == 400
    assert "code" in (await at.authorize(prompt="none")).location.query


async def test_a_hint_signed_by_other_keys_is_refused(at: AtProvider) -> None:
    tokens = await at.tokens()
    at.provider.rotate_keys(keep_old=False)
    answer = await sign_out(at, id_token_hint=tokens["id_token"], post_logout_redirect_uri=SIGNED_OUT)
    assert answer.status == 400


async def test_a_hint_of_one_client_does_not_speak_for_another(at: AtProvider) -> None:
    at.provider.register(registration(client_id="other"))
    tokens = await at.tokens()
    answer = await sign_out(at, id_token_hint=tokens["id_token"], client_id="other")
    assert answer.status == 400


async def test_a_post_is_an_authorization_request_too(at: AtProvider) -> None:
    url = f"{at.provider.issuer}/authorize"
    answer = await at.browser.navigate(url, method="POST", form=at.parameters())
    assert "/interaction/" in answer.fields["Location"]


async def test_acr_values_only_ask_to_see_the_acr(at: AtProvider) -> None:
    token = await at.read((await at.tokens("ahmed", acr_values="eidas2"))["id_token"])
    assert token.claims["acr"] == "eidas0"


def test_an_unknown_acr_becomes_eidas1() -> None:
    assert PEOPLE[0].level("something-else") == "eidas1"
