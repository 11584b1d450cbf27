"""Front servers that carry the bytes and ask the gateway: the shipped examples, with a test's addresses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import LOOPBACK, Program, find_program

EXAMPLES = Path(__file__).parents[2] / "config" / "front"
HOST = "demarches.example.gouv.fr"
GATEWAY, APPLICATION = "127.0.0.1:8080", "127.0.0.1:8000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Who is where, on loopback.

    Args:
        front: the port that browsers reach.
        gateway: the gateway's port.
        application: the application's port.
    """

    front: int
    gateway: int
    application: int


@contextmanager
def nginx(places: Places, folder: Path) -> Iterator[Program]:
    """Run nginx with `config/front/nginx.conf`, without TLS."""
    lines = _example("nginx.conf", places).replace("443 ssl", f"{LOOPBACK}:{places.front}").splitlines()
    server = "\n".join(line for line in lines if "ssl_certificate" not in line)
    path = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    path.write_text(
        f"daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log stderr;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\n"
        f"{_temporary(folder)}\n{server}\n}}\n",
        "utf-8",
    )
    command = [
        find_program("nginx", package="nginx-light"),
        "-e",
        "stderr",
        "-p",
        str(folder),
        "-c",
        str(path),
    ]
    with Program(command) as program:
        program.wait_for_port(places.front)
        yield program


@contextmanager
def caddy(places: Places, folder: Path) -> Iterator[Program]:
    """Run Caddy with `config/front/Caddyfile`, without TLS."""
    site = _example("Caddyfile", places).replace(f"{HOST} {{", f"http://localhost:{places.front} {{")
    path = folder / "Caddyfile"
    path.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{site}", "utf-8")
    command = [find_program("caddy", package="caddy"), "run", "--config", str(path), "--adapter", "caddyfile"]
    with Program(
        command, env={"HOME": str(folder), "XDG_CONFIG_HOME": None, "XDG_DATA_HOME": None}
    ) as program:
        program.wait_for_port(places.front)
        yield program


def _example(name: str, places: Places) -> str:
    text = (EXAMPLES / name).read_text("utf-8")
    return text.replace(GATEWAY, f"{LOOPBACK}:{places.gateway}").replace(
        APPLICATION, f"{LOOPBACK}:{places.application}"
    )


def _temporary(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
