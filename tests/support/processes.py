"""Programs outside Python that a test starts: found, waited for within a bound, read, ended by their own id.

What a particular program is told, and how it says that it is ready, stands in that program's own module.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import IO, Self

LOOPBACK = "127.0.0.1"
KEPT_LINES = 2_000
POLL_SECONDS = 0.02


class ProgramMissingError(Exception):
    """A program that the tests start is not installed; the text says what to do."""


class ProgramFailedError(Exception):
    """A program ended, or was not ready in time; the text ends with what it wrote."""


def find_program(*names: str, package: str) -> str:
    """The path of the first of `names` that is installed.

    Args:
        names: program names, the preferred one first.
        package: the Debian package that brings it.

    Raises:
        ProgramMissingError: none is installed.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    missing = " or ".join(names)
    raise ProgramMissingError(f"{missing} is not installed: run scripts/setup test, or install {package}")


BELOW_EPHEMERAL = range(10_000, 32_000)
"""Ports that the kernel gives to no outgoing connection (Linux: net.ipv4.ip_local_port_range)."""

_first = os.getpid() * 7919 % len(BELOW_EPHEMERAL)
_ports: Iterator[int] = cycle([*BELOW_EPHEMERAL[_first:], *BELOW_EPHEMERAL[:_first]])


def free_port(host: str = LOOPBACK) -> int:
    """A TCP port that nobody listens on; for programs that cannot choose one themselves.

    No port comes twice from one process before all others have, and each process begins elsewhere.
    """
    for port in _ports:
        with (
            socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe,
            contextlib.suppress(OSError),
        ):
            probe.bind((host, port))
            return port
    raise ProgramFailedError("no port is free")


def _ends_with_its_parent(command: Sequence[str]) -> list[str]:
    """The command, arranged so that the kernel ends the program when this process dies, however it dies."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else [*command]


class Program:
    """One running program, with its standard output and error read as lines.

    Start it from the main thread: the kernel ties the program's life to the thread that started it.

    Args:
        command: the program's path and its arguments.
        cwd: where it runs; default: here.
        env: variables laid over this process's own; a value of None takes one away.
        stop_signal: what asks the program to end.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.command = tuple(command)
        self._stop_signal = stop_signal
        environment = {**os.environ, **(env or {})}
        self._process = process = subprocess.Popen(
            _ends_with_its_parent(command),
            cwd=cwd,
            env={name: value for name, value in environment.items() if value is not None},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            # Apache, when it ends, ends everybody in its group.
            process_group=0,
        )
        # Popen's types do not know that a stream asked for is a stream.
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ProgramFailedError(f"{command[0]}: no pipes")
        self._stdin = process.stdin
        self._changed = threading.Condition()
        self._stdout: deque[str] = deque(maxlen=KEPT_LINES)
        self._unread: deque[str] = deque(maxlen=KEPT_LINES)
        self._stderr: deque[str] = deque(maxlen=KEPT_LINES)
        self._readers = [
            self._reader(process.stdout, self._stdout, self._unread),
            self._reader(process.stderr, self._stderr, None),
        ]

    def _reader(self, stream: IO[str], kept: deque[str], unread: deque[str] | None) -> threading.Thread:
        def read() -> None:
            with stream:
                for line in stream:
                    with self._changed:
                        kept.append(line.rstrip("\n"))
                        if unread is not None:
                            unread.append(line.rstrip("\n"))
                        self._changed.notify_all()
            with self._changed:
                self._changed.notify_all()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet."""
        return self._process.poll() is None

    @property
    def stdout(self) -> list[str]:
        """The newest lines of standard output."""
        with self._changed:
            return list(self._stdout)

    @property
    def stderr(self) -> list[str]:
        """The newest lines of standard error."""
        with self._changed:
            return list(self._stderr)

    def output(self) -> str:
        """The newest lines of both streams, for a message."""
        return "\n".join([*self.stdout, *self.stderr])

    def line(self, pattern: str = "", *, seconds: float = 20.0) -> str:
        """The next line of standard output that holds a match of `pattern`; lines before it are passed over.

        It blocks. Where the program needs an answer from the caller's own event loop, call it with
        `asyncio.to_thread`.

        Raises:
            ProgramFailedError: the program ended, or `seconds` went by without such a line.
        """
        return self.lines_until(pattern, seconds=seconds)[-1]

    def lines_until(self, pattern: str, *, seconds: float = 20.0) -> list[str]:
        """The lines of standard output that nobody has read yet, to the first that holds a match; it blocks.

        Raises:
            ProgramFailedError: the program ended, or `seconds` went by without such a line.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + seconds
        lines: list[str] = []
        with self._changed:
            while True:
                while self._unread:
                    lines.append(self._unread.popleft())
                    if wanted.search(lines[-1]):
                        return lines
                ended = not self._readers[0].is_alive()
                left = deadline - time.monotonic()
                if ended or left <= 0:
                    break
                # Bounded: the reader's own end is seen by looking, since it notifies just before it ends.
                self._changed.wait(min(left, 0.1))
        raise self._failure(f"no line with {pattern!r}")

    def wait_for_port(self, port: int, *, host: str = LOOPBACK, seconds: float = 20.0) -> None:
        """Returns once something accepts connections on the port.

        Raises:
            ProgramFailedError: the program ended, or `seconds` went by.
        """

        def accepts() -> bool:
            with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1.0):
                return True
            return False

        deadline = time.monotonic() + seconds
        while not accepts():
            if not self.running or time.monotonic() > deadline:
                raise self._failure(f"nothing listens on {host}:{port}")
            time.sleep(POLL_SECONDS)

    def _failure(self, why: str) -> ProgramFailedError:
        if not self._readers[0].is_alive():
            # Its output has ended, so it is ending: what it says last is worth a moment.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2.0)
            self._readers[1].join(2.0)
        state = "still runs" if self.running else f"ended with status {self._process.returncode}"
        return ProgramFailedError(f"{self.command[0]}: {why}; the program {state}\n{self.output()}")

    def write(self, line: str) -> None:
        """Sends one line to the program's standard input."""
        self._stdin.write(f"{line}\n")
        self._stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to this program and to no other."""
        self._process.send_signal(number)

    def wait(self, *, seconds: float = 20.0) -> int:
        """The exit status, once the program has ended by itself.

        Raises:
            ProgramFailedError: it still runs after `seconds`.
        """
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self._failure(f"did not end within {seconds} s") from None
        self._close()
        return status

    def stop(self, *, seconds: float = 10.0) -> int:
        """Ends the program: asked first, and after `seconds` made to. Returns its exit status."""
        if self.running:
            # A stopped process acts on no request to end before it goes on.
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        status = self._process.wait()
        self._close()
        return status

    def _close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        for reader in self._readers:
            # A grandchild may hold the pipe open; the reader is a daemon and may be left behind then.
            reader.join(2.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
