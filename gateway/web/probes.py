"""The second address: is the gateway alive, is it ready to serve, and what it has counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from gateway.errors import GatewayError
from gateway.observe.exposition import Exposition
from gateway.oidc.provider import Provider
from gateway.sessions.store import RecordStore

_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """For orchestrators and load balancers.

    Args:
        records: the session store.
        providers: each provider by its name in the settings.
        exposition: the numbers of all workers.
    """

    records: RecordStore
    providers: Mapping[str, Provider]
    exposition: Exposition

    async def alive(self, request: web.Request) -> web.Response:
        """The process answers."""
        del request
        return web.json_response({"alive": True}, headers=_NO_STORE)

    async def metrics(self, request: web.Request) -> web.Response:
        """The numbers of all workers, as Prometheus or OpenMetrics text."""
        text, media_type = self.exposition.text(request.headers.get("Accept"))
        return web.Response(body=text, headers={"Content-Type": media_type, **_NO_STORE})

    async def ready(self, request: web.Request) -> web.Response:
        """The store answers, each provider's metadata and keys are known; 503 and the reasons otherwise."""
        del request
        faults = {
            f"providers.{name}": health.fault.value
            for name, provider in self.providers.items()
            if not (health := provider.health()).ready and health.fault is not None
        }
        try:
            await self.records.ping()
        except GatewayError as error:
            faults["sessions.store"] = f"{error.fault.value}: {error.facts.get('cause')}"
        status = web.HTTPServiceUnavailable.status_code if faults else web.HTTPOk.status_code
        return web.json_response({"ready": not faults, "faults": faults}, status=status, headers=_NO_STORE)
