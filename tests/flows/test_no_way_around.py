"""Whatever a request says of itself, beside its target, its method and its session, moves no decision."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.flows import Answered, Wire, on_the_wire
from tests.support.raw import exchange

ROUTES = """
[[apps.routes]]
path = "/public/"
access = "public"
[[apps.routes]]
path = "/api/"
methods = ["GET"]
access = "public"
"""
PROBERS = ("kube-probe/1.31", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Amazon-Route53-Health-Check-Service")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with on_the_wire(routes=ROUTES) as ready:
        yield ready


@pytest.mark.parametrize("trusted", ["", 'trusted_proxies = ["127.0.0.0/8"]'], ids=["nobody", "the peer"])
@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-Uri",
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "X-Forwarded-Path",
        "X-Forwarded-Prefix",
        "X-HTTP-Method-Override",
        "X-Forwarded-Method",
        "X-Original-Method",
    ],
)
async def test_no_field_moves_the_decision_to_another_target(name: str, trusted: str) -> None:
    async with on_the_wire(routes=ROUTES, gateway=trusted) as wire:
        for value in ("/public/", "GET"):
            assert (await wire.ask("POST", "/api/x", f"{name}: {value}", "Content-Length: 0")).status == 401
        await wire.nothing_went_up()


@pytest.mark.parametrize("user_agent", PROBERS)
@pytest.mark.parametrize("target", ["/", "/ping", "/healthz", "/private"])
async def test_a_health_probe_is_a_stranger_like_any_other(wire: Wire, user_agent: str, target: str) -> None:
    assert (await wire.ask("GET", target, f"User-Agent: {user_agent}")).status == 401
    await wire.nothing_went_up()


@pytest.mark.parametrize(
    "field", ["Authorization: Bearer x", "Authorization: Basic Z2F0ZXdheTp4", "Cookie: access_token=x"]
)
async def test_nothing_but_a_session_lets_anybody_in(wire: Wire, field: str) -> None:
    assert (await wire.ask("GET", "/private?access_token=x&token=x", field)).status == 401
    await wire.nothing_went_up()


async def test_an_http_1_0_request_is_decided_like_any_other(wire: Wire) -> None:
    received = await exchange(
        wire.gateway.port, f"GET /private HTTP/1.0\r\nHost: {wire.host}\r\n\r\n".encode()
    )
    assert Answered.read(received.data).status == 401
    assert received.closed
    await wire.nothing_went_up()
