"""The small endpoints of the gateway's own: who am I, the pages' assets, and a method that is not served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from aiohttp import web

from gateway.access.identity import PROTOCOL_CLAIMS
from gateway.errors import Fault, MethodNotAllowedError, NotFoundError
from gateway.sessions.current import current_session
from gateway.sessions.session import SignedIn
from gateway.web.answers import OWN_ANSWER_FIELDS, Answers
from gateway.web.assets import Asset
from gateway.web.site import Sites

_KEPT_FOR_EVER: Final = "public, max-age=31536000, immutable"  # an asset's name changes with its content

_KEPT_A_WHILE: Final = "public, max-age=600"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoAmI:
    """The person's own session, without any token."""

    sites: Sites
    answers: Answers

    async def handle(self, request: web.Request) -> web.Response:
        """The claims and times of this browser's session as JSON; 401 without one."""
        site = self.sites.read(request).site
        session = await current_session(request)
        if not isinstance(session, SignedIn):
            return self.answers.problem(
                request,
                status=web.HTTPUnauthorized.status_code,
                kind="not-signed-in",
                fields={"WWW-Authenticate": site.challenge},
            )
        return web.json_response(
            {
                "claims": {n: v for n, v in session.claims.items() if n not in PROTOCOL_CLAIMS},
                "provider": session.provider,
                "signed_in_at": session.signed_in_at,
            },
            headers=OWN_ANSWER_FIELDS,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeysDocument:
    """The public keys of the client that signs in the people of the application at this host."""

    sites: Sites

    async def handle(self, request: web.Request) -> web.Response:
        """A JWK Set (RFC 7517 section 5), for the provider to read.

        Raises:
            NotFoundError: the client proves itself otherwise.
        """
        published = self.sites.read(request).site.provider.published_keys()
        if not published["keys"]:
            raise NotFoundError(Fault.NOT_FOUND)
        return web.Response(
            body=json.dumps(published).encode(),
            headers={
                **OWN_ANSWER_FIELDS,
                "Content-Type": "application/jwk-set+json",
                "Cache-Control": _KEPT_A_WHILE,
            },
        )


@dataclass(frozen=True, slots=True)
class Assets:
    """Style and images of the pages, from a fixed map: no path of a request is ever opened."""

    by_name: Mapping[str, Asset]

    async def handle(self, request: web.Request) -> web.Response:
        """One asset.

        Raises:
            NotFoundError: there is none of that name.
        """
        asset = self.by_name.get(request.match_info["name"])
        if asset is None:
            raise NotFoundError(Fault.NOT_FOUND)
        return web.Response(
            body=asset.content,
            headers={
                **OWN_ANSWER_FIELDS,
                "Content-Type": asset.content_type,
                "Cache-Control": _KEPT_FOR_EVER,
            },
        )


@dataclass(frozen=True, slots=True)
class OtherMethod:
    """One of the gateway's own paths, asked with a method that it does not have (RFC 9110 section 15.5.6)."""

    allow: str

    async def handle(self, request: web.Request) -> NoReturn:
        """Refuse.

        Raises:
            MethodNotAllowedError: always.
        """
        del request
        raise MethodNotAllowedError(Fault.METHOD_NOT_ALLOWED, allow=self.allow)
