"""The decision for a front server that carries the bytes itself: nginx, Traefik, Caddy, HAProxy, Envoy.

It asks here about each request before it sends it on, with `auth_request`, `forwardAuth` or the like. How it
is told to, and what it must do with the answers, stands in docs/forward-auth.md.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, assert_never

from aiohttp import web

from gateway.access.policy import Allow, Deny, SignInRequired, StepUpRequired
from gateway.errors import Fault, ForbiddenError
from gateway.proxy.answer import Head
from gateway.proxy.fields import OwnCookies
from gateway.proxy.relay import BrowserLeftError, Relay
from gateway.proxy.rules import AS_SENT
from gateway.sessions.session import Session
from gateway.web.answers import OWN_ANSWER_FIELDS
from gateway.web.gate import Gate, check_origin, identity_of
from gateway.web.notes import NOTES
from gateway.web.sign_in import SignIn
from gateway.web.site import Site, Sites

_OWN_FIELDS: Final = tuple((name.encode(), value.encode()) for name, value in OWN_ANSWER_FIELDS.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardAuth:
    """Decides about a request that somebody else forwards.

    Args:
        sites: every application.
        gate: decides, and refuses.
        sign_in: says where to sign in.
        own_cookies: the gateway's cookies, which are not the application's to see.
    """

    sites: Sites
    gate: Gate
    sign_in: SignIn
    own_cookies: OwnCookies

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """200 with the fields of whom the application is to be told about; 401 or 403 with the page to show.

        Raises:
            ForbiddenError: it is no trusted proxy that asks; or the browser sent a field that only the
                gateway may write, and that cannot be dropped here.
            RequestError: the front server does not say which request this is about, or that is malformed.
        """
        visit = self.sites.read_original(request)
        forged = next((name for name in request.headers if visit.site.reserved.holds(name)), None)
        if forged is not None:
            raise ForbiddenError(Fault.FIELD_FORGED, field=forged)
        judged = await self.gate.judge(request, visit)
        match judged.decision:
            case Allow(session=session):
                if "Sec-WebSocket-Key" in request.headers:
                    check_origin(request, visit.site)
                return await self._allow(request, visit.site, session)
            case SignInRequired() | StepUpRequired():
                return self.sign_in.point_out(request, visit, judged.decision)
            case Deny():
                return self.gate.refuse(request, visit, judged)
            case other:
                assert_never(other)

    async def _allow(self, request: web.Request, site: Site, session: Session) -> web.StreamResponse:
        """Written as answers of applications are: aiohttp's own would lose octets that are not UTF-8."""
        known = await identity_of(request, site, session)
        names = {name.lower() for name, _ in known}
        fields = [
            *_OWN_FIELDS,
            *known,
            # A front server that copies only what it finds would let the browser's own through.
            *((name, b"") for name in site.identity.usual if name.lower() not in names),
            (b"Cookie", self._others_cookies(request)),
            (b"X-Request-Id", request[NOTES].request_id.encode()),
            (b"Content-Length", b"0"),
        ]
        relay = Relay(request, own_cookies=self.own_cookies, private=False, rules=AS_SENT)
        with suppress(BrowserLeftError):
            relay.send(relay.whole(Head(web.HTTPOk.status_code, b"OK", fields, 0), b"", uploaded=True))
        return relay.answer()

    def _others_cookies(self, request: web.Request) -> bytes:
        """The browser's cookies but for ours, for the front server to send on in place of all."""
        values = (value for name, value in request.raw_headers if name.lower() == b"cookie")
        return b"; ".join(filter(None, map(self.own_cookies.removed_from, values)))
