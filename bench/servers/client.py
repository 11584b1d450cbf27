"""The client that each front is at its provider, and the provider: the demo's, in a process of its own."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.processes import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client.

    Args:
        issuer: of the provider that knows it.
        client_id: its identifier.
        client_secret: its secret.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)


@contextmanager
def provider_for(redirect_uri: str) -> Iterator[Client]:
    """Run a provider that knows one client.

    Args:
        redirect_uri: the only one registered.
    """
    client_id, client_secret = "bench", secrets.token_hex(32)
    registration = {"client_id": client_id, "client_secret": client_secret, "redirect_uris": [redirect_uri]}
    with Program([sys.executable, "-m", "bench.programs.provider"]) as program:
        program.write(json.dumps(registration))
        issuer = json.loads(program.line(r"^\{"))["issuer"]
        yield Client(issuer=issuer, client_id=client_id, client_secret=client_secret)
