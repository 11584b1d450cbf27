"""What a client may ask of the look-alike provider at `/authorize`, and how a wrong request is answered.

ProConnect refuses in two ways: a page of its own when the request's form or its sender is in doubt, and an
error response at the client's redirect URI for the rest. Nothing here answers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from multidict import MultiMapping

from gateway.demo.people import ACR_VALUES, SCOPE_CLAIMS

URL = re.compile(r"https?://[^/].+")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NONCE = re.compile(r"[\x20-\x7e]{1,512}")
CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_.~-]{43,128}")
SIRET_LENGTH = 14
PROMPTS = frozenset({"none", "login", "consent"})
FRONT_CHANNEL_TYPES = frozenset({"id_token", "token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A client as ProConnect's portal registers it.

    Args:
        redirect_uris: compared as exact strings.
        post_logout_redirect_uris: compared as exact strings.
        id_token_signed_response_alg: RS256, ES256 or HS256.
        userinfo_signed_response_alg: the same three, or None for plain JSON.
        scopes: what the client may ask for.
        type: `public` accepts public agents only, `private` the private sector too.
        name: what people read on the provider's page.
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    id_token_signed_response_alg: str = "RS256"  # noqa: S105 - no secret
    userinfo_signed_response_alg: str | None = "RS256"
    scopes: tuple[str, ...] = tuple(SCOPE_CLAIMS)
    type: Literal["public", "private"] = "public"
    name: str = "Gestion des dossiers"


class RenderedError(Exception):
    """The request ends on a page of the provider; the browser is not sent back.

    Args:
        code: ProConnect's own, such as `Y000400`; it finds the sentences of the page.
        detail: what exactly is wrong, for a developer.
        status: of the page.
    """

    def __init__(self, code: str, detail: str = "", *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.status = status


class RedirectedError(Exception):
    """The request ends with an error response (RFC 6749 section 4.1.2.1) at the client's redirect URI."""

    def __init__(self, params: Mapping[str, str], error: str, description: str, **more: str) -> None:
        super().__init__(error)
        self.redirect_uri = params["redirect_uri"]
        self.response = {"error": error, "error_description": description, **more, "state": params["state"]}
        front_channel = not FRONT_CHANNEL_TYPES.isdisjoint(params.get("response_type", "").split(" "))
        self.separator = "#" if front_channel else "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A request that passed every check; `scope` holds known and granted names only."""

    client: Registration
    redirect_uri: str
    state: str
    scope: tuple[str, ...]
    nonce: str | None
    code_challenge: str | None
    silent: bool
    login_hint: str | None
    idp_hint: str | None
    id_token_claims: Mapping[str, Any]
    userinfo_claims: Mapping[str, Any]

    @property
    def required_acrs(self) -> frozenset[str] | None:
        """The `acr` values of which one must hold, unsupported ones left out; None when any level will do."""
        match self.id_token_claims.get("acr"):
            case {"essential": True, "values": list(values)}:
                return frozenset(ACR_VALUES).intersection(str(value) for value in values)
            case {"essential": True, "value": str(value)}:
                return frozenset(ACR_VALUES).intersection([value])
            case _:
                return None

    def satisfied_by(self, acr: str) -> bool:
        """Tell whether `acr` is among the required ones: membership only, no order among levels."""
        return self.required_acrs is None or acr in self.required_acrs


def single(params: MultiMapping[str]) -> dict[str, str]:
    """Parameters by name, the empty ones left out as if absent.

    Raises:
        RenderedError: a name came twice.
    """
    repeated = [name for name, count in Counter(params.keys()).items() if count > 1]
    if repeated:
        raise RenderedError("Y000400", f"{', '.join(repeated)} must not be provided twice")
    return {name: value for name, value in params.items() if value}


def read_authorization_request(
    params: Mapping[str, str], *, clients: Mapping[str, Registration], idp_ids: frozenset[str]
) -> AuthorizationRequest:
    """Check an authorization request as ProConnect does (OpenID Connect Core 1.0 section 3.1.2.2).

    Raises:
        RenderedError: it must not be answered at a redirect URI.
        RedirectedError: it is answered there with an error.
    """
    client = _check_sender(params, clients)
    _check_response(params)
    silent = _check_prompt(params)
    scope = _check_scope(params, client)
    _check_pkce(params)
    claims = _check_claims(params)
    if params.get("idp_hint") not in {None, *idp_ids}:
        raise RedirectedError(params, "idp_hint_not_found", "provided idp_hint could not be found")
    id_token_claims = dict(claims.get("id_token", {}))
    if "acr_values" in params:
        id_token_claims.setdefault("acr", None)
    return AuthorizationRequest(
        client=client,
        redirect_uri=params["redirect_uri"],
        state=params["state"],
        scope=scope,
        nonce=params.get("nonce"),
        code_challenge=params.get("code_challenge"),
        silent=silent,
        login_hint=params.get("login_hint"),
        idp_hint=params.get("idp_hint"),
        id_token_claims=id_token_claims,
        userinfo_claims=claims.get("userinfo", {}),
    )


