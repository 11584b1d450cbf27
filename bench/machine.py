"""On what was measured: the machine, and the versions of everything that took part."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.servers.apache import MODULES

_PACKAGES: Final = ("aiohttp", "uvloop", "httptools", "redis")
_PROGRAMS: Final[dict[str, tuple[Sequence[str], str]]] = {
    "nginx": (("nginx", "-v"), r"nginx/(\S+)"),
    "Apache": (("apache2", "-v"), r"Apache/(\S+)"),
    "Redis": (("redis-server", "--version"), r"v=(\S+)"),
    "wrk": (("wrk", "-v"), r"wrk (?:debian/)?(\S+)"),
}
"""How each program is asked for its version, and where that stands in the answer."""


def versions() -> dict[str, str]:
    """The version of each part by its name; without those that are not installed."""
    found = {"gateway": version("proconnect-gateway"), "Python": platform.python_version()}
    found |= {name: version(name) for name in _PACKAGES}
    for name, (command, pattern) in _PROGRAMS.items():
        if shutil.which(command[0]) and (match := re.search(pattern, _said(command))):
            found[name] = match[1]
    if openidc := _debian_version("libapache2-mod-auth-openidc"):
        found["mod_auth_openidc"] = openidc
    return found | {"Linux": platform.release()}


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    names = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return names[1] if names else platform.machine()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def load_average() -> float:
    """How many processes wanted to run, on average over the last minute."""
    return os.getloadavg()[0]


def _debian_version(package: str) -> str | None:
    if not (MODULES / "mod_auth_openidc.so").exists() or not shutil.which("dpkg-query"):
        return None
    return _said(("dpkg-query", "-W", "-f", "${Version}", package)) or None


def _said(command: Sequence[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return ran.stdout + ran.stderr
