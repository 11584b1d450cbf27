"""`make fuzz MINUTES=n`: the fuzz tests, each time from another seed, until one fails or time is up.

What it finds becomes a case: an `@example` there, or a row of the module's own tests.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run; the exit status is that of the first run that failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    ends = time.monotonic() + 60 * minutes
    while time.monotonic() < ends:
        seed = str(secrets.randbits(32))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
        options = ["--hypothesis-profile", "fuzz", "--hypothesis-seed", seed, "--timeout", "0"]
        status = subprocess.run([*command, *options, str(HERE)], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
