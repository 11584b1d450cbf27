"""Where a provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).

The provider asks, not a browser: no cookie counts, and the answer is for a program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.errors import Fault, GatewayError, NotFoundError, ProviderError, RequestError, StoreError
from gateway.observe.audit import Audit, Event, fault, listed
from gateway.oidc.logout_token import LogoutToken
from gateway.oidc.provider import Provider
from gateway.secret import Secret
from gateway.sessions.directory import Directory
from gateway.sessions.store import RecordStore
from gateway.sessions.summary import By, Summary
from gateway.web.answers import OWN_ANSWER_FIELDS
from gateway.web.forms import read_form
from gateway.web.notes import NOTES
from gateway.web.site import Sites, Visit

_LONGEST: Final = 1 << 18  # octets: the longest token, and what else a provider may add
_MOST_PARAMETERS: Final = 20
_USED: Final = "gateway:logout:"
_WHY: Final = "backchannel-logout"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelLogout:
    """Ends the sessions that a logout token names, of the provider that signed it and of no other.

    Args:
        sites: every application; the one asked names the provider.
        directory: finds and ends sessions.
        records: remembers which tokens were used.
        audit: told of each session that ends, and of each token that is refused.
        clock: Unix seconds.
    """

    sites: Sites
    directory: Directory
    records: RecordStore
    audit: Audit
    clock: Callable[[], int]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer 200 when the sessions have ended, also when there were none (section 2.8); else 400.

        Raises:
            NotFoundError: the settings have it that this provider sends no logout tokens.
        """
        visit = self.sites.read(request)
        if not visit.site.backchannel_logout:
            raise NotFoundError(Fault.NOT_FOUND)
        provider = visit.site.provider
        try:
            token = await provider.check_logout_token(await _token(request))
            ended = await self._end(provider, token)
        except GatewayError as error:
            return self._refuse(request, visit, error)
        for summary in ended:
            self.audit.record(
                Event.SESSION_ENDED,
                request_id=request[NOTES].request_id,
                provider=provider.name,
                client=visit.asked.client,
                why=_WHY,
                **listed(summary),
            )
        request[NOTES].decision = _WHY
        return web.Response(headers=OWN_ANSWER_FIELDS)

    async def _end(self, provider: Provider, token: LogoutToken) -> list[Summary]:
        used = _used_key(provider, token)
        if not await self.records.claim(used, lifetime=max(1, token.ends - self.clock())):
            raise ProviderError(Fault.LOGOUT_CLAIMS, claim="jti", why="used before")
        try:
            found = await self._found(provider, token)
            for key, _ in found:
                await self.directory.end(key)
        except StoreError:
            # Nobody is told that it worked, so the provider may come back with the same token.
            with suppress(StoreError):
                await self.records.delete(used)
            raise
        return [summary for _, summary in found]

    async def _found(self, provider: Provider, token: LogoutToken) -> list[tuple[str, Summary]]:
        """The sessions meant (section 2.7): that of `sid`, or all of `sub`; with both, that of both."""
        by, value = (By.SUB, token.sub) if token.sid is None else (By.SID, token.sid)
        return [
            (key, summary)
            async for key, summary in self.directory.find(by, value or "")
            if summary.provider == provider.name and token.sub in {None, summary.sub}
        ]

    def _refuse(self, request: web.Request, visit: Visit, error: GatewayError) -> web.Response:
        """400, whatever went wrong (section 2.8); the log has the details."""
        self.audit.record(
            Event.LOGOUT_REFUSED,
            request_id=request[NOTES].request_id,
            app=visit.site.app.name,
            provider=visit.site.provider.name,
            client=visit.asked.client,
            **fault(error),
        )
        request[NOTES].decision = error.fault.value
        said = {"error": "invalid_request", "error_description": error.fault.value}
        return web.Response(
            status=web.HTTPBadRequest.status_code,
            text=json.dumps(said),
            content_type="application/json",
            headers=OWN_ANSWER_FIELDS,
        )


async def _token(request: web.Request) -> Secret:
    """The one logout token of the form (section 2.5).

    Raises:
        RequestError: logout-malformed.
    """
    form = await read_form(
        request, longest=_LONGEST, parameters=_MOST_PARAMETERS, fault=Fault.LOGOUT_MALFORMED
    )
    tokens = [value for name, value in form if name == "logout_token"]
    if len(tokens) != 1:
        raise RequestError(Fault.LOGOUT_MALFORMED, why="not one logout_token", tokens=len(tokens))
    return Secret(tokens[0])


def _used_key(provider: Provider, token: LogoutToken) -> str:
    named = f"{provider.issuer}\0{token.jti}"
    return _USED + hashlib.sha256(named.encode()).hexdigest()
