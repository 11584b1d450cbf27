from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamError
from gateway.proxy.connection import Connection
from gateway.proxy.limits import Limits


class Somebody:
    """A browser that is there."""

    connected = True


async def test_a_connection_that_was_never_made_answers_nobody() -> None:
    connection = Connection(asyncio.get_running_loop(), lambda _: None)
    asked = connection.ask(
        b"", head_only=False, upgrade=False, whole=True, browser=Somebody(), limits=Limits()
    )
    with pytest.raises(UpstreamError):
        await asked
    connection.write(b"nobody reads this")
    with pytest.raises(UpstreamError):
        await connection.drained()
    assert connection.heard_from()
    assert connection.hand_over() is None
    assert not connection.alive
    assert not connection.reusable
