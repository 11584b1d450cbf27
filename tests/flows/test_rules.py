"""Who may come in: for each rule somebody whom it lets in, and somebody whom it refuses and who is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from gateway.web.languages import LOCALES
from tests.support.flows import gateway_before, sign_in
from tests.support.gateway import RunningGateway
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.page import Page
from tests.support.story import Story, story

MINISTRY = "10000001700010"
ONLY_OURS = "Ce service est réservé aux agents de la préfecture du Morbihan."
SCOPE = (
    'scope = ["openid", "given_name", "usual_name", "email", "uid", "siret", "siren", "idp_id", "roles",'
    ' "organization_label", "organizational_unit", "belonging_population", "chorusdt"]'
)

RULES: dict[str, tuple[str, str, str, str]] = {
    # what it requires: who comes in, who does not, why
    "siret": (f'siret = ["{MINISTRY}"]', "jean-noel", "eleonore", "other-organisation"),
    "siren": ('siren = ["100000017"]', "solene", "minimal", "other-organisation"),
    "siren, only a siret": ('siren = ["213401268"]', "minimal", "solene", "other-organisation"),
    "roles": ('roles = ["agent_public_etat"]', "jean-noel", "eleonore", "role-missing"),
    "idp_id": ('idp_id = ["9c716f61-b8a1-435c-a407-ef4d677ec270"]', "solene", "eleonore", "other-idp"),
    "email": ('email = ["eleonore.lefevre-oeillet@morbihan.example"]', "eleonore", "solene", "other-account"),
    "email_domain": ('email_domain = ["interieur.example"]', "solene", "eleonore", "other-email-domain"),
    "email_domain, not itself": (
        'email_domain = ["*.interieur.example", "morbihan.example"]',
        "eleonore",
        "solene",
        "other-email-domain",
    ),
    "organizational_unit": (
        'organizational_unit = ["Direction de l\'aménagement"]',
        "eleonore",
        "solene",
        "other-unit",
    ),
    "belonging_population": ('belonging_population = ["agent"]', "jean-noel", "solene", "other-population"),
    "belonging_population, absent": (
        'belonging_population = ["agent"]',
        "camille",
        "minimal",
        "other-population",
    ),
    "claims": ('claims."chorusdt:societe" = ["CHT"]', "jean-noel", "solene", "other-claim"),
    "amr": ('amr = ["hwk", "otp"]', "solene", "eleonore", "other-method"),
    "amr, absent": ('amr = ["pwd"]', "eleonore", "minimal", "other-method"),
    "two conditions": (
        f'siret = ["{MINISTRY}"]\nrequire.belonging_population = ["agent"]',
        "jean-noel",
        "solene",
        "other-population",
    ),
    "any": (
        f'any = [{{ siret = ["{MINISTRY}"] }}, {{ amr = ["mail"] }}]',
        "solene",
        "minimal",
        "no-alternative",
    ),
    "not": ('not = { belonging_population = ["prestataire"] }', "jean-noel", "solene", "excluded"),
    "not, absent": ('not = { belonging_population = ["prestataire"] }', "eleonore", "minimal", "excluded"),
}

PATHS = {name: f"/private/{number}/" for number, name in enumerate(RULES)}
ROUTES = "".join(
    f'[[apps.routes]]\npath = "{PATHS[name]}"\nrequire.{require}\n' for name, (require, *_) in RULES.items()
)


@pytest.fixture
async def gateway(oidc_engine: OIDCEngine) -> AsyncIterator[RunningGateway]:
    async with gateway_before(oidc_engine, routes=ROUTES, provider=SCOPE) as gateway:
        yield gateway


@pytest.mark.real
@pytest.mark.parametrize("rule", RULES)
async def test_a_rule_lets_in_whom_it_is_for_and_nobody_else(
    gateway: RunningGateway, http_browser: HTTPBrowser, rule: str
) -> None:
    _, welcome, refused, reason = RULES[rule]
    url = gateway.url + PATHS[rule]
    assert (await sign_in(http_browser, url, welcome)).status == 200
    async with HTTPBrowser() as other:
        page = await sign_in(other, url, refused)
        assert page.status == 403
        assert LOCALES["fr"]["refusal"][reason]["title"] in page.text
        problem = await other.fetch(url)
        assert (problem.status, json.loads(problem.text)["type"]) == (403, f"urn:proconnect-gateway:{reason}")
    event = gateway.audited()[-1]
    assert (event["event"], event["reason"]) == ("access-refused", reason)
    assert event["route"] == f"apps[0].routes[{list(RULES).index(rule)}]"


def refusing(**app: str) -> Any:
    """A story in which one page is for the préfecture, and another for nobody that there is."""
    settings = "\n".join(f'{name} = "{value}"' for name, value in app.items())
    routes = f"""
