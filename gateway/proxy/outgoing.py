"""Adapter: one browser's request, sent up: its head, and its body as it comes.

What the upstream answers meanwhile is not read here; a failure of the upload fails the exchange's
connection, and so reaches whoever waits for the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from aiohttp import web

from gateway.errors import Fault, GatewayError, RequestError, UpstreamError
from gateway.proxy.answer import Head
from gateway.proxy.clock import Wait
from gateway.proxy.connection import Connection
from gateway.proxy.framing import LAST_CHUNK, Framing, chunk, request_head
from gateway.proxy.limits import Limits

IDEMPOTENT: Final = frozenset(  # RFC 9110 section 9.2.2, RFC 4918, RFC 3253, RFC 5323
    {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "REPORT", "SEARCH", "QUERY"}
)

AT_HAND_MAX: Final = 64 * 1024
"""Octets of a body that are sent together with the head, when they are all there already."""

CONTINUE_WITHIN: Final = 1.0
"""Seconds an upstream has to ask for the body; then it gets it unasked (RFC 9110 section 10.1.1)."""


class Outgoing:
    """One request on its way up.

    Args:
        request: the browser's request.
        framing: how its body ends.
        target: the target to ask for.
        fields: its fields, without those that frame it on this connection.
        body: what to send in place of the browser's body, of the length that `framing` says; None for that.

    Attributes:
        at_hand: whether the whole request is here, so that it is sent in one piece.
        repeatable: whether it may be sent again when a connection fails before it answers.
    """

    __slots__ = ("_octets", "_request", "_task", "at_hand", "framing", "repeatable")

    def __init__(
        self,
        request: web.BaseRequest,
        framing: Framing,
        target: str,
        fields: list[tuple[bytes, bytes]],
        body: bytes | None = None,
    ) -> None:
        self._request = request
        self.framing = framing
        self._task: asyncio.Task[None] | None = None
        if framing.length is None:
            fields = [*fields, (b"Transfer-Encoding", b"chunked")]
        if framing.upgrade is not None:
            fields = [*fields, (b"Connection", b"Upgrade"), (b"Upgrade", framing.upgrade)]
        self._octets = request_head(request.method, target, fields)
        self.at_hand = framing.length == 0
        if body is not None:
            self.at_hand = True
            self._octets += body
        if not self.at_hand:
            content = request.content
            if content.is_eof() and content.total_bytes <= AT_HAND_MAX and content.exception() is None:
                self.at_hand = True
                self._octets += self._framed(content.read_nowait()) + (
                    LAST_CHUNK if framing.length is None else b""
                )
        self.repeatable = self.at_hand and request.method in IDEMPOTENT

    def send(self, connection: Connection, limits: Limits) -> Awaitable[Head]:
        """Send what is at hand, let the rest of the body follow, and wait for the head of the answer.

        Returns:
            The head; or an UpstreamError, when the connection fails or what came is no answer; or a
            RequestError, when the body is malformed or too slow.
        """
        asked = connection.ask(
            self._octets,
            head_only=self._request.method == "HEAD",
            upgrade=self.framing.upgrade is not None,
            whole=self.at_hand,
            browser=self._request.protocol,
            limits=limits,
        )
        if not self.at_hand:
            self._task = asyncio.create_task(self._upload(connection, limits))
        return asked

    async def stop(self) -> None:
        """End the upload, and leave the rest of the body to whoever comes."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _upload(self, connection: Connection, limits: Limits) -> None:
        try:
            if not self.framing.expects_continue or await self._wanted(connection):
                await self._send_body(connection, limits)
        except web.RequestPayloadError:
            connection.fail(RequestError(Fault.REQUEST_MALFORMED, why="body"))
        except (OSError, RuntimeError):
            # What aiohttp raises when the browser's connection is gone.
            connection.fail(UpstreamError(Fault.UPSTREAM_UNREACHABLE, why="browser left"))
        except GatewayError:
            pass  # whoever waits for the answer is told

    async def _wanted(self, connection: Connection) -> bool:
        """Have the browser send its body, unless the upstream answers without it."""
        try:
            async with asyncio.timeout(CONTINUE_WITHIN):
                if not await connection.may_continue():
                    return False
        except TimeoutError:
            pass
        transport = self._request.transport
        if transport is not None:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    async def _send_body(self, connection: Connection, limits: Limits) -> None:
        content = self._request.content
        connection.clock.expect_within(limits.idle, Wait.BROWSER)
        while data := await content.readany():
            connection.write(self._framed(data))
            connection.clock.expect_within(limits.idle, Wait.UPLOAD)
            await connection.drained()
            connection.clock.expect_within(limits.idle, Wait.BROWSER)
        if self.framing.length is None:
            connection.write(LAST_CHUNK)
        connection.sent = True
        if connection.reader.head is None:
            connection.clock.expect_within(limits.first_byte, Wait.ANSWER)
        else:
            connection.clock.expect_within(limits.idle, Wait.BODY)

    def _framed(self, data: bytes) -> bytes:
        return chunk(data) if self.framing.length is None and data else data
