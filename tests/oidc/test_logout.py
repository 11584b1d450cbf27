from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from gateway.oidc.logout import end_session_url
from gateway.oidc.metadata import ProviderMetadata
from gateway.secret import Secret
from tests.support.honest import CLIENT_ID, ISSUER, client, metadata


def url(id_token: Secret | None, *, provider: ProviderMetadata | None = None) -> str | None:
    return end_session_url(
        provider or metadata(),
        client(),
        id_token=id_token,
        post_logout_redirect_uri="https://gw.test/_gateway/signed-out",
        state="s" * 43,
    )


def test_the_id_token_says_whose_session_ends() -> None:
    asked = url(Secret("a.b.c")) or ""
    assert asked.startswith(f"{ISSUER}/session/end?")
    assert parse_qsl(urlsplit(asked).query) == [
        ("id_token_hint", "a.b.c"),
        ("post_logout_redirect_uri", "https://gw.test/_gateway/signed-out"),
        ("state", "s" * 43),
    ]


def test_without_an_id_token_the_client_names_itself() -> None:
    assert dict(parse_qsl(urlsplit(url(None) or "").query)) == {
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "https://gw.test/_gateway/signed-out",
        "state": "s" * 43,
    }


def test_a_provider_without_the_endpoint_is_not_asked() -> None:
    assert url(Secret("a.b.c"), provider=metadata(end_session_endpoint=None)) is None
