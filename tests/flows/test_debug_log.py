"""A process that logs all it can, through a whole visit, and what must not be in a line of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from gateway.demo.upstream import make_upstream
from tests.support.flows import sign_in
from tests.support.gateway import GATEWAY_SECRET, Wanted, gateway_process
from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import CLIENTS, OIDCEngine
from tests.support.serving import served
from tests.support.story import PROTECTED
from tests.support.unsaid import Unsaid

LINK: Final = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1"}


@pytest.mark.real
@pytest.mark.parametrize("oidc_engine", [7], indirect=True)
async def test_a_process_that_logs_everything_logs_no_secret(
    oidc_engine: OIDCEngine, http_browser: HTTPBrowser, tmp_path: Path
) -> None:
    client, unsaid = CLIENTS["RS256"], Unsaid()
    unsaid.add("secret", client.client_secret, GATEWAY_SECRET)
    async with served(make_upstream()) as upstream:
        wanted = Wanted(
            issuer=oidc_engine.issuer, client=client, upstream=upstream, gateway='[log]\nlevel = "debug"'
        )
        with gateway_process(wanted, tmp_path) as (gateway, program):
            oidc_engine.register(client, redirect_uris=[gateway.redirect_uri])
            await sign_in(http_browser, gateway.url + PROTECTED, "eleonore")
            await http_browser.navigate(f"{gateway.redirect_uri}?code={'c' * 43}&state={'s' * 43}")
            whoami = await http_browser.fetch(f"{gateway.url}/_gateway/whoami")
            await http_browser.navigate(f"{gateway.url}/_gateway/sign-out", fields=LINK)
        assert json.loads(whoami.text)["claims"]["sub"]
        for page in http_browser.pages:
            unsaid.add_page(page)
        lines = [*program.stdout, *program.stderr]
        assert [line for line in lines if '"level":"debug"' in line.replace(" ", "")]
        assert [line for line in lines if '"sign-out"' in line]
        assert unsaid.found_in(lines) == []
