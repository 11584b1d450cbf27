from __future__ import annotations

import pytest

from tests.support.http_browser import HTTPBrowser
from tests.support.oidc_engine import OIDCEngine
from tests.support.relying_party import RelyingParty, register


@pytest.fixture
def party(oidc_engine: OIDCEngine, http_browser: HTTPBrowser) -> RelyingParty:
    client = oidc_engine.clients["RS256"]
    register(oidc_engine, client)
    return RelyingParty(oidc_engine, http_browser, client)
