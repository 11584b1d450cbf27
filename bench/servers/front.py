"""A server that stands before an application: its address, its processes, and somebody's cookie for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.processes import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A running front.

    Args:
        name: what the tables call it.
        port: on 127.0.0.1.
        pid: of its first process; others descend from it.
        closes: whether it may close a connection on which a request is under way; wrk asks again then.
        cookie: the Cookie field of somebody who is signed in, or nothing where nobody need be.
    """

    name: str
    port: int
    pid: int
    closes: bool = False
    cookie: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://{LOOPBACK}:{self.port}"

    def head(self, request_line: str, *fields: str) -> bytes:
        """The head of a request as HTTP/1.1 writes it, the cookie within.

        Args:
            request_line: method, target and version.
            fields: further lines.
        """
        cookie = (f"Cookie: {self.cookie}",) if self.cookie else ()
        lines = (request_line, f"Host: {LOOPBACK}:{self.port}", *cookie, *fields, "", "")
        return "\r\n".join(lines).encode("ascii")
