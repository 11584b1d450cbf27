"""The bounds that the system sets to a process."""

from __future__ import annotations

import resource


def allow_many_files() -> int:
    """Let this process and its descendants open as many files as it may at most; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
