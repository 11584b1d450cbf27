"""The compose file, the image and `.env.example` against what the product really takes."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings.load import load
from gateway.settings.urls import RedisStore
from tests.support.processes import Program, free_port

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
FILLED_IN = {
    "PROCONNECT_CLIENT_ID": "00000000-0000-4000-8000-000000000000",
    "PROCONNECT_CLIENT_SECRET": "c" * 64,
    "GATEWAY_SECRET": "g" * 64,
}


def dot_env() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def interpolated(text: str, variables: dict[str, str]) -> str:
    """What compose makes of `${NAME}`, `${NAME:-default}` and `${NAME:?message}`."""

    def value(match: re.Match[str]) -> str:
        given = variables.get(match["name"], "")
        return given or (match["default"] or "")

    return re.sub(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}", value, text)


def test_dot_env_holds_every_variable_that_compose_reads_and_no_other() -> None:
    read = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    read |= {secret["environment"] for secret in COMPOSE["secrets"].values()}
    assert read == dot_env().keys()


def test_the_settings_of_compose_load(tmp_path: Path) -> None:
    variables = {**dot_env(), **FILLED_IN}
    service = COMPOSE["services"]["gateway"]
    environ = {name: interpolated(value, variables) for name, value in service["environment"].items()}
    for name, secret in COMPOSE["secrets"].items():
        (tmp_path / name).write_text(variables[secret["environment"]])
        assert f"/run/secrets/{name}" in environ.values()
        assert name in service["secrets"]
    environ = {name: value.replace("/run/secrets", str(tmp_path)) for name, value in environ.items()}
    settings = load(ROOT / COMPOSE["configs"]["gateway"]["file"], environ)
    assert isinstance(settings.sessions.store, RedisStore)
    assert settings.sessions.store.url.startswith("redis://redis:")
    assert str(settings.gateway.public_url) == variables["PUBLIC_URL"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_confined_and_says_whether_it_is_well(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "healthcheck" in service or "HEALTHCHECK" in DOCKERFILE


def test_only_the_gateway_can_be_reached_from_outside() -> None:
    services = COMPOSE["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"gateway"}
    for name in ("redis", "legacy"):
        for network in services[name]["networks"]:
            assert COMPOSE["networks"][network] == {"internal": True}
    assert not set(services["redis"]["networks"]) & set(services["legacy"]["networks"])


def test_the_image_runs_without_root_from_locked_packages() -> None:
    final = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER (?!root)", final, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for path in source.split():
            assert (ROOT / path).exists()
            assert any(
                path == kept.removeprefix("!") for kept in (ROOT / ".dockerignore").read_text().splitlines()
            )


@pytest.mark.real
def test_the_old_application_of_compose_starts_and_its_health_check_passes() -> None:
    service = COMPOSE["services"]["legacy"]
    port = free_port()
    python, *arguments = [part.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for part in service["entrypoint"]]
    check = service["healthcheck"]["test"][1:]
    assert (python, check[0]) == ("python", "python")
    with Program([sys.executable, *arguments]) as program:
        program.wait_for_port(port)
        health = [sys.executable, *(part.replace(":8000", f":{port}") for part in check[1:])]
        with Program(health) as checked:
            assert checked.wait() == 0, checked.output()
