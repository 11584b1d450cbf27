"""The second address: is the gateway alive, and is it ready to serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from gateway.errors import GatewayError
from gateway.oidc.provider import Provider
from gateway.sessions.storage import RecordStore

_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """For orchestrators and load balancers.

    Args:
        records: the session store.
        providers: each provider by its name in the settings.
    """

    records: RecordStore
    providers: Mapping[str, Provider]

    async def alive(self, request: web.Request) -> web.Response:
        """The process answers."""
        del request
        return web.json_response({"alive": True}, headers=_NO_STORE)

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
            faults["sessions.store"] = error.fault.value
        status = web.HTTPServiceUnavailable.status_code if faults else web.HTTPOk.status_code
        return web.json_response({"ready": not faults, "faults": faults}, status=status, headers=_NO_STORE)
