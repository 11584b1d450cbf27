"""Adapter: one exchange with an upstream, streamed both ways.

The order of things is here: when a request is sent, sent again, answered, cut. Connections come from `pool`,
`outgoing` sends the request, `answer` reads what comes back, and `relay` writes it to the browser.
"""

from __future__ import annotations

import ssl

from aiohttp import web

from gateway.errors import GatewayError, UpstreamError
from gateway.proxy.answer import Head
from gateway.proxy.connection import NEVER, Connection, Wait
from gateway.proxy.fields import OwnCookies
from gateway.proxy.framing import Framing
from gateway.proxy.limits import Limits
from gateway.proxy.outgoing import Outgoing
from gateway.proxy.pool import Pool
from gateway.proxy.relay import BrowserLeftError, Relay, RelayedAnswer
from gateway.proxy.target import UpstreamAddress


class Upstream:
    """One application behind the gateway.

    Args:
        addresses: where it listens; several are asked in turn, with the base path of the first.
        limits: how long it may take, and how much may be asked at once.
        tls: how to speak TLS to it; None trusts the system's authorities.
        server_name: the name that its certificate must show, when that is not the address's host.
    """

    def __init__(
        self,
        *addresses: UpstreamAddress,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._pool = Pool(addresses, limits=self._limits, tls=tls, server_name=server_name)
        self._base = addresses[0].base

    async def forward(
        self,
        request: web.BaseRequest,
        *,
        framing: Framing,
        target: str,
        fields: list[tuple[bytes, bytes]],
        own_cookies: OwnCookies,
        private: bool,
    ) -> RelayedAnswer:
        """Send the request up and the answer down.

        Args:
            request: the browser's request, none of its body read.
            framing: what `framing.check_request` made of it.
            target: what `target.read_target` made of its target.
            fields: what `fields.request_fields` made of its fields.
            own_cookies: the gateway's cookies, which the answer cannot set.
            private: whether the answer is made for a signed-in person.

        Returns:
            An answer that was sent already. If it was cut short, its `error` says why.

        Raises:
            UpstreamError: the upstream was not reached, was too slow or answered something that is not HTTP;
                also its kinds for busy and slow. Nothing of an answer was sent to the browser then.
            RequestError: the body of the request is malformed or too slow. The same.
        """
        relay = Relay(request)
        outgoing = Outgoing(request, framing, target if target == "*" else self._base + target, fields)
        pool = self._pool
        connection = pool.take(surely_alive=not outgoing.repeatable) or await pool.acquire()
        try:
            try:
                await outgoing.start(connection, self._limits)
                head = await connection.answered()
            except UpstreamError:
                if not (outgoing.repeatable and connection.stale and request.protocol.connected):
                    raise
                pool.release(connection)
                connection = await pool.open()
                await outgoing.start(connection, self._limits)
                head = await connection.answered()
            whole = connection.reader.complete
            if whole and not connection.sent:
                # An early answer: nobody will read the rest of the body.
                relay.keep_alive = False
            octets = relay.head(head, own_cookies=own_cookies, private=private)
            octets += relay.body(connection.take(), last=whole)
            if not whole:
                await self._stream(connection, relay, head, octets)
                return relay.answer()
        except BrowserLeftError:
            relay.abort()
            return relay.answer()
        except GatewayError as error:
            if not relay.started:
                raise
            relay.abort()
            return relay.answer(error)
        finally:
            await outgoing.stop()
            pool.release(connection)
        # The connection serves others already while this browser reads.
        try:
            relay.send(octets)
            if relay.full:
                await relay.drained(self._limits.idle)
        except BrowserLeftError:
            relay.abort()
        return relay.answer()

    async def probe(self) -> None:
        """Reach the upstream, without asking it anything.

        Raises:
            UpstreamError: no address could be reached.
        """
        connection = await self._pool.open()
        connection.close()

    async def close(self) -> None:
        """Close every connection; exchanges under way fail."""
        await self._pool.close()

    async def _stream(self, connection: Connection, relay: Relay, head: Head, octets: bytes) -> None:
        """Send the answer down as it comes, no faster than the browser reads."""
        idle = self._limits.idle
        while True:
            relay.send(octets)
            if relay.full:
                connection.expect_within(NEVER, Wait.BODY)
                await relay.drained(idle)
            connection.expect_within(idle, Wait.BODY)
            data = await connection.read()
            last = connection.reader.complete
            octets = relay.body(data, last=last)
            if last:
                break
        if not connection.sent:
            relay.keep_alive = False
        relay.send(octets)
        if relay.full:
            await relay.drained(idle)
