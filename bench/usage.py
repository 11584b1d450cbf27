"""What processes use, as Linux counts it: processor time and resident memory. Nothing is started here."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 13)
"""proc_pid_stat(5), counted from behind the command: ppid; utime and stime."""


def family(pid: int) -> list[int]:
    """A process and all that descend from it, as far as they live."""
    children = defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                children[int(_stat(int(entry.name))[_PARENT])].append(int(entry.name))
    found = [pid]
    for member in found:
        found.extend(children[member])
    return found


def processor_seconds(pid: int) -> float:
    """The processor time of a process and its living descendants, in steps of 1/100 s."""
    ticks = 0
    for member in family(pid):
        with suppress(OSError):
            ticks += sum(map(int, _stat(member)[_TIMES]))
    return ticks / _TICKS


def resident(pid: int) -> int:
    """The resident memory of a process and its descendants, in octets."""
    return _memory(pid, "VmRSS:")


def peak(pid: int) -> int:
    """The most resident memory since `forget_peak`, in octets, each process's own peak added up."""
    return _memory(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    """Let `peak` begin anew at what is resident now.

    Raises:
        OSError: this system does not allow it.
    """
    for member in family(pid):
        (PROC / str(member) / "clear_refs").write_text("5", "ascii")


def _memory(pid: int, name: str) -> int:
    kibibytes = 0
    for member in family(pid):
        with suppress(OSError):
            lines = (PROC / str(member) / "status").read_text("utf-8", "replace").splitlines()
            kibibytes += sum(int(line.split()[1]) for line in lines if line.startswith(name))
    return kibibytes * 1024


def _stat(pid: int) -> list[str]:
    # The command, in parentheses, may hold anything: what counts stands behind the last one.
    return (PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(") ")[2].split()