[[apps.routes]]
path = "/private/prefecture/"
require.email_domain = ["morbihan.example.gouv.fr"]
refusal = "{ONLY_OURS}"
[[apps.routes]]
path = "/private/others/"
require.siret = ["21340126800130"]
[[apps.routes]]
path = "/private/*/edit"
access = "deny"
"""
    return story(app=settings, routes=routes)


async def refused(scene: Story, path: str, person: str = "noemie") -> Page:
    page = await scene.sign_in(person=person, return_to=path)
    assert page.status == 403
    assert scene.upstream == []
    return page


async def test_a_refusal_says_why_who_came_and_whom_to_ask() -> None:
    async with refusing(contact="aide@morbihan.example.gouv.fr") as scene:
        page = await refused(scene, "/private/prefecture/")
        for said in (
            ONLY_OURS,
            "noemie.kowalczyk@finances.example.gouv.fr",
            "Ministère de l&#39;Économie d&#39;essai",
            "mailto:aide@morbihan.example.gouv.fr",
        ):
            assert said in page.text.replace("<wbr>", "")


@pytest.mark.parametrize(
    "path, said",
    [
        ("/private/prefecture/", ONLY_OURS),
        ("/private/others/", "Réservé à la démonstration"),
        ("/private/1/edit", "Réservé à la démonstration"),
    ],
)
async def test_the_rules_own_sentence_goes_before_the_applications(path: str, said: str) -> None:
    async with refusing(refusal="Réservé à la démonstration") as scene:
        assert said in (await refused(scene, path)).text


async def test_from_a_refusal_one_comes_back_with_another_account() -> None:
    async with refusing() as scene:
        page = await refused(scene, "/private/prefecture/")
        left = await scene.browser.submit(page, press=LOCALES["fr"]["common"]["other_account"])
        onward = LOCALES["fr"]["onward"]["button"]
        # ProConnect's own session is over too: it asks who is there.
        choice = await scene.browser.follow(await scene.browser.click(left, onward))
        page = await scene.browser.follow(await scene.browser.submit(choice, press="eleonore"))
        assert (page.status, page.url.path) == (200, "/private/prefecture/")


@pytest.mark.parametrize("target", ["/private/17/edit", "/private/17/edit/", "/private/a%20b/edit?x=1"])
async def test_a_pattern_refuses_every_path_of_its_form(target: str) -> None:
    async with refusing() as scene:
        await scene.sign_in(return_to="/")
        scene.upstream.clear()
        page = await scene.browser.navigate(URL(scene.gateway.url + target, encoded=True))
        assert (page.status, scene.upstream) == (403, [])
        assert (await scene.browser.navigate(scene.gateway.url + "/private/17/view")).status == 200


@pytest.mark.parametrize(
    "target", ["/private/17%2Fedit", "/private//17/edit", "/PRIVATE/17/edit", "/private/17/edit;x"]
)
async def test_a_target_that_might_be_of_that_form_is_in_doubt(target: str) -> None:
    async with refusing() as scene:
        await scene.sign_in(return_to="/")
        scene.upstream.clear()
        page = await scene.browser.navigate(URL(scene.gateway.url + target, encoded=True))
        assert (page.status, scene.upstream) == (400, [])


async def test_what_was_compared_is_what_the_application_reads() -> None:
    async with refusing() as scene:
        page = await scene.sign_in(person="eleonore", return_to="/private/prefecture/")
        assert page.status == 200
        fields = dict(json.loads((await scene.browser.fetch(scene.gateway.url + "/api/me")).text))
        assert fields["X-ProConnect-Email"].endswith("@morbihan.example.gouv.fr")
