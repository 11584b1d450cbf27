"""What a gateway's processes hold: memory, and open files by what they are for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.usage import PROC, family, resident

_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")
_LISTENS: Final = "0A"  # proc_pid_net(5): the state of a listening socket
_LOCAL, _REMOTE, _STATE, _INODE = 1, 2, 3, 9


class Kind(StrEnum):
    """What an open file is for."""

    BROWSER = "browsers"
    APPLICATION = "application"
    STORE = "store"
    OTHER = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What is held at one moment.

    Args:
        memory: resident, in octets.
        files: open files by what they are for.
    """

    memory: int
    files: Mapping[Kind, int]


def holdings(pid: int, *, front: int, application: int, store: int) -> Holdings:
    """What a process and its descendants hold.

    Args:
        pid: the process.
        front: the port that browsers reach.
        application: the port of the application behind.
        store: the port of the session store.
    """
    files: Counter[Kind] = Counter()
    for member in family(pid):
        sockets = dict(_sockets(member, front, application, store))
        with suppress(OSError):
            for entry in (PROC / str(member) / "fd").iterdir():
                with suppress(OSError):
                    match = _SOCKET.fullmatch(str(entry.readlink()))
                    files[sockets.get(match[1], Kind.OTHER) if match else Kind.OTHER] += 1
    return Holdings(memory=resident(pid), files=files)


def _sockets(pid: int, front: int, application: int, store: int) -> Iterator[tuple[str, Kind]]:
    """The inode of each TCP socket of ours, and what it is for."""
    with suppress(OSError):
        for line in Path(PROC, str(pid), "net", "tcp").read_text("ascii").splitlines()[1:]:
            fields = line.split()
            local, remote = _port(fields[_LOCAL]), _port(fields[_REMOTE])
            if local == front and fields[_STATE] != _LISTENS:
                yield fields[_INODE], Kind.BROWSER
            elif remote == application:
                yield fields[_INODE], Kind.APPLICATION
            elif remote == store:
                yield fields[_INODE], Kind.STORE


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
