"""The gateway under test: `proconnect-gateway run`, as an administrator starts it."""

from __future__ import annotations

import contextlib
import http.client
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.errors import CannotMeasureError
from bench.servers.client import provider_for
from bench.servers.front import Front
from bench.servers.settings_file import write_settings
from gateway.secret import Secret
from tests.support.processes import LOOPBACK, Program, free_port

_STARTS_WITHIN: Final = 60.0  # seconds
_LOOKS_EVERY: Final = 0.05


@contextmanager
def gateway(folder: Path, *, upstream: int, redis: int, secret: Secret, workers: int) -> Iterator[Front]:
    """Run the gateway before the application at port `upstream`; nobody is signed in.

    Args:
        folder: where its settings file goes.
        upstream: the application's port.
        redis: the port of its session store.
        secret: seals its sessions.
        workers: how many worker processes.
    """
    port, observe = free_port(), free_port()
    with provider_for(f"http://{LOOPBACK}:{port}/_gateway/callback") as client:
        path = write_settings(
            "gateway.toml",
            folder,
            port=port,
            observe=observe,
            upstream=upstream,
            redis=redis,
            secret=secret.reveal(),
            issuer=client.issuer,
            client_id=client.client_id,
            client_secret=client.client_secret,
        )
        command = [sys.executable, "-m", "gateway", "run", "--config", str(path), "--workers", str(workers)]
        with Program(command) as program:
            _wait_until_ready(program, observe)
            yield Front(name="gateway", port=port, pid=program.pid)


def _wait_until_ready(program: Program, observe: int) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline and program.running:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection(LOOPBACK, observe, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/ready")
                if connection.getresponse().status == http.HTTPStatus.OK:
                    return
        time.sleep(_LOOKS_EVERY)
    raise CannotMeasureError(f"the gateway is not ready\n{program.output()}")
