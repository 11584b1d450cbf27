"""Apache with mod_auth_openidc: what people put before an application today."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.errors import CannotMeasureError
from bench.servers.client import provider_for
from bench.servers.front import Front
from bench.servers.settings_file import write_settings
from gateway.oidc.profiles import PROFILES, ProfileName
from tests.support.processes import LOOPBACK, Program, find_program, free_port

MODULES: Final = Path("/usr/lib/apache2/modules")
_NOBODY: Final = "User www-data\nGroup www-data"
"""Apache's processes refuse to work as root, and nobody else may change users."""


@contextmanager
def apache(folder: Path, *, upstream: int, redis: int) -> Iterator[Front]:
    """Run Apache before the application at port `upstream`; nobody is signed in.

    Args:
        folder: where its settings file goes.
        upstream: the application's port.
        redis: the port of its session store.

    Raises:
        CannotMeasureError: mod_auth_openidc is not installed.
    """
    program_path = find_program("apache2", package="apache2-bin")
    if not (MODULES / "mod_auth_openidc.so").exists():
        raise CannotMeasureError("mod_auth_openidc is missing: install libapache2-mod-auth-openidc")
    port = free_port()
    redirect_uri = f"http://{LOOPBACK}:{port}/redirect_uri"
    with provider_for(redirect_uri) as client:
        path = write_settings(
            "apache.conf",
            folder,
            folder=folder,
            modules=MODULES,
            port=port,
            upstream=upstream,
            redis=redis,
            user=_NOBODY if os.geteuid() == 0 else "",
            issuer=client.issuer,
            client_id=client.client_id,
            client_secret=client.client_secret,
            redirect_uri=redirect_uri,
            scope=" ".join(PROFILES[ProfileName.PROCONNECT].scope),
            passphrase=secrets.token_urlsafe(48),
        )
        with Program([program_path, "-DFOREGROUND", "-d", str(folder), "-f", str(path)]) as program:
            program.wait_for_port(port)
            # Its event module ends threads that it has no use for, and their connections with them.
            yield Front(name="Apache", port=port, pid=program.pid, closes=True)
