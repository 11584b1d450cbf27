"""`proconnect-gateway sessions`: who is signed in, and ending it."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import click
import structlog
from rich.console import Console

from gateway.access.hosts import ByHost
from gateway.errors import StoreError
from gateway.listing import Listing, printable
from gateway.observe.audit import Audit, Event, listed
from gateway.observe.log import LogFormat, set_up_log
from gateway.sessions.keys import session_id
from gateway.sessions.summary import By, Summary
from gateway.settings.model import Settings
from gateway.settings.urls import MemoryStore, SqliteStore
from gateway.signed_in import Chosen, Ended, end, find, open_directory
from gateway.terminal import config_option, counted, err, fail, out, settings_at

_SHOWN: Final = 100
_PAGE: Final = 200  # sessions in one table
_OPTIONS: Final = {
    By.ID: ("ID", "The session that the log calls so."),
    By.SUB: ("SUB", "The person whom the provider calls so."),
    By.EMAIL: ("ADDRESS", "The person with this e-mail address, in either case."),
    By.SIRET: ("NUMBER", "Everybody of this organisation."),
}

Command = Callable[..., None]


@click.group(short_help="Show who is signed in, and end sessions.")
def sessions() -> None:
    """Show who is signed in, and end sessions.

    Both ask the store that the settings name, whether a gateway runs or not. The store tells nothing without
    the secret of the gateway. The exit status is 0 when all went well, 1 when the settings have a fault or
    the store did not answer, 2 when the command is not understood.
    """


def _choosing(*, of_all: str) -> Callable[[Command], Command]:
    """The options that say whose sessions are meant."""

    def decorate(command: Command) -> Command:
        command = click.option("--all", "everybody", is_flag=True, help=of_all)(command)
        for by, (metavar, said) in reversed(_OPTIONS.items()):
            command = click.option(f"--{by}", by.value, metavar=metavar, help=said)(command)
        return command

    return decorate


@sessions.command(name="list", short_help="Show who is signed in.")
@_choosing(of_all="Everybody; the same as none of these options.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all that is known.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Show at most so many; 0 shows all. If not given, {_SHOWN} in a table, and all as JSON.",
)
@config_option
def list_command(*, path: Path, as_json: bool, limit: int | None, **chosen: str | bool | None) -> None:
    """Show who is signed in: as a table, or as JSON for programs.

    A session is in the list until one of its lifetimes has passed. When it was last seen is exact to a tenth
    of the idle lifetime.
    """
    meant = _chosen(chosen)
    settings = _settings(path)
    if limit is None:
        limit = 0 if as_json else _SHOWN
    try:
        asyncio.run(_list(settings, meant or Chosen(), as_json=as_json, limit=limit))
    except StoreError as error:
        _away(error)


@sessions.command(short_help="End sessions.")
@_choosing(of_all="Everybody, of every application; asks first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def revoke(*, path: Path, yes: bool, **chosen: str | bool | None) -> None:
    """End the sessions of a person, of an organisation, or all of them; one option says which.

    Every gateway knows within a second. Whoever is ended signs in again at the next page, which ProConnect
    may do without a question: to keep somebody out, take away their right too. Each session that ends is one
    line of the audit log, on standard error, with the name of who ran this. That nobody was found is no
    fault.
    """
    meant = _chosen(chosen)
    if meant is None:
        raise click.UsageError("Say whose sessions end: --id, --sub, --email, --siret or --all.")
    settings = _settings(path)
    if meant.by is None and not yes:
        click.confirm("End every session of every application?", abort=True, err=True)
    set_up_log(form=LogFormat(settings.log.format), level="info", stream=sys.stderr)
    audit = Audit(structlog.get_logger("audit").info)
    try:
        ended = asyncio.run(_revoke(settings, meant, tell=partial(_audit, audit, settings, by=operator())))
    except StoreError as error:
        _away(error)
    out.print(f"{counted(ended.count, 'session')} ended")
    if ended.error is not None:
        _away(ended.error)


async def _list(settings: Settings, meant: Chosen, *, as_json: bool, limit: int) -> None:
    listing = Listing(_apps(settings))
    page: list[Summary] = []
    shown = unreadable = 0
    more = False
    async with open_directory(settings) as directory:
        async for _, summary in find(directory, meant):
            if summary is None:
                unreadable += 1
                continue
            if limit and shown == limit:
                more = True
                break
            shown += 1
            if as_json:
                click.echo(listing.as_json(summary))
                continue
            page.append(summary)
            if len(page) == _PAGE:
                _print(listing, page)
                page.clear()
    if page:
        _print(listing, page)
    if not as_json and not more:
        out.print(counted(shown, "session"))
    if more:
        err.print(f"There are more than {counted(limit, 'session')}; --limit 0 shows all.")
    if unreadable:
        err.print(
            f"{counted(unreadable, 'session')} sealed under a secret that gateway.secret no longer holds: "
            "nobody can use them."
        )


def _print(listing: Listing, page: list[Summary]) -> None:
    width = shutil.get_terminal_size().columns
    Console(width=width, highlight=False).print(listing.table(page, width=width))


async def _revoke(settings: Settings, meant: Chosen, *, tell: Callable[[str, Summary | None], None]) -> Ended:
    async with open_directory(settings) as directory:
        return await end(directory, meant, tell=tell)


def _audit(audit: Audit, settings: Settings, key: str, summary: Summary | None, *, by: str) -> None:
    if summary is None:
        audit.record(Event.SESSION_ENDED, why="revoked", by=by, session=session_id(key))
        return
    where = {"app": _apps(settings).get(summary.host), "provider": summary.provider}
    who = {**where, **listed(summary)}
    audit.record(Event.SESSION_ENDED, request_id=None, why="revoked", by=by, **who)


def operator() -> str:
    """Who runs this, as the system calls them; and who they were before sudo."""
    name = f"uid {os.getuid()}"
    with suppress(KeyError, OSError):  # a container may have no name for its user
        name = getpass.getuser()
    before = os.environ.get("SUDO_USER")
    return printable(f"{before} as {name}" if before else name)


def _chosen(options: Mapping[str, str | bool | None]) -> Chosen | None:
    """What the options choose; None when there is none.

    Raises:
        UsageError: there are two.
    """
    given = [Chosen(by, str(options[by.value])) for by in _OPTIONS if options[by.value] is not None]
    if options["everybody"]:
        given.append(Chosen())
    if len(given) > 1:
        raise click.UsageError("Only one of --id, --sub, --email, --siret and --all can be given.")
    for chosen in given:
        if chosen.by is not None and not chosen.value.strip():
            raise click.BadParameter("must not be empty", param_hint=f"--{chosen.by}")
        if not chosen.value.isprintable():
            raise click.BadParameter("holds characters that no such value has", param_hint=f"--{chosen.by}")
    return given[0] if given else None


def _settings(path: Path) -> Settings:
    settings = settings_at(path)
    match settings.sessions.store:
        case MemoryStore():
            fail(
                "sessions in memory are seen by the process of their gateway alone",
                "set sessions.store to sqlite:///path or redis://host; restarting the gateway ends them all",
            )
        case SqliteStore(file) if not Path(file).exists():
            # Made here, it might be a file of root's that no gateway can write.
            fail(f"{file} is not there", "check sessions.store; a gateway makes the file when it starts")
    return settings


def _apps(settings: Settings) -> ByHost[str]:
    return ByHost({app.host: app.name for app in settings.apps}, at=lambda name, _: name)


def _away(error: StoreError) -> NoReturn:
    cause = error.facts.get("cause")
    fail(
        f"the session store did not answer{f': {cause}' if cause else ''}",
        "check sessions.store and its password with `proconnect-gateway check`, then run this again",
    )
