"""Adapter: one exchange with an upstream, streamed both ways.

The order of things is here: when a request is sent, sent again, answered, cut. Connections come from
`pool`, `outgoing` sends the request, `answer` reads what comes back, `relay` writes it to the browser, and
`tunnel` takes over when the connection is upgraded.
"""

from __future__ import annotations

import ssl

from aiohttp import web

from gateway.errors import Fault, ForbiddenError, GatewayError, UpstreamBusyError, UpstreamError
from gateway.proxy.answer import SWITCHING_PROTOCOLS, Head
from gateway.proxy.clock import NEVER, Wait
from gateway.proxy.connection import Connection
from gateway.proxy.fields import OwnCookies
from gateway.proxy.framing import Framing, agreed_upgrade
from gateway.proxy.limits import Limits
from gateway.proxy.outgoing import Outgoing
from gateway.proxy.pool import Pool
from gateway.proxy.relay import BrowserLeftError, Parting, Relay, RelayedAnswer
from gateway.proxy.rules import AS_SENT, AnswerRules
from gateway.proxy.streams import Streams
from gateway.proxy.target import UpstreamAddress
from gateway.proxy.tunnel import Tunnel
from gateway.proxy.websocket import CloseCode


class Upstream:
    """One application behind the gateway.

    Args:
        addresses: where it listens; several are asked in turn, with the base path of the first.
        limits: how long it may take, and how much may be asked at once.
        tls: how to speak TLS to it; None trusts the system's authorities.
        server_name: the name that its certificate must show, when that is not the address's host.
        rules: what becomes of the fields of its answers.
        streams: the register of what is open for long, shared by all upstreams.
    """

    def __init__(
        self,
        *addresses: UpstreamAddress,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        rules: AnswerRules = AS_SENT,
        streams: Streams | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._pool = Pool(addresses, limits=self._limits, tls=tls, server_name=server_name)
        self._base = addresses[0].base
        self._rules = rules
        self._streams = Streams() if streams is None else streams
        self._tunnels = 0

    async def forward(
        self,
        request: web.BaseRequest,
        *,
        framing: Framing,
        target: str,
        fields: list[tuple[bytes, bytes]],
        own_cookies: OwnCookies,
        private: bool,
        session: str | None = None,
        body: bytes | None = None,
        parting: Parting = Parting.RELAYED,
    ) -> RelayedAnswer:
        """Send the request up and the answer down. An upgrade leaves a tunnel, which lives on its own.

        Args:
            request: the browser's request, none of its body read.
            framing: what `framing.check_request` made of it.
            target: what `target.read_target` made of its target.
            fields: what `fields.request_fields` made of its fields.
            own_cookies: the gateway's cookies, which the answer cannot set.
            private: whether the answer is made for a signed-in person.
            session: the id under which `Streams.cut` finds what is open for long; None for nobody's.
            body: what to send in place of the browser's body, which was read; `framing` says its length.
            parting: what becomes of an answer that ends the person's session.

        Returns:
            An answer that was sent already. If it was cut short, its `error` says why.

        Raises:
            UpstreamError: the upstream was not reached, was too slow or answered something that is not HTTP;
                also its kinds for busy and slow. Nothing of an answer was sent to the browser then.
            RequestError: the body of the request is malformed or too slow. The same.
            AnswerWithheldError: the answer is withheld, as `parting` asks. The same.
        """
        if framing.upgrade is not None and self._tunnels >= self._limits.tunnels:
            raise UpstreamBusyError(Fault.UPSTREAM_BUSY, tunnels=self._tunnels)
        relay = Relay(request, own_cookies=own_cookies, private=private, rules=self._rules, parting=parting)
        outgoing = Outgoing(request, framing, target if target == "*" else self._base + target, fields, body)
        try:
            octets = await self._exchange(outgoing, relay, session)
            if octets:
                # Whole, so that its connection serves others while this browser reads.
                relay.send(octets)
                if relay.full:
                    await relay.drained(self._limits.idle)
        except BrowserLeftError:
            relay.abort()
        except GatewayError as error:
            if not relay.started and request.protocol.connected:
                raise
            relay.abort(error)
        return relay.answer()

    @property
    def tunnels(self) -> int:
        """How many tunnels are open."""
        return self._tunnels

    @property
    def connections(self) -> int:
        """How many connections are open, those of tunnels apart."""
        return len(self._pool)

    async def probe(self) -> None:
        """Reach the upstream, without asking it anything.

        Raises:
            UpstreamError: no address could be reached.
        """
        connection = await self._pool.open()
        connection.close()

    async def close(self) -> None:
        """Close every connection; exchanges under way fail. Tunnels are cut through `Streams`."""
        await self._pool.close()

    async def _exchange(self, outgoing: Outgoing, relay: Relay, session: str | None) -> bytes:
        """Ask, and answer the browser; an answer that is whole at once is left to the caller to send."""
        pool, limits = self._pool, self._limits
        connection = pool.take(surely_alive=not outgoing.repeatable) or await pool.acquire()
        try:
            try:
                head = await outgoing.send(connection, limits)
            except UpstreamError:
                if not (outgoing.repeatable and connection.stale):
                    raise
                pool.release(connection)
                connection = await pool.open()
                head = await outgoing.send(connection, limits)
            relay.check(head)
            if connection.reader.complete and head.status != SWITCHING_PROTOCOLS:
                return relay.whole(head, connection.take(), uploaded=connection.sent)
            if connection.error is not None:
                raise connection.error
            if head.status == SWITCHING_PROTOCOLS:
                self._tunnel(connection, outgoing, relay, head, session)
            else:
                await self._stream(connection, relay, head, session)
            return b""
        finally:
            if not outgoing.at_hand:
                await outgoing.stop()
            pool.release(connection)

    async def _stream(self, connection: Connection, relay: Relay, head: Head, session: str | None) -> None:
        """Send the answer down as it comes, no faster than the browser reads."""

        def cut(_: CloseCode) -> None:
            connection.fail(ForbiddenError(Fault.REQUEST_CUT))
            relay.abort()

        idle = self._limits.quiet if _is_event_stream(head) else self._limits.idle
        ended = self._streams.hold(session, cut)
        try:
            relay.send(relay.head(head) + relay.body(connection.take(), last=False))
            last = False
            while not last:
                if relay.full:
                    connection.clock.expect_within(NEVER, Wait.BODY)
                    await relay.drained(self._limits.idle)
                connection.clock.expect_within(idle, Wait.BODY)
                data = await connection.read()
                last = connection.reader.complete
                if last and not connection.sent:
                    relay.keep_alive = False
                relay.send(relay.body(data, last=last))
        finally:
            ended()

    def _tunnel(
        self, connection: Connection, outgoing: Outgoing, relay: Relay, head: Head, session: str | None
    ) -> None:
        """Make a tunnel of an upgraded connection; it ends when a side does, or its session."""
        protocol = agreed_upgrade(outgoing.framing, head.fields)
        if protocol is None:
            raise UpstreamError(Fault.UPSTREAM_MALFORMED, why="upgrade to a protocol that was not offered")

        def ended() -> None:
            self._tunnels -= 1
            forget()

        browser, early = relay.upgrade(head, protocol)
        rest = connection.reader.rest
        upstream = connection.hand_over()
        self._pool.forget(connection)
        websocket = protocol.lower() == b"websocket"
        tunnel = Tunnel(quiet=self._limits.quiet, websocket=websocket, ended=ended)
        forget = self._streams.hold(session, tunnel.cut)
        self._tunnels += 1
        tunnel.start(browser, upstream, early=early, rest=rest)


def _is_event_stream(head: Head) -> bool:
    return any(
        name.lower() == b"content-type" and value.lower().startswith(b"text/event-stream")
        for name, value in head.fields
    )
