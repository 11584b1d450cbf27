"""The look-alike provider's endpoints for clients: token, userinfo, revocation, introspection.

Answers are JSON, or a JWT where the client is registered for one; every error has the shape of RFC 6749
section 5.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

from aiohttp import web

from gateway.demo.provider_requests import Registration, RenderedError, single
from gateway.demo.provider_state import Grant, IssuedToken, Provider

FORM = "application/x-www-form-urlencoded"
CLIENT_FAILED = "client authentication failed"
TOKEN_REFUSED = "invalid token provided"  # noqa: S105 - no secret

Params: TypeAlias = Mapping[str, str]
Method: TypeAlias = Callable[["BackChannel", web.Request], Awaitable[web.Response]]


class OAuthError(Exception):
    """An error response in JSON, with `WWW-Authenticate` where a challenge is due."""

    def __init__(self, status: int, error: str, description: str, *, challenge: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "error_description": description}
        self.fields = {"WWW-Authenticate": challenge} if challenge else {}


def answers_in_json(method: Method) -> Method:
    """Turn an OAuthError into its answer, and let no answer be stored."""

    @wraps(method)
    async def handler(self: BackChannel, request: web.Request) -> web.Response:
        try:
            answer = await method(self, request)
        except OAuthError as error:
            answer = web.json_response(error.body, status=error.status, headers=error.fields)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return handler


@dataclass(frozen=True, slots=True)
class BackChannel:
    """The handlers; each is one endpoint."""

    provider: Provider

    @answers_in_json
    async def token(self, request: web.Request) -> web.Response:
        """The token endpoint (RFC 6749 section 3.2), for codes and refresh tokens."""
        params = await _form(request)
        client = self._authenticate(request, params)
        match params.get("grant_type"):
            case "authorization_code":
                return web.json_response(self.provider.issue(self._redeem(params, client)))
            case "refresh_token":
                return web.json_response(self._refresh(params, client))
            case None:
                raise OAuthError(400, "invalid_request", "missing required parameter 'grant_type'")
            case _:
                raise OAuthError(400, "unsupported_grant_type", "unsupported grant_type requested")

    @answers_in_json
    async def userinfo(self, request: web.Request) -> web.Response:
        """The userinfo endpoint (OpenID Connect Core 1.0 section 5.3): a JWT, or JSON if registered unsigned.

        As at ProConnect, the claims come from the person's newest session, and without one this is a 500.
        """
        issued = self._bearer(request, await _form(request) if request.method == "POST" else {})
        client = issued.grant.request.client
        session = self.provider.latest_session(issued.grant.person.sub)
        if session is None:
            raise OAuthError(500, "server_error", "oops! something went wrong")
        claims = self.provider.userinfo(issued.grant, session)
        alg = client.userinfo_signed_response_alg
        if alg is None:
            return web.json_response(claims)
        now = self.provider.clock()
        claims |= {"aud": client.client_id, "iss": self.provider.issuer, "iat": now, "exp": issued.expires_at}
        signed = self.provider.keys.sign(claims, alg=alg, client_secret=client.client_secret)
        return web.Response(text=signed, content_type="application/jwt", charset="utf-8")

    @answers_in_json
    async def revocation(self, request: web.Request) -> web.Response:
        """The revocation endpoint (RFC 7009): an unknown token is as good as a revoked one."""
        params = await _form(request)
        client = self._authenticate(request, params)
        token = _required(params, "token")
        issued = self.provider.access_tokens.get(token) or self.provider.refresh_tokens.get(token)
        if issued is not None and issued.grant.request.client.client_id != client.client_id:
            raise OAuthError(400, "invalid_request", "this token does not belong to you")
        self.provider.access_tokens.pop(token, None)
        if issued is not None and token in self.provider.refresh_tokens:
            issued.grant.revoked = True
        return web.Response()

    @answers_in_json
    async def introspection(self, request: web.Request) -> web.Response:
        """The introspection endpoint (RFC 7662); any client may ask about any token, as at ProConnect."""
        params = await _form(request)
        self._authenticate(request, params)
        token = _required(params, "token")
        tokens = {**self.provider.refresh_tokens, **self.provider.access_tokens}
        issued = tokens.get(token)
        if issued is None or not self._valid(issued):
            return web.json_response({"active": False})
        answer: dict[str, Any] = {
            "active": True,
            "sub": issued.grant.person.sub,
            "client_id": issued.grant.request.client.client_id,
            "scope": " ".join(issued.grant.request.scope),
            "iat": issued.issued_at,
            "exp": issued.expires_at,
            "iss": self.provider.issuer,
        }
        if token in self.provider.access_tokens:
            answer["token_type"] = "Bearer"  # noqa: S105 - no secret
        return web.json_response(answer)

    def _authenticate(self, request: web.Request, params: Params) -> Registration:
        """Client authentication by `client_secret_post`, or by Basic, which ProConnect takes unadvertised."""
        client_id, secret = params.get("client_id"), params.get("client_secret")
        challenge = None
        if "Authorization" in request.headers:
            challenge = _challenge("Basic", self.provider.issuer, "invalid_client", CLIENT_FAILED)
            basic_id, basic_secret = _basic(request.headers["Authorization"])
            if secret is not None or client_id not in (None, basic_id):
                raise OAuthError(400, "invalid_request", "client authentication must use one mechanism only")
            client_id, secret = basic_id, basic_secret
        if client_id is None:
            raise OAuthError(400, "invalid_request", "no client authentication mechanism provided")
        client = self.provider.clients.get(client_id)
        if client is None or not hmac.compare_digest(client.client_secret.encode(), (secret or "").encode()):
            raise OAuthError(401, "invalid_client", CLIENT_FAILED, challenge=challenge)
        return client

    def _redeem(self, params: Params, client: Registration) -> Grant:
        """The grant behind a code, once; a second time revokes what the first gave (RFC 6749, 4.1.2)."""
        code, redirect_uri = _required(params, "code"), _required(params, "redirect_uri")
        grant = self.provider.codes.get(code)
        if (
            grant is None
            or grant.request.client.client_id != client.client_id
            or grant.request.redirect_uri != redirect_uri
            or grant.code_expires_at <= self.provider.clock()
            or not _verifier_holds(params.get("code_verifier"), grant.request.code_challenge)
        ):
            raise _invalid_grant()
        if grant.redeemed or grant.revoked:
            grant.revoked = True
            raise _invalid_grant()
        grant.redeemed = True
        return grant

    def _refresh(self, params: Params, client: Registration) -> dict[str, Any]:
        """New tokens for the same sign-in; late in its life the refresh token is replaced as well."""
        token = _required(params, "refresh_token")
        issued = self.provider.refresh_tokens.get(token)
        if issued is None or issued.grant.request.client.client_id != client.client_id:
            raise _invalid_grant()
        if issued.rotated:
            issued.grant.revoked = True
        if not self._valid(issued) or self.provider.latest_session(issued.grant.person.sub) is None:
            raise _invalid_grant()
        issued.rotated = self.provider.clock() >= issued.issued_at + self.provider.rotates_after
        return self.provider.issue(issued.grant, refresh_token=None if issued.rotated else token)

    def _bearer(self, request: web.Request, params: Params) -> IssuedToken:
        """The access token of a request, in the field or the form (RFC 6750 sections 2.1 and 2.2)."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token if scheme.lower() == "bearer" else params.get("access_token", "")
        if not token:
            raise OAuthError(
                400,
                "invalid_request",
                "no access token provided",
                challenge=f'Bearer realm="{self.provider.issuer}"',
            )
        issued = self.provider.access_tokens.get(token)
        if issued is None or not self._valid(issued):
            challenge = _challenge("Bearer", self.provider.issuer, "invalid_token", TOKEN_REFUSED)
            raise OAuthError(401, "invalid_token", TOKEN_REFUSED, challenge=challenge)
        return issued

    def _valid(self, issued: IssuedToken) -> bool:
        return not issued.grant.revoked and self.provider.clock() < issued.expires_at


