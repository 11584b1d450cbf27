"""The servers of one row: each started where the row asks for it, and ended with the row."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from bench.effort import Effort
from bench.servers.apache import apache
from bench.servers.front import Front
from bench.servers.gateway import gateway
from bench.servers.nginx import nginx_asking, nginx_pages, nginx_proxy
from bench.servers.program import program_port
from bench.servers.signing_in import WHO, signed_in
from gateway.secret import Secret
from tests.support.redis_server import RedisServer

T = TypeVar("T")


class Stage:
    """What a row measures on.

    Args:
        effort: how much is measured.
        folder: an empty one.
        step: takes how many steps of the row are done, how many it has, and what came of the last one.
    """

    def __init__(self, effort: Effort, folder: Path, step: Callable[[int, int, str], None]) -> None:
        self.effort: Final = effort
        self.step: Final = step
        self._folder = folder
        self._numbers = itertools.count(1)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def start(self, server: AbstractContextManager[T]) -> T:
        """Start something that ends with the row."""
        return self._running.enter_context(server)

    def folder(self) -> Path:
        """A new folder, for the files of one server."""
        folder = self._folder / str(next(self._numbers))
        # Apache's and nginx's workers run as somebody else where this runs as root.
        folder.mkdir(mode=0o755)
        return folder

    def pages(self) -> int:
        """Start an application that answers with small pages: its port."""
        return self.start(nginx_pages(self.folder()))

    def program(self, name: str) -> int:
        """Start one of the applications in `bench.programs`: its port."""
        return self.start(program_port(name))

    def redis(self) -> RedisServer:
        """Start a Redis for sessions."""
        return self.start(RedisServer())

    def gateway(
        self,
        *,
        upstream: int,
        redis: RedisServer,
        workers: int = 1,
        path: str = WHO,
        secret: Secret | None = None,
    ) -> Front:
        """Start the gateway, and sign somebody in.

        Args:
            upstream: the application's port.
            redis: where its sessions are.
            workers: how many worker processes.
            path: of a page that somebody signed in may see; `WHO` where the application is `pages`.
            secret: seals its sessions; one of its own by default.
        """
        secret = secret or Secret(secrets.token_urlsafe(48))
        front = gateway(self.folder(), upstream=upstream, redis=redis.port, secret=secret, workers=workers)
        return signed_in(self.start(front), path=path)

    def nginx(self, *, upstream: int, keep_alive: bool = False) -> Front:
        """Start nginx before the application at port `upstream`; see `nginx_proxy`."""
        return self.start(nginx_proxy(self.folder(), upstream=upstream, keep_alive=keep_alive))

    def asking_nginx(self, *, upstream: int, asked: int) -> Front:
        """Start nginx that asks about each request at port `asked`; see `nginx_asking`."""
        return self.start(nginx_asking(self.folder(), upstream=upstream, asked=asked))

    def apache(self, *, upstream: int, redis: RedisServer) -> Front:
        """Start Apache with mod_auth_openidc before the application `pages`, and sign somebody in."""
        return signed_in(self.start(apache(self.folder(), upstream=upstream, redis=redis.port)), path=WHO)
