"""Which sessions are refreshed, at whom, and what is told of those that end by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from gateway.errors import GatewayError, SessionRefusedError
from gateway.observe.audit import Audit, Event, fault, person
from gateway.oidc.provider import Provider
from gateway.sessions.refreshing import Refreshing
from gateway.sessions.session import SignedIn
from gateway.sessions.store import RecordStore
from gateway.sessions.writer import Writer
from gateway.web.site import Sites


def refreshing_of(
    writer: Writer,
    *,
    records: RecordStore,
    providers: Mapping[str, Provider],
    sites: Sites,
    audit: Audit,
    report: Callable[[GatewayError], object],
    clock: Callable[[], int],
) -> Refreshing:
    """The sessions of those providers that the settings want to be asked.

    Args:
        writer: writes sessions.
        records: where sessions are.
        providers: by their names.
        sites: every application.
        audit: told of each session that ends.
        report: told of what was not answered or not written.
        clock: Unix seconds.
    """

    def refused(session: SignedIn, error: SessionRefusedError) -> None:
        site = sites.by_host.get(session.host)
        said: dict[str, object] = {**person(session), **fault(error)}
        audit.record(
            Event.SESSION_ENDED,
            request_id=None,
            app=site.app.name if site else None,
            provider=session.provider,
            why="refresh",
            **said,
        )

    return Refreshing(
        records=records,
        writer=writer,
        providers={name: provider for name, provider in providers.items() if provider.refreshes},
        refused=refused,
        report=report,
        clock=clock,
        monotonic=time.monotonic,
    )
