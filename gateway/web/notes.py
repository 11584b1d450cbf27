"""What is noted about one request on its way, for its log line and for the answers made for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web


@dataclass(slots=True)
class Notes:
    """The one mutable value of a request; nothing decides on it.

    Args:
        request_id: in the log, on error pages, and sent to the application as `X-Request-Id`.
        app: the app's name in the settings, once found.
        client: the browser's address, once read through trusted proxies.
        decision: the Reason or Fault that ended the request.
        session: the public id of the session.
    """

    request_id: str
    app: str | None = None
    client: str | None = None
    decision: str | None = None
    session: str | None = None


NOTES: Final = web.RequestKey("notes", Notes)
