"""A person signs in through the real engine and sees the page first asked for."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from tests.support.flows import gateway_before, sign_in
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine

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
