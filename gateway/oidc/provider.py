"""Adapter: one provider, as the rest of the gateway uses it.

What is sent and believed is decided by the other modules of this folder; `oidc.discovery` keeps what the
provider publishes, `oidc.http` carries the bytes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from gateway.errors import Fault, ProviderError, ProviderTimeoutError, SessionRefusedError
from gateway.oidc import authorization, logout
from gateway.oidc.answer import Answer
from gateway.oidc.authorization import AuthorizationCode, Query
from gateway.oidc.client import Client, ResponseMode, SigningAlg
from gateway.oidc.client_auth import authenticated
from gateway.oidc.discovery import Discovery, ProviderOptions
from gateway.oidc.http import ProviderHttp
from gateway.oidc.id_token import (
    ExpectedIDToken,
    ExpectedRefreshed,
    IDToken,
    check_id_token,
    check_refreshed_id_token,
)
from gateway.oidc.jwks import hmac_key
from gateway.oidc.jws import ID_TOKEN, LOGOUT_TOKEN, USERINFO, Kind, kept_claims, read_jws, verify_jws
from gateway.oidc.known import AWAY, ProviderHealth
from gateway.oidc.logout_token import LogoutToken, check_logout_token
from gateway.oidc.metadata import ProviderMetadata
from gateway.oidc.pending import Pending
from gateway.oidc.pushed import check_pushed_response, pushed_authorization_url
from gateway.oidc.refresh import Refreshing, first_grant, refreshed
from gateway.oidc.tokens import (
    TokenResponse,
    check_refresh_response,
    check_token_response,
    refresh_parameters,
    token_parameters,
)
from gateway.oidc.userinfo import (
    PlainUserinfo,
    SignedUserinfo,
    check_signed_userinfo,
    check_userinfo_response,
    identity_claims,
)
from gateway.secret import Secret
from gateway.sessions.session import Claims, Grant, SignedIn

_JSON: Final = "application/json"
_JWT: Final = "application/jwt"
_NO_KEY: Final = frozenset({Fault.KEY_UNKNOWN, Fault.KEY_AMBIGUOUS, Fault.KEY_UNUSABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Who signed in.

    Args:
        claims: about the person, `sub` among them, with `acr`, `amr` and `auth_time` of the ID token.
        id_token: as it came, for the `id_token_hint` of sign-out.
        sid: the provider's own session, if it named one.
        grant: what the session is refreshed with, if it is.
    """

    claims: Claims = field(repr=False)
    id_token: Secret
    sid: str | None = None
    grant: Grant | None = None


