"""The way in: the gateway's own paths through aiohttp's router, what comes with each request straight on.

What is forwarded, here or by a front server that asks, needs neither a resolver nor a chain of middlewares.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.sessions.storage import SessionStorage
from gateway.web.forward_auth import ForwardAuth
from gateway.web.gate import Gate
from gateway.web.middlewares import Boundary
from gateway.web.paths import OwnPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Chooses who answers a request.

    Args:
        paths: the gateway's own paths.
        boundary: surrounds the gate as the middleware of the same name surrounds every other handler.
        gate: answers what is not the gateway's own.
        forward_auth: answers front servers.
        storage: finds the sessions.
        own: aiohttp's application, which answers everything else.
    """

    paths: OwnPaths
    boundary: Boundary
    gate: Gate
    forward_auth: ForwardAuth
    storage: SessionStorage
    own: Handler

    def handle(self, request: web.Request) -> Awaitable[web.StreamResponse]:
        """Answer a request.

        A target that is no path goes to the router, such as that of CONNECT (RFC 9112 section 3.2.3), and so
        does what begins as our own paths do. Whatever else a server might take for one of them, `Gate.judge`
        finds.
        """
        target = request.raw_path
        if target == self.paths.forward_auth:
            handler: Handler = self.forward_auth.handle
        elif (
            target.startswith(self.paths.prefix)
            or not target.startswith("/")
            or request.method == hdrs.METH_CONNECT
        ):
            return self.own(request)
        else:
            handler = self.gate.handle
        self.storage.attend(request)
        return self.boundary.around(request, handler)
