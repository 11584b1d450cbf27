"""A person signs in, through the real engine or at any registration, and the application knows who it is."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from tests.support.flows import gateway_before, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.story import story

DEEP = "/private/dossier?numero=42&retour=%2Fliste"


@pytest.mark.real
@pytest.mark.parametrize("alg", CLIENTS)
async def test_the_application_knows_who_signed_in(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser, alg: str
) -> None:
    async with gateway_before(oidc_engine, alg) as gateway:
        page = await sign_in(http_browser, gateway.url + DEEP, "eleonore")
        assert (page.status, page.url.raw_path_qs) == (200, DEEP)
        fields = dict(json.loads((await http_browser.fetch(gateway.url + "/api/me")).text))
        assert fields["X-ProConnect-Email"] == "Eleonore.LEFEVRE-OEILLET@morbihan.example"
        assert fields["Remote-User"] == "eleonore.lefevre-oeillet@morbihan.example"
        assert unquote(fields["X-ProConnect-Usual-Name"]) == "Lefèvre-Œillet"
        assert fields["X-ProConnect-Usual-Name"].isascii()
        (event,) = gateway.audited()
        assert (event["event"], event["sub"]) == ("sign-in", fields["X-ProConnect-Sub"])


@pytest.mark.parametrize("alg", ["RS256", "ES256", "HS256"])
@pytest.mark.parametrize("userinfo_alg", ["RS256", "ES256", "HS256", None])
async def test_every_registration_signs_in(alg: str, userinfo_alg: str | None) -> None:
    registered = {"id_token_signed_response_alg": alg, "userinfo_signed_response_alg": userinfo_alg}
    async with story(client=registered) as scene:
        await scene.sign_in()
        fields = dict(json.loads((await scene.browser.fetch(scene.gateway.url + "/api/me")).text))
        assert fields["X-ProConnect-Email"] == "eleonore.lefevre-oeillet@morbihan.example.gouv.fr"