def _challenge(scheme: str, realm: str, error: str, description: str) -> str:
    return f'{scheme} realm="{realm}", error="{error}", error_description="{description}"'


def _invalid_grant() -> OAuthError:
    return OAuthError(400, "invalid_grant", "grant request is invalid")


def _required(params: Params, name: str) -> str:
    if name not in params:
        raise OAuthError(400, "invalid_request", f"missing required parameter '{name}'")
    return params[name]


async def _form(request: web.Request) -> dict[str, str]:
    if not request.can_read_body:
        return {}
    if request.content_type != FORM:
        raise OAuthError(
            400, "invalid_request", f"only {FORM} content-type bodies are supported on POST {request.path}"
        )
    form = await request.post()
    try:
        # A form of this type has no files: every value is text.
        return {name: str(value) for name, value in single(form).items()}  # type: ignore[arg-type]
    except RenderedError as error:
        raise OAuthError(400, "invalid_request", error.detail) from None


def _basic(field: str) -> tuple[str, str]:
    """Identifier and secret of a Basic field, each form-decoded (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = field.partition(" ")
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user = colon = password = ""
    if scheme.lower() != "basic" or not colon:
        raise OAuthError(400, "invalid_request", "invalid authorization header value format")
    return unquote_plus(user), unquote_plus(password)


def _verifier_holds(verifier: str | None, challenge: str | None) -> bool:
    """RFC 7636 section 4.6 with S256; a verifier without a challenge is as wrong as the reverse."""
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(digest, challenge)
