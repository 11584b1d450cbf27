"""The rows of the bench, in the order in which they are measured: a module each, and a line here."""

from __future__ import annotations

from bench.row import Row
from bench.rows import (
    forward_auth,
    latency,
    many_sessions,
    sign_in,
    small_page,
    small_page_apache,
    store_requests,
    transfers,
    websockets,
)

ROWS: tuple[Row, ...] = (
    small_page.ROW,
    small_page_apache.ROW,
    latency.ROW,
    forward_auth.ROW,
    transfers.ROW,
    websockets.ROW,
    sign_in.ROW,
    store_requests.ROW,
    many_sessions.ROW,
)
