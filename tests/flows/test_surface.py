"""The whole surface of the gateway, as its own route table has it: no endpoint stands outside the guards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from gateway.app import open_gateway
from gateway.serve import bind, serving
from gateway.settings.load import load
from gateway.settings.urls import ListenAddress
from tests.support.flows import Answered
from tests.support.gateway import Wanted
from tests.support.oidc_engine import CLIENTS
from tests.support.processes import LOOPBACK
from tests.support.raw import connect

NOBODY = "http://127.0.0.1:1"
METHODS = ("GET", "POST")


@pytest.fixture
async def surface(tmp_path: Path) -> AsyncIterator[tuple[int, list[str], list[dict[str, object]]]]:
    """A gateway's port, the paths in its route table, and what it logs."""
    front, observe = (bind(ListenAddress(LOOPBACK, 0)) for _ in range(2))
    port = front.getsockname()[1]
    wanted = Wanted(issuer=f"{NOBODY}/api/v2", client=CLIENTS["RS256"], upstream=NOBODY)
    file = tmp_path / "gateway.toml"
    file.write_text(wanted.toml(url=f"http://localhost:{port}", front="127.0.0.1:0", observe="127.0.0.1:0"))
    with capture_logs() as lines:
        async with (
            open_gateway(load(file, {})) as gateway,
            serving(gateway, front=front, observe=observe, drain=1),
        ):
            yield port, paths_of(gateway.front), lines  # type: ignore[misc]


def paths_of(application: web.Application) -> list[str]:
    """Every path of the route table, with something in the place of each name."""
    found = {resource.canonical.replace("{name}", "x") for resource in application.router.resources()}
    return sorted(found)


async def asked(port: int, method: str, path: str) -> Answered:
    """A request for a host that no application has."""
    async with await connect(port) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n"
        await connection.send(head.encode())
        return Answered.read(await connection.read_message())


async def test_every_path_of_the_gateways_own_is_guarded_like_the_others(
    surface: tuple[int, list[str], list[dict[str, object]]],
) -> None:
    port, paths, lines = surface
    assert len(paths) > 8
    for path in paths:
        for method in METHODS:
            answered = await asked(port, method, path)
            assert answered.status in {403, 404, 405, 421}, path
            assert "Location" not in answered.fields
            assert "Set-Cookie" not in answered.fields
            (line,) = [line for line in lines if (line.get("path"), line.get("method")) == (path, method)]
            assert line["event"] == "request"
            assert line["request_id"]
