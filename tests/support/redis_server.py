"""A real redis-server on loopback that keeps nothing on disk, and that a test can stop, start and pause."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from tests.support.processes import LOOPBACK, Program, ProgramFailedError, find_program, free_port

READY = "Ready to accept connections"
START_ATTEMPTS = 5


class RedisServer:
    """A redis-server. Its address stays the same over `stop` and `start`; its records do not.

    Args:
        unix_socket: listen on a unix socket as well; its path is `unix_path`.
        arguments: further settings, as on redis-server's command line.
    """

    def __init__(self, *arguments: str, unix_socket: bool = False) -> None:
        self._arguments = arguments
        self._program: Program | None = None
        # Not pytest's folder: a unix socket's path may be 107 bytes long.
        self._folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.unix_path = self._folder / "redis.sock" if unix_socket else None
        self.port = 0

    @property
    def url(self) -> str:
        """The server's address, as `sessions.store` takes it."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._program is not None and self._program.running

    def start(self) -> Self:
        """Starts the server, unless it runs, and returns once it accepts connections.

        Raises:
            ProgramMissingError: redis-server is not installed.
            ProgramFailedError: it does not start.
        """
        if self.running:
            return self
        fresh = self.port == 0
        for attempt in range(1, START_ATTEMPTS + 1):
            # Another program may take the free port first; then the next one is tried.
            self.port = free_port() if fresh else self.port
            program = Program(self._command(), cwd=self._folder)
            try:
                program.line(READY)
            except ProgramFailedError:
                program.stop()
                if attempt == START_ATTEMPTS or not fresh or "in use" not in program.output():
                    raise
            else:
                self._program = program
                break
        return self

    def _command(self) -> list[str]:
        listen = ["--bind", LOOPBACK, "--port", str(self.port)]
        if self.unix_path is not None:
            listen += ["--unixsocket", str(self.unix_path)]
        keep_nothing = ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        program = find_program("redis-server", package="redis-server")
        return [program, *listen, *keep_nothing, "--daemonize", "no", *self._arguments]

    def stop(self) -> None:
        """Ends the server: connections are cut, and new ones refused."""
        if self._program is not None:
            self._program.stop()
            self._program = None

    def kill(self) -> None:
        """Ends the server without letting it do anything more."""
        program = self._running_program()
        program.signal(signal.SIGKILL)
        program.wait()

    def pause(self) -> None:
        """Freezes the server: connections are accepted by the kernel, and nothing is answered."""
        self._running_program().signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused server go on."""
        self._running_program().signal(signal.SIGCONT)

    def flush(self) -> None:
        """Forgets every record; a server that a test left stopped or paused runs again afterwards."""
        self.start()
        self.resume()
        with Redis(host=LOOPBACK, port=self.port, socket_timeout=10.0) as client:
            client.flushall()

    def close(self) -> None:
        """Ends the server and removes its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _running_program(self) -> Program:
        if self._program is None:
            raise ProgramFailedError("redis-server was not started")
        return self._program

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
