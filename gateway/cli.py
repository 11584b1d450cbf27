"""The command line: arguments in, exit status out."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Final, TextIO

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.check import Finding, check_everything
from gateway.demo.run import run_demo
from gateway.explain import Explanation, explain
from gateway.settings.faults import SettingsError
from gateway.settings.load import load
from gateway.settings.model import Settings
from gateway.settings.urls import MemoryStore
from gateway.workers import run_workers

DEFAULT_CONFIG: Final = Path("config/gateway.toml")
_SECRET_OCTETS: Final = 48

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GATEWAY_CONFIG",
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The settings file.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="proconnect-gateway", message="%(package)s %(version)s")
def main() -> None:
    """Put ProConnect in front of applications that cannot speak OpenID Connect.

    A request without a session is sent through ProConnect's sign-in; a request with one is forwarded, with
    the person's identity in header fields.
    """


@main.command()
@config_option
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Worker processes; one for each core is enough.",
)
def run(path: Path, workers: int) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP reads the settings anew."""
    settings = _settings(path)
    if workers > 1 and isinstance(settings.sessions.store, MemoryStore):
        err.print("[red]several workers cannot share sessions in memory:[/] set sessions.store, or --workers 1")
        sys.exit(1)
    try:
        run_workers(settings, count=workers, read=lambda: load(path, os.environ))
    except OSError as error:
        err.print(f"[red]cannot listen:[/] {escape(str(error))}")
        sys.exit(1)


@main.command()
@config_option
def check(path: Path) -> None:
    """Read the settings, reach everything they name, and print what to register at the provider.

    Exit status 1 with every fault and its remedy.
    """
    settings = _settings(path)
    failed = False
    for finding in asyncio.run(_collect(settings)):
        failed |= not finding.ok
        mark = "[green]ok[/]   " if finding.ok else "[red]fault[/]"
        out.print(f"{mark} {escape(finding.what)}: {escape(finding.said)}")
        if finding.remedy:
            out.print(f"      {escape(finding.remedy)}")
    sys.exit(1 if failed else 0)


async def _collect(settings: Settings) -> list[Finding]:
    return [finding async for finding in check_everything(settings)]


@main.command(name="explain")
@click.argument("method")
@click.argument("url")
@click.option(
    "--claims",
    type=click.File(encoding="utf-8"),
    help="A JSON file with the claims of a person who is signed in; without it, nobody is.",
)
@config_option
def explain_command(method: str, url: str, claims: TextIO | None, path: Path) -> None:
    """Say what the gateway would decide about a request, by which rule, and what the application gets."""
    settings = _settings(path)
    person = None
    if claims is not None:
        try:
            person = json.load(claims)
        except ValueError as error:
            raise click.BadParameter(f"not JSON: {error}", param_hint="--claims") from error
        if not isinstance(person, dict) or not isinstance(person.get("sub"), str):
            raise click.BadParameter('a JSON object with at least "sub" is needed', param_hint="--claims")
    _print(explain(settings, method=method, url=url, claims=person))


def _print(explanation: Explanation) -> None:
    table = Table.grid(padding=(0, 2))
    for name, value in explanation.lines:
        table.add_row(f"[bold]{escape(name)}[/]", escape(value))
    out.print(table)
    for name, value in explanation.fields:
        out.print(f"  {escape(name)}: {escape(value)}")


@main.command()
def demo() -> None:
    """Start a provider, an old application and the gateway on this machine: no account, no network."""
    run_demo()


@main.group()
def secret() -> None:
    """The secret that seals cookies and sessions."""


@secret.command()
def new() -> None:
    """Print a new secret, to put first in the secret file."""
    click.echo(secrets.token_urlsafe(_SECRET_OCTETS))


def _settings(path: Path) -> Settings:
    try:
        return load(path, os.environ)
    except SettingsError as error:
        count = len(error.faults)
        err.print(f"[red]{count} fault{'s' if count > 1 else ''} in the settings[/]")
        for fault in error.faults:
            err.print(f"  {escape(str(fault))}")
        sys.exit(1)
