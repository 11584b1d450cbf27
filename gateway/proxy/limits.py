"""How long an upstream may take, and how much of it may be asked at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one upstream. Times are seconds.

    Args:
        connect: to open a connection, its TLS handshake included.
        first_byte: from the end of the request to the head of the answer.
        idle: without an octet, inside a body, in either direction.
        quiet: without an octet, in a tunnel or an event stream.
        total: for a whole exchange; None for no bound. A tunnel is not an exchange.
        keep_alive: for which an idle connection is kept.
        wait: for a free connection.
        set_aside: for which an address that could not be reached is asked last.
        connections: open at once, to all addresses together.
        waiting: requests waiting for a connection at once.
        tunnels: open at once; they are not among the connections.
    """

    connect: float = 5
    first_byte: float = 60
    idle: float = 60
    quiet: float = 3600
    total: float | None = None
    keep_alive: float = 30
    wait: float = 10
    set_aside: float = 10
    connections: int = 256
    waiting: int = 1024
    tunnels: int = 8192
