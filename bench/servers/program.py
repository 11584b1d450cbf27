"""The applications of `bench.programs`, each as a process that tells its port."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import Program


@contextmanager
def program_port(name: str) -> Iterator[int]:
    """Run the module `bench.programs.NAME`; its port."""
    with Program([sys.executable, "-m", f"bench.programs.{name}"]) as program:
        yield int(program.line(r"^\d+$"))
