"""What is told of in the log and the audit, although no request asked for it."""

from __future__ import annotations

from typing import Any

import structlog
from aiohttp import web

from gateway.errors import GatewayError, StoreError
from gateway.observe.audit import Audit, Event
from gateway.observe.metrics import Metric, Tally
from gateway.oidc.known import AWAY, ProviderHealth
from gateway.web.notes import NOTES

log = structlog.get_logger("gateway")


def not_renewed(tally: Tally, error: StoreError) -> None:
    """A session's time could not be written down; it goes on."""
    tally.count(Metric.STORE_ERRORS)
    log.warning("session not renewed", **said(error))


def unopened_record(audit: Audit, request: web.Request, session: str) -> None:
    """A record in the store does not open: nobody is signed in by it."""
    notes = request[NOTES]
    audit.record(
        Event.RECORD_REFUSED,
        request_id=notes.request_id,
        app=notes.app,
        client=notes.client,
        session=session,
    )


def provider_health(audit: Audit, name: str, health: ProviderHealth) -> None:
    """How things stand with a provider has changed."""
    if health.fault is None:
        log.info("provider ready", provider=name)
    elif health.fault in AWAY:
        log.warning("provider away", provider=name, fault=health.fault.value, facts=dict(health.facts))
    else:
        audit.record(Event.METADATA_REFUSED, provider=name, fault=health.fault, facts=dict(health.facts))


def store_health(error: StoreError | None) -> None:
    """The store has begun to answer, or ceased to."""
    if error is None:
        log.info("store ready")
    else:
        log.warning("store away", **said(error))


def said(error: GatewayError) -> dict[str, Any]:
    """An error as the fields of a line of the log."""
    return {"fault": error.fault.value, "facts": error.facts}
