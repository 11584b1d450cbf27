"""A page for certified company directors: a level like any other, whose name is another authority's."""

from __future__ import annotations

import json
from typing import Final

from gateway.access.assurance import CERTIFICATION_DIRIGEANT
from gateway.web.languages import LOCALES
from tests.support.page import Page
from tests.support.story import Story, story

PAGE: Final = "/private/entreprise/kbis"
ROUTES: Final = """
[[apps.routes]]
path = "/private/entreprise/"
require.acr = ["certification-dirigeant"]
[[apps.routes]]
path = "/private/either/"
require.acr = ["certification-dirigeant", "eidas3"]
"""
FRENCH: Final = LOCALES["fr"]


async def came_as(scene: Story, path: str, *, acr: str) -> Page:
    """Open a page and sign in with a level chosen at the provider: what one sees in the end."""
    page = await scene.browser.navigate(scene.gateway.url + path)
    page = await scene.browser.follow(await scene.browser.click(page, "S'identifier avec ProConnect"))
    return await scene.browser.follow(await scene.browser.submit(page, press="eleonore", acr=acr))


async def test_the_certification_is_asked_for_as_essential_and_opens_the_page() -> None:
    async with story(routes=ROUTES) as scene:
        begun = await scene.begin(return_to=PAGE)
        assert json.loads(begun.location.query["claims"]) == {
            "id_token": {"acr": {"essential": True, "values": [CERTIFICATION_DIRIGEANT]}}
        }
        page = await came_as(scene, PAGE, acr=CERTIFICATION_DIRIGEANT)
        assert (page.status, page.url.path) == (200, PAGE)


async def test_no_other_level_stands_for_it_however_high() -> None:
    async with story(routes=ROUTES) as scene:
        page = await came_as(scene, PAGE, acr="eidas3")
        assert page.status == 403
        assert FRENCH["refusal"]["acr-too-low"]["title"] in page.text
        assert FRENCH["levels"][CERTIFICATION_DIRIGEANT] in page.text
        assert scene.upstream == []


async def test_a_page_may_have_another_way_in_beside_it() -> None:
    async with story(routes=ROUTES) as scene:
        page = await came_as(scene, "/private/either/", acr="eidas3")
        assert (page.status, page.url.path) == (200, "/private/either/")


async def test_somebody_signed_in_is_sent_for_the_certification_and_keeps_the_rest_without_it() -> None:
    async with story(routes=ROUTES) as scene:
        await scene.sign_in()
        begun = await scene.browser.navigate(scene.gateway.url + PAGE)
        assert begun.location.query["login_hint"] == "eleonore.lefevre-oeillet@morbihan.example.gouv.fr"
        page = await scene.browser.follow(begun)
        page = await scene.browser.follow(await scene.browser.submit(page, press="eleonore", acr="eidas1"))
        assert (page.status, FRENCH["levels"]["eidas1"] in page.text) == (403, True)
        assert await scene.signed_in()
        assert (await scene.browser.navigate(f"{scene.gateway.url}/private/other")).status == 200
