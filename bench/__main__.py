"""`python -m bench`: measures the rows, shows how far it is, prints the tables, writes the JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import machine
from bench.effort import FULL, QUICK, Effort
from bench.errors import CannotMeasureError
from bench.progress import Progress
from bench.report import Circumstances, Found, as_json, as_text
from bench.row import Row
from bench.rows import ROWS
from bench.stage import Stage
from tests.support.processes import ProgramFailedError, ProgramMissingError

RESULTS: Final = Path(__file__).parent / "results"
_NAMES: Final = [row.name for row in ROWS]


def main(arguments: Sequence[str]) -> int:
    """Run the bench; the exit status is 1 when a row could not be measured, or missed what it must reach."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, within two minutes")
    parser.add_argument("--row", action="append", choices=_NAMES, help="this row alone; may be repeated")
    parser.add_argument("--json", type=Path, help="where the JSON goes (default: bench/results/)")
    given = parser.parse_args(arguments)
    rows = [row for row in ROWS if given.row is None or row.name in given.row]
    effort = QUICK if given.quick else FULL
    circumstances = Circumstances(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        effort=effort.name,
        processor=machine.processor(),
        cores=machine.cores(),
        busy=machine.load_average(),
        versions=machine.versions(),
    )
    found = measure(rows, effort)
    path = given.json or RESULTS / f"{circumstances.date.replace(':', '')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(found, circumstances), indent=1) + "\n", "utf-8")
    sys.stdout.write(f"\n{as_text(found, circumstances)}\n{path}\n")
    return 0 if all(map(_reached, found)) else 1


def measure(rows: Sequence[Row], effort: Effort) -> list[Found]:
    """Measure rows one after the other, each on a stage of its own; one that cannot be measured says why."""
    progress = Progress({row.name: row.seconds(effort) for row in rows}, clock=time.monotonic, write=_show)
    found = []
    for row in rows:
        progress.begin(row.name)
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            folder = Path(name)
            folder.chmod(0o755)  # for servers that change their user
            try:
                with Stage(effort, folder, progress.step) as stage:
                    found.append(Found(row=row, measured=row.measure(stage)))
            except (CannotMeasureError, ProgramFailedError, ProgramMissingError, OSError) as error:
                found.append(Found(row=row, measured=None, why=str(error) or type(error).__name__))
                _show(f"{row.name}: not measured: {error}")
    return found


def _reached(found: Found) -> bool:
    figures = found.measured.figures if found.measured else ()
    return bool(figures) and all(figure.reached for figure in figures)


def _show(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
