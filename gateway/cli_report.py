"""`proconnect-gateway report`: who would be locked out by the rules that are in shadow mode."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import click
from rich.markup import escape

from gateway.listing import printable
from gateway.report import MOST_ROWS, Locked, Report, Row
from gateway.terminal import counted, err, fail, out

_GET_JSON: Final = (
    'the gateway writes such a log with log.format = "json" (the default), from its next start on; what runs '
    "it may put words before each line: see `docker compose logs --no-log-prefix`, `journalctl --output=cat`"
)


@click.command(short_help="Say who would be locked out by rules in shadow mode.")
@click.argument("logs", metavar="[LOGFILE]...", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--people", is_flag=True, help="Name the people too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all that is known.")
def report(logs: tuple[Path, ...], *, people: bool, as_json: bool) -> None:
    """Say who would be locked out by rules with mode = "shadow", by rule and organisation.

    LOGFILE is a log of the gateway's in JSON (log.format), also a rotated one that ends in .gz; "-" or none
    is standard input.
    """
    added = Report()
    for path in logs or (Path("-"),):
        try:
            with _opened(path) as lines:
                added.read(lines)
        except (OSError, EOFError) as error:
            fail(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}", "give another file")
    if not added.readable:
        fail(f"no line of {counted(added.lines, 'line')} is JSON, so nothing can be told", _GET_JSON)
    if as_json:
        for row, locked in added.sorted:
            click.echo(json.dumps(_as_json(row, locked), ensure_ascii=False))
    elif added.rows:
        _print(added, people=people)
    else:
        out.print("Nobody would be locked out, as far as these logs tell.")
    if added.unreadable:
        err.print(
            f"{counted(added.unreadable, 'line')} of {added.lines} passed over, which are no JSON; "
            f"{escape(_GET_JSON)}"
        )
    if added.left_out:
        fail(
            f"the report is not whole: it ends at {MOST_ROWS} rows, and {counted(added.left_out, 'request')} "
            "of further rules and organisations are not in it",
            "give fewer log files at a time",
        )


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if str(path) == "-":
        yield sys.stdin
        return
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", errors="replace") as file:
        yield file


def _print(added: Report, *, people: bool) -> None:
    """One line for each rule and Reason, below it one for each organisation, below that its people."""
    rule: tuple[str, ...] = ()
    for (app, route, reason, siret), locked in added.sorted:
        if rule != (app, route, reason):
            rule = (app, route, reason)
            out.print(f"[bold]{escape(printable(f'{app}, {route}: {reason}'))}[/]")
        organisation = printable(
            " ".join(filter(None, (locked.organisation, siret))) or "organisation unknown"
        )
        numbers = f"{counted(len(locked.people), 'account')}, {counted(locked.requests, 'request')}"
        out.print(f"  {escape(organisation)}  {numbers}, last {escape(printable(locked.last))}")
        for person in sorted(locked.people) if people else ():
            out.print(f"    {escape(printable(person))}")


def _as_json(row: Row, locked: Locked) -> dict[str, object]:
    app, route, reason, siret = row
    return {
        "app": app,
        "route": route,
        "reason": reason,
        "siret": siret or None,
        "organisation": locked.organisation or None,
        "people": sorted(locked.people),
        "requests": locked.requests,
        "first": locked.first,
        "last": locked.last,
        "path": locked.path,
    }
