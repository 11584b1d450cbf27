"""The processes of `proconnect-gateway run`: gunicorn's arbiter, over aiohttp's workers on uvloop.

The arbiter replaces a worker that died. SIGHUP reads the settings anew and replaces every worker, the
requests under way unharmed; settings that have a fault change nothing. SIGTERM lets the requests under way
end.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from gateway.app import open_gateway
from gateway.observe.exposition import bury, new_directory, remove_directory
from gateway.observe.log import LogFormat, set_up_log
from gateway.serve import BACKLOG, bind, front_runner, observe_runner
from gateway.settings.faults import SettingsError
from gateway.settings.model import Settings, dangers, shadows
from gateway.settings.urls import ListenAddress

_GRACE: Final = 5  # seconds beyond drain_timeout before a worker is made to end
_STUCK: Final = 30  # seconds without a sign of life after which a worker is replaced

log = structlog.get_logger("gateway")


def run_workers(settings: Settings, *, count: int, read: Callable[[], Settings]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: what to begin with.
        count: how many worker processes.
        read: reads the settings again, for SIGHUP.

    Raises:
        OSError: an address cannot be listened on; `filename` is the address.
    """
    for address in (settings.gateway.listen, settings.observe.listen):
        try:
            bind(address).close()
        except OSError as error:
            raise OSError(error.errno, error.strerror, _shown(address)) from error
    directory = new_directory()
    owner = os.getpid()
    try:
        _Workers(settings, count=count, read=read, directory=directory).run()
    finally:
        if os.getpid() == owner:  # a worker comes by here too
            remove_directory(directory)


class _Workers(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """The arbiter's view of the gateway."""

    def __init__(
        self, settings: Settings, *, count: int, read: Callable[[], Settings], directory: Path
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._count = count
        self._read = read
        super().__init__(prog="proconnect-gateway")

    def load_config(self) -> None:
        set_up_log(form=LogFormat(self._settings.log.format), level=self._settings.log.level)
        for danger in dangers(self._settings):
            log.warning("danger", setting=danger)
        for route in shadows(self._settings):
            log.warning("shadow: this rule refuses nobody", route=route)
        drain = self._settings.gateway.drain_timeout
        options = {
            "bind": [_shown(self._settings.gateway.listen)],
            "backlog": BACKLOG,
            "workers": self._count,
            "worker_class": "aiohttp.GunicornUVLoopWebWorker",
            "graceful_timeout": drain + _GRACE,
            "timeout": drain + _STUCK,
            "logger_class": _ThroughTheLog,
            "loglevel": "warning",
            "proc_name": "proconnect-gateway",
            # Heartbeats are files; the rest of the file system may be read-only.
            "worker_tmp_dir": "/dev/shm",  # noqa: S108 - a directory for each worker's own unnamed file
            "control_socket_disable": True,
            "child_exit": self._child_exit,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def _child_exit(self, _arbiter: object, worker: Any) -> None:  # noqa: ANN401 - gunicorn's
        bury(self._directory, worker.pid)

    def load(self) -> Callable[[], Awaitable[web.AppRunner]]:
        settings, directory = self._settings, self._directory

        async def serve() -> web.AppRunner:
            return await _worker(settings, directory)

        return serve

    def reload(self) -> None:
        try:
            self._settings = self._read()
        except SettingsError as error:
            log.warning("settings not reloaded", faults=[str(fault) for fault in error.faults])
            return
        log.info("settings reloaded")
        super().reload()


async def _worker(settings: Settings, directory: Path) -> web.AppRunner:
    """Everything that one worker opens; it is closed after the last request."""
    stack = AsyncExitStack()
    gateway = await stack.enter_async_context(open_gateway(settings, metrics_directory=directory))
    observe = observe_runner(gateway)
    await observe.setup()
    stack.push_async_callback(observe.cleanup)
    # Each worker answers on the second address; the kernel chooses one.
    await web.SockSite(observe, bind(settings.observe.listen, shared=True)).start()

    async def close(_: web.Application) -> None:
        await stack.aclose()

    gateway.front.on_cleanup.append(close)
    log.info(
        "serving",
        listen=_shown(settings.gateway.listen),
        observe=_shown(settings.observe.listen),
        public_url=str(settings.gateway.public_url),
        apps=[app.name for app in settings.apps],
    )
    # What lives as long as the worker is never looked at again: a full collection would stop everybody for
    # about 50 ms, time and again.
    gc.collect()
    gc.freeze()
    return front_runner(gateway, drain=settings.gateway.drain_timeout)


class _ThroughTheLog(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """The arbiter's own lines, in the form of all others."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _shown(address: ListenAddress) -> str:
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
