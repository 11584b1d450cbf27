"""Real applications behind the gateway, one of each kind that people have; each a program of its own.

All answer at `/page`, `/moved`, `/none` and `/file`; what else an application can do, `Kind` says. Their
programs stand in `tests/applications`.
"""

from __future__ import annotations

import getpass
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.oidc_engine import node
from tests.support.processes import LOOPBACK, Program, find_program, free_port

PROGRAMS = Path(__file__).parents[1] / "applications"
FILE_SIZE = 700_001
BIG_SIZE = 30_000_000
APACHE_MODULES = Path("/usr/lib/apache2/modules")
NOBODY = "www-data"  # Debian's user for web servers


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of application.

    Args:
        name: what it is.
        command: its program and arguments, for a folder and a port.
        sees: whether `/seen` tells what it saw of a request.
        chunked: whether it reads chunked bodies.
        files: whether it serves every file of its folder.
        uploads: whether it takes files by PUT below `/uploads/`.
        validates: whether it knows ranges and validators (RFC 9110 sections 13 and 14) for `/file`.
        events: whether `/events` answers with events.
        websocket: whether `/echo` is a WebSocket.
        reads: the encoding of identity fields whose values it reads right as they are.
    """

    name: str
    command: Callable[[Path, int], Sequence[str]]
    sees: bool = True
    chunked: bool = True
    files: bool = False
    uploads: bool = False
    validates: bool = True
    events: bool = True
    websocket: bool = False
    reads: str = "latin-1"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Application:
    """A running application.

    Args:
        kind: what it is.
        port: where it listens on loopback.
        folder: where it runs; its files are here.
    """

    kind: Kind
    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Its address, as `apps.upstream` takes it."""
        return f"http://{LOOPBACK}:{self.port}"


def _gunicorn(folder: Path, port: int) -> Sequence[str]:
    options = ["--workers", "1", "--threads", "4", "--bind", f"{LOOPBACK}:{port}", "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", *options, "--pythonpath", str(folder), "wsgi:application"]


def _uvicorn(folder: Path, port: int) -> Sequence[str]:
    del folder
    options = ["--host", LOOPBACK, "--port", str(port), "--no-access-log", "--no-proxy-headers"]
    return [sys.executable, "-m", "uvicorn", *options, "asgi:application"]


def _node(folder: Path, port: int) -> Sequence[str]:
    return [node(), str(folder / "server.mjs"), str(port)]


def _php(folder: Path, port: int) -> Sequence[str]:
    del folder
    program = find_program("php", package="php-cli")
    # Multipart bodies are to be seen as they came.
    return [program, "-d", "enable_post_data_reading=0", "-S", f"{LOOPBACK}:{port}", "router.php"]


def _apache(folder: Path, port: int) -> Sequence[str]:
    user = NOBODY if os.geteuid() == 0 else getpass.getuser()
    text = (PROGRAMS / "httpd.conf").read_text("utf-8")
    program = folder / "application.cgi"
    (folder / "httpd.conf").write_text(
        text.format(folder=folder, port=port, modules=APACHE_MODULES, user=user, group=user, program=program),
        "utf-8",
    )
    return [
        find_program("apache2", package="apache2-bin"),
        "-DFOREGROUND",
        "-f",
        str(folder / "httpd.conf"),
    ]


def _nginx(folder: Path, port: int) -> Sequence[str]:
    text = (PROGRAMS / "nginx.conf").read_text("utf-8")
    user = f"user {NOBODY};" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(text.format(folder=folder, port=port, user=user), "utf-8")
    program = find_program("nginx", package="nginx-light")
    return [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


KINDS = (
    Kind(name="nginx", command=_nginx, sees=False, events=False, files=True, uploads=True, reads="utf-8"),
    Kind(name="apache-cgi", command=_apache, files=True, reads="utf-8"),
    Kind(name="gunicorn-flask", command=_gunicorn),
    Kind(name="uvicorn-starlette", command=_uvicorn, files=True, websocket=True),
    Kind(name="node", command=_node, validates=False, websocket=True),
    Kind(name="php", command=_php, files=True, chunked=False, validates=False, reads="utf-8"),
)


@contextmanager
def running_application(kind: Kind) -> Iterator[Application]:
    """Run one until the block ends, in a folder of its own that its user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-application-"))
    try:
        shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        folder.chmod(0o755)
        octets = random.Random(20).randbytes  # noqa: S311 - the same each time
        (folder / "file").write_bytes(octets(FILE_SIZE))
        (folder / "big").write_bytes(octets(1_000_000) * (BIG_SIZE // 1_000_000))
        (folder / "uploads").mkdir()
        (folder / "uploads").chmod(0o777)
        port = free_port()
        with Program(kind.command(folder, port), cwd=folder) as program:
            program.wait_for_port(port)
            yield Application(kind, port, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
