"""The end-session request out (OpenID Connect RP-Initiated Logout 1.0).

Ending the gateway's own session, and what the browser does when it comes back, is not here.
"""

from __future__ import annotations

from gateway.oidc.authorization import with_query
from gateway.oidc.client import Client
from gateway.oidc.metadata import ProviderMetadata
from gateway.secret import Secret


def end_session_url(
    metadata: ProviderMetadata,
    client: Client,
    *,
    id_token: Secret | None,
    post_logout_redirect_uri: str,
    state: str,
) -> str | None:
    """Where to send the browser to end the provider's session; None when the provider has no such place.

    Without an ID token the client names itself, or the provider would not return (section 2 of the above).

    Args:
        metadata: of the provider that signed the person in.
        client: the gateway as registered there.
        id_token: of the session that ends; it says whose session is meant, even when it has expired.
        post_logout_redirect_uri: as registered.
        state: comes back with the browser.
    """
    if metadata.end_session_endpoint is None:
        return None
    who = {"client_id": client.client_id} if id_token is None else {"id_token_hint": id_token.reveal()}
    returns = {"post_logout_redirect_uri": post_logout_redirect_uri, "state": state}
    return with_query(metadata.end_session_endpoint, who | returns)
