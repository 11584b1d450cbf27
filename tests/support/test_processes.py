from __future__ import annotations

import os
import select
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.support.processes import (
    LOOPBACK,
    Program,
    ProgramFailedError,
    ProgramMissingError,
    find_program,
    free_port,
)

ECHO = "for line in iter(input, 'end'): print('got', line, flush=True)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); input()"
LISTEN = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    sys.stdin.read()
"""


def python(script: str, *arguments: str) -> Program:
    return Program([sys.executable, "-c", script, *arguments])


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(ProgramMissingError, match=r"no-such-program is not installed.*install some-package"):
        find_program("no-such-program", package="some-package")


def test_lines_are_read_in_order_and_those_not_asked_for_are_passed_over() -> None:
    with python(ECHO) as program:
        for line in ["one", "two", "three"]:
            program.write(line)
        assert program.line("two") == "got two"
        assert program.line() == "got three"
        assert program.stdout == ["got one", "got two", "got three"]


def test_a_program_that_ends_before_its_line_fails_with_what_it_wrote() -> None:
    with (
        python("import sys; print('half', flush=True); sys.exit('went wrong')") as program,
        pytest.raises(ProgramFailedError, match=r"(?s)ended with status 1.*half.*went wrong"),
    ):
        program.line("ready")


def test_a_line_that_does_not_come_is_waited_for_within_the_bound() -> None:
    with python(ECHO) as program, pytest.raises(ProgramFailedError, match="still runs"):
        program.line("ready", seconds=0.2)


def test_a_port_is_ready_once_something_listens() -> None:
    port = free_port()
    with python(LISTEN, str(port)) as program:
        program.wait_for_port(port)
        with socket.create_connection((LOOPBACK, port)):
            assert program.running


def test_a_program_that_never_listens_is_waited_for_within_the_bound() -> None:
    with python(ECHO) as program, pytest.raises(ProgramFailedError, match="nothing listens"):
        program.wait_for_port(free_port(), seconds=0.2)


def test_a_variable_set_to_none_is_taken_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAKEN_AWAY", "1")
    script = "import os; print(os.environ.get('TAKEN_AWAY'), os.environ['GIVEN'], os.getcwd())"
    command = [sys.executable, "-c", script]
    with Program(command, cwd=tmp_path, env={"TAKEN_AWAY": None, "GIVEN": "2"}) as program:
        assert program.line() == f"None 2 {tmp_path}"


def test_stop_ends_a_program_that_does_not_listen_to_requests() -> None:
    program = python(DEAF)
    program.line("deaf")
    assert program.stop(seconds=0.2) == -signal.SIGKILL
    assert not program.running


def test_stop_ends_a_paused_program() -> None:
    program = python(ECHO)
    program.signal(signal.SIGSTOP)
    assert program.stop() == -signal.SIGTERM


def test_wait_returns_the_exit_status() -> None:
    assert python("raise SystemExit(7)").wait() == 7


def test_a_program_ends_when_the_process_that_started_it_is_killed() -> None:
    script = """
import sys
from tests.support.processes import Program
program = Program([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"])
program.line("up")  # it has told the kernel by now with whom it ends
print(program.pid, flush=True)
input()
"""
    with Program([sys.executable, "-c", script], env={"PYTHONPATH": os.pathsep.join(sys.path)}) as starter:
        started = int(starter.line())
        waiting = os.pidfd_open(started)
        starter.signal(signal.SIGKILL)
        starter.wait()
        # A pidfd is readable once its process has ended.
        assert select.select([waiting], [], [], 10.0)[0] == [waiting]
        os.close(waiting)