class Provider:
    """One provider and the gateway's client there.

    Args:
        name: the provider's name in the settings.
        issuer: compared byte for byte.
        client: the gateway as registered.
        http: carries the bytes; closed with the provider.
        clock: Unix seconds.
        options: how the provider is dealt with.
        on_health: told each time that `ready` or `fault` of the health changes.
        token: draws the name of a client assertion.
    """

    def __init__(
        self,
        *,
        name: str,
        issuer: str,
        client: Client,
        http: ProviderHttp,
        clock: Callable[[], int],
        options: ProviderOptions | None = None,
        on_health: Callable[[ProviderHealth], None] = lambda _: None,
        token: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        self.name = name
        self.issuer = issuer
        self._client = client
        self._http = http
        self._clock = clock
        self._token = token
        self._options = options or ProviderOptions()
        self._hmac_key = hmac_key(client.client_secret) if SigningAlg.HS256 in client.algs else None
        self._discovery = Discovery(
            issuer=issuer,
            client=client,
            http=http,
            clock=clock,
            options=self._options,
            on_health=on_health,
        )

    @property
    def form_post(self) -> bool:
        """Whether authorization responses come as forms, from the provider's page to ours."""
        return self._client.response_mode is ResponseMode.FORM_POST

    def published_keys(self) -> dict[str, Any]:
        """The public halves of the client's own keys, as a JWK Set."""
        return self._client.keys.published()

    async def start(self) -> None:
        """Fetch metadata and keys, and keep them fresh. A failure is in `health`, and is tried again."""
        await self._discovery.start()

    async def close(self) -> None:
        """Stop, and close every connection."""
        await self._discovery.close()
        await self._http.close()

    def health(self) -> ProviderHealth:
        """How things stand with the provider."""
        return self._discovery.health()

    async def authorization_url(self, pending: Pending, *, assurance: Collection[str] = ()) -> str:
        """Where to send the browser to sign in; see `oidc.authorization.authorization_url`.

        Where requests are pushed, this one is pushed before (RFC 9126).

        Raises:
            ProviderError: the provider does not take the request.
            ProviderUnavailableError: the provider cannot be used now.
            ProviderTimeoutError: it is too slow to tell.
        """
        metadata = await self._discovery.metadata()
        endpoint = metadata.pushed_authorization_request_endpoint
        if endpoint is None:
            return authorization.authorization_url(metadata, self._client, pending, assurance=assurance)
        parameters = authorization.authorization_parameters(self._client, pending, assurance=assurance)
        answer = await self._post(metadata, endpoint, parameters, malformed=Fault.PUSHED_REQUEST)
        return pushed_authorization_url(metadata, self._client, check_pushed_response(answer))

    async def _post(
        self, metadata: ProviderMetadata, endpoint: str, parameters: Mapping[str, str], *, malformed: Fault
    ) -> Answer:
        """Post a form as the client."""
        request = authenticated(
            parameters, client=self._client, metadata=metadata, now=self._clock(), jti=self._token()
        )
        return await self._http.send(
            endpoint,
            accept=_JSON,
            malformed=malformed,
            form=request.form,
            authorization=request.authorization,
        )

    def check_response(self, query: Query, pending: Pending) -> AuthorizationCode:
        """Check an authorization response; see `oidc.authorization.check_response`."""
        metadata = self._discovery.last_metadata
        if metadata is None:
            raise self._discovery.error()
        return authorization.check_response(query, expected=pending, metadata=metadata)

    async def identify(self, code: AuthorizationCode, pending: Pending) -> Identified:
        """Redeem a code and read who it was given for: token response, ID token, userinfo, in this order.

        Each is checked before the next is asked for. Nothing is asked for twice.

        Raises:
            ProviderError: something in the answers does not hold.
            ProviderTimeoutError: all of it together took too long.
        """
        try:
            async with asyncio.timeout(self._options.timeout):
                return await self._identify(code, pending, await self._discovery.metadata())
        except TimeoutError as error:
            raise ProviderTimeoutError(Fault.PROVIDER_SLOW, seconds=self._options.timeout) from error

    @property
    def refreshes(self) -> bool:
        """Whether sessions of its people are refreshed."""
        return self._options.refreshing is not None

    async def refresh(self, session: SignedIn) -> SignedIn:
        """Ask whether the provider stands by a session: the session as it is now.

        Its grant is used up, whatever comes of it, unless the provider did not answer.

        Raises:
            SessionRefusedError: it does not, or its answer does not hold.
            ProviderError: it did not answer, or said nothing of the session.
        """
        how, grant = self._options.refreshing, session.grant
        if how is None or grant is None:
            return session
        try:
            async with asyncio.timeout(self._options.timeout):
                return await self._refresh(session, grant, how, await self._discovery.metadata())
        except TimeoutError as error:
            raise ProviderTimeoutError(Fault.PROVIDER_SLOW, seconds=self._options.timeout) from error

    def end_session_url(
        self, *, id_token: Secret | None, post_logout_redirect_uri: str, state: str
    ) -> str | None:
        """Where to send the browser to sign out of the provider; None when there is no such place."""
        metadata = self._discovery.last_metadata
        if metadata is None:
            return None
        return logout.end_session_url(
            metadata,
            self._client,
            id_token=id_token,
            post_logout_redirect_uri=post_logout_redirect_uri,
            state=state,
        )

    async def check_logout_token(self, compact: Secret) -> LogoutToken:
        """Verify a logout token and check its claims; whether it came before is for the caller to know.

        Raises:
            ProviderError: it does not hold, or there is no key to tell.
        """
        alg = self._client.id_token_signed_response_alg
        try:
            claims = await self._verified(compact, LOGOUT_TOKEN, alg)
        except ProviderError as error:
            if error.fault in _NO_KEY:
                raise ProviderError(Fault.LOGOUT_SIGNATURE, why=error.fault) from error
            raise
        return check_logout_token(
            claims,
            issuer=self.issuer,
            client=self._client,
            now=self._clock(),
            skew=self._options.clock_skew,
        )

    async def _identify(
        self, code: AuthorizationCode, pending: Pending, metadata: ProviderMetadata
    ) -> Identified:
        answer = await self._post(
            metadata,
            metadata.token_endpoint,
            token_parameters(code, pending),
            malformed=Fault.TOKEN_MALFORMED,
        )
        tokens = check_token_response(answer)
        alg = self._client.id_token_signed_response_alg
        id_token = check_id_token(
            await self._verified(tokens.id_token, ID_TOKEN, alg),
            expected=ExpectedIDToken(
                issuer=self.issuer,
                client=self._client,
                pending=pending,
                code=code,
                access_token=tokens.access_token,
                skew=self._options.clock_skew,
            ),
            now=self._clock(),
        )
        userinfo = await self._userinfo(metadata, tokens, id_token)
        return Identified(
            claims=identity_claims(id_token, userinfo),
            id_token=tokens.id_token,
            sid=id_token.sid,
            grant=first_grant(tokens, id_token, self._options.refreshing, now=self._clock()),
        )

    async def _refresh(
        self, session: SignedIn, grant: Grant, how: Refreshing, metadata: ProviderMetadata
    ) -> SignedIn:
        asked_at = self._clock()
        answer = await self._post(
            metadata,
            metadata.token_endpoint,
            refresh_parameters(grant.refresh_token),
            malformed=Fault.TOKEN_MALFORMED,
        )
        tokens = check_refresh_response(answer)
        id_token = None
        if tokens.id_token is not None:
            expected = ExpectedRefreshed(
                issuer=self.issuer,
                client=self._client,
                session=session,
                grant=grant,
                asked_at=asked_at,
                access_token=tokens.access_token,
                skew=self._options.clock_skew,
            )
            id_token = await self._refreshed_id_token(tokens.id_token, expected)
        return refreshed(
            session,
            grant,
            tokens,
            id_token=id_token,
            before=kept_claims(session.id_token),
            how=how,
            now=self._clock(),
        )

    async def _refreshed_id_token(self, compact: Secret, expected: ExpectedRefreshed) -> IDToken | None:
        """The ID token of a refreshed session; None while its keys cannot be had: nothing is believed then.

        Raises:
            SessionRefusedError: it does not hold.
        """
        try:
            claims = await self._verified(compact, ID_TOKEN, self._client.id_token_signed_response_alg)
            return check_refreshed_id_token(claims, expected=expected, now=self._clock())
        except ProviderError as error:
            if error.fault in AWAY:
                return None
            raise SessionRefusedError(Fault.REFRESH_MISMATCH, of=error.fault, **error.facts) from error

    async def _userinfo(
        self, metadata: ProviderMetadata, tokens: TokenResponse, id_token: IDToken
    ) -> Claims | None:
        if metadata.userinfo_endpoint is None:
            return None
        alg = self._client.userinfo_signed_response_alg
        answer = await self._http.send(
            metadata.userinfo_endpoint,
            accept=_JSON if alg is None else _JWT,
            malformed=Fault.USERINFO_MALFORMED,
            authorization=Secret(f"Bearer {tokens.access_token.reveal()}"),
        )
        match check_userinfo_response(answer, self._client):
            case PlainUserinfo(claims):
                return claims
            case SignedUserinfo(compact, alg):
                claims = await self._verified(compact, USERINFO, alg)
                check_signed_userinfo(
                    claims,
                    issuer=self.issuer,
                    client=self._client,
                    id_token=id_token,
                    now=self._clock(),
                    skew=self._options.clock_skew,
                )
                return claims
            case other:
                assert_never(other)

    async def _verified(self, compact: Secret, kind: Kind, alg: SigningAlg) -> dict[str, Any]:
        """What a token says, once its one possible key has verified it."""
        jws = read_jws(compact, kind=kind, alg=alg)
        if alg is SigningAlg.HS256 and self._hmac_key is not None:
            return verify_jws(jws, self._hmac_key)
        return verify_jws(jws, await self._discovery.key_for(jws))
