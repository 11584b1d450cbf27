"""nginx with one worker, twice: as the application behind, and as the front to be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.servers.front import Front
from bench.servers.settings_file import write_settings
from tests.support.processes import Program, find_program, free_port

PAGE: Final = "small page ".ljust(175, ".") + "!"
"""The 176 octets of the application's answers."""

_KEPT_TO_UPSTREAM: Final = {
    "to_upstream": "keepalive 64; keepalive_requests 1000000000;",
    "in_location": 'proxy_http_version 1.1; proxy_set_header Connection "";',
}
_AS_BY_DEFAULT: Final = dict.fromkeys(_KEPT_TO_UPSTREAM, "")
"""What `proxy_pass` does unless told otherwise: HTTP/1.0 upstream, and a connection for each request."""


@contextmanager
def nginx_pages(folder: Path) -> Iterator[int]:
    """Run an application that answers with small pages; its port."""
    port = free_port()
    with _running("nginx_pages.conf", folder, port=port, page=PAGE):
        yield port


@contextmanager
def nginx_proxy(folder: Path, *, upstream: int, keep_alive: bool = False) -> Iterator[Front]:
    """Run nginx before an application.

    Args:
        folder: where its settings file goes.
        upstream: the application's port.
        keep_alive: whether its connections to the application are kept.
    """
    port = free_port()
    kept = _KEPT_TO_UPSTREAM if keep_alive else _AS_BY_DEFAULT
    with _running("nginx_proxy.conf", folder, port=port, upstream=upstream, **kept) as program:
        yield Front(name="nginx", port=port, pid=program.pid)


@contextmanager
def nginx_asking(folder: Path, *, upstream: int, asked: int) -> Iterator[Front]:
    """Run nginx before an application, asking about each request.

    Args:
        folder: where its settings file goes.
        upstream: the application's port.
        asked: the port of whoever is asked.
    """
    port = free_port()
    with _running("nginx_asking.conf", folder, port=port, upstream=upstream, asked=asked) as program:
        yield Front(name="nginx", port=port, pid=program.pid)


@contextmanager
def _running(template: str, folder: Path, *, port: int, **values: object) -> Iterator[Program]:
    path = write_settings(template, folder, folder=folder, port=port, **values)
    nginx = find_program("nginx", package="nginx-light")
    with Program([nginx, "-e", "stderr", "-p", str(folder), "-c", str(path)]) as program:
        program.wait_for_port(port)
        yield program