def response_url(uri: str, response: Mapping[str, str], *, separator: str = "?") -> str:
    """`uri` with the response's parameters added, a space as %20 (RFC 6749 section 4.1.2)."""
    joint = "&" if separator == "?" and "?" in uri else separator
    return f"{uri}{joint}{urlencode(response, quote_via=quote)}"


def _check_sender(params: Mapping[str, str], clients: Mapping[str, Registration]) -> Registration:
    well_formed = {
        "client_id": "client_id" in params,
        "redirect_uri": bool(URL.fullmatch(params.get("redirect_uri", ""))),
        "state": "state" in params,
        "scope": "scope" in params,
        "nonce": "nonce" not in params or bool(NONCE.fullmatch(params["nonce"])),
        "login_hint": "login_hint" not in params or bool(EMAIL.fullmatch(params["login_hint"])),
        "siret_hint": "siret_hint" not in params or len(params["siret_hint"]) == SIRET_LENGTH,
    }
    wrong = [name for name, right in well_formed.items() if not right]
    if wrong:
        raise RenderedError("Y000400", f"missing or malformed: {', '.join(wrong)}")
    client = clients.get(params["client_id"])
    if client is None:
        raise RenderedError("oidc-provider-rendered-error:invalid_client", "client is invalid")
    if params["redirect_uri"] not in client.redirect_uris:
        detail = "redirect_uri did not match any of the client's registered redirect_uris"
        raise RenderedError("oidc-provider-rendered-error:invalid_redirect_uri", detail)
    return client


def _check_response(params: Mapping[str, str]) -> None:
    if "request" in params:
        raise RedirectedError(params, "request_not_supported", "request parameter provided but not supported")
    if "response_type" not in params:
        raise _invalid(params, "missing required parameter 'response_type'")
    if params["response_type"] != "code":
        raise RedirectedError(params, "unsupported_response_type", "unsupported response_type requested")
    if params.get("response_mode", "query") != "query":
        # ProConnect would apply the two other modes; no client of a look-alike has a use for them.
        raise RedirectedError(params, "unsupported_response_mode", "unsupported response_mode requested")


def _check_prompt(params: Mapping[str, str]) -> bool:
    """Whether nothing may be shown. `login` and `consent` change nothing, as at ProConnect."""
    prompts = frozenset(params.get("prompt", "").split())
    if not prompts <= PROMPTS:
        raise _invalid(params, "unsupported prompt value requested")
    if "none" in prompts and len(prompts) > 1:
        raise _invalid(params, "prompt none must only be used alone")
    return "none" in prompts


def _check_scope(params: Mapping[str, str], client: Registration) -> tuple[str, ...]:
    """The scopes asked for that exist, in their order; one of them not granted ends the request."""
    scope = tuple(name for name in dict.fromkeys(params["scope"].split()) if name in SCOPE_CLAIMS)
    if "openid" not in scope:
        raise _invalid(params, "openid scope must be requested")
    refused = [name for name in scope if name not in client.scopes]
    if refused:
        raise RedirectedError(params, "invalid_scope", "requested scope is not allowed", scope=refused[0])
    return scope


def _check_pkce(params: Mapping[str, str]) -> None:
    """RFC 7636 section 4.4.1, with S256 as the only method."""
    challenge, method = params.get("code_challenge"), params.get("code_challenge_method")
    if method not in {None, "S256"}:
        raise _invalid(params, "not supported value of code_challenge_method")
    if challenge is None and method is not None:
        raise _invalid(params, "code_challenge must be provided with code_challenge_method")
    if challenge is not None and method is None:
        raise _invalid(params, "plain code_challenge_method fallback disabled")
    if challenge is not None and not CODE_CHALLENGE.fullmatch(challenge):
        raise _invalid(params, "code_challenge must be 43 to 128 of A-Z a-z 0-9 - . _ ~")


def _check_claims(params: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The `claims` parameter (OpenID Connect Core 1.0 section 5.5), and `max_age`, which changes nothing."""
    if not re.fullmatch(r"\d*", params.get("max_age", "")):
        raise _invalid(params, "invalid max_age parameter value")
    if "claims" not in params:
        return {}
    try:
        claims = json.loads(params["claims"])
    except ValueError:
        raise _invalid(params, "could not parse the claims parameter JSON") from None
    if not isinstance(claims, dict):
        raise _invalid(params, "claims parameter should be a JSON object")
    if not claims.keys() & {"id_token", "userinfo"}:
        raise _invalid(params, "claims parameter should have userinfo or id_token properties")
    for name in ("id_token", "userinfo"):
        if not isinstance(claims.get(name, {}), dict):
            raise _invalid(params, f"claims.{name} should be an object")
    return claims


def _invalid(params: Mapping[str, str], description: str) -> RedirectedError:
    return RedirectedError(params, "invalid_request", description)
