"""The command line: arguments in, exit status out."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

import click
from rich.console import Console
from rich.markup import escape

from gateway.check import (
    Finding,
    Registration,
    State,
    check_everything,
    check_providers,
    fault_finding,
    registrations,
)
from gateway.demo.run import run_demo
from gateway.explain import explain
from gateway.settings.environment import FILE_VARIABLE
from gateway.settings.faults import SettingsError
from gateway.settings.load import load, readable_providers
from gateway.settings.model import Settings
from gateway.settings.urls import MemoryStore
from gateway.workers import run_workers

DEFAULT_CONFIG: Final = Path("config/gateway.toml")
_SECRET_OCTETS: Final = 48
_COLORS: Final = {State.OK: "green", State.NOTE: "yellow", State.FAULT: "red"}

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=FILE_VARIABLE,
    default=DEFAULT_CONFIG,
    show_default=True,
    show_envvar=True,
    help="The settings file.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="proconnect-gateway", message="%(package)s %(version)s")
def main() -> None:
    """Put ProConnect in front of applications that cannot speak OpenID Connect.

    A request without a session is sent through ProConnect's sign-in; a request with one is forwarded, with
    the person's identity in header fields.
    """


@main.command(short_help="Run the gateway.")
@config_option
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Worker processes; one for each core is enough.",
)
def run(path: Path, workers: int) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP reads the settings anew.

    Settings that have a fault start nothing: every fault is said, and the exit status is 1.
    """
    settings = _settings(path)
    if workers > 1 and isinstance(settings.sessions.store, MemoryStore):
        _fail("several workers cannot share sessions in memory", "set sessions.store, or --workers 1")
    try:
        run_workers(settings, count=workers, read=lambda: load(path, os.environ))
    except OSError as error:
        _fail(
            f"cannot listen on {error.filename}: {error.strerror}",
            "end what listens there, or change gateway.listen or observe.listen",
        )


@main.command(short_help="Say what is wrong, and what to register.")
@config_option
def check(path: Path) -> None:
    """Read the settings, reach everything they name, and print what to register at the provider.

    Every fault is named with its remedy, and the exit status is then 1.
    """
    sys.exit(asyncio.run(_check(path)))


async def _check(path: Path) -> int:
    """The exit status, once everything is said; each finding as soon as it is there."""
    faults = 0
    settings: Settings | None = None
    try:
        settings = load(path, os.environ)
        findings = check_everything(settings)
    except SettingsError as error:
        faults = len(error.faults)
        for fault in error.faults:
            _print_finding(fault_finding(fault))
        # Whether an issuer is the right one, only the provider can tell.
        findings = check_providers(readable_providers(path, os.environ))
    async for finding in findings:
        faults += finding.state is State.FAULT
        _print_finding(finding)
    for registration in registrations(settings) if settings else ():
        _print_registration(registration)
    if faults:
        out.print(f"\n[red]{_counted(faults)}[/]")
    return 1 if faults else 0


def _print_finding(finding: Finding) -> None:
    color = _COLORS[finding.state]
    out.print(f"[{color}]{finding.state.value:<5}[/]  {escape(finding.what)}: {escape(finding.said)}")
    if finding.remedy:
        out.print(f"       {escape(finding.remedy)}")


def _print_registration(registration: Registration) -> None:
    out.print(f"\nTo register at provider {registration.provider}, for client {registration.client_id}:")
    for uri in registration.redirect_uris:
        out.print(f"  redirect URI              {escape(uri)}")
    for uri in registration.post_logout_redirect_uris:
        out.print(f"  post-logout redirect URI  {escape(uri)}")


@main.command(name="explain", short_help="Say what would be decided about a request, and why.")
@click.argument("method")
@click.argument("url")
@click.option(
    "--claims",
    type=click.File(encoding="utf-8"),
    help="A JSON file with the claims of a person who is signed in; without it, nobody is.",
)
@config_option
def explain_command(method: str, url: str, claims: TextIO | None, path: Path) -> None:
    """Say what the gateway would decide about a request, by which rule, and what the application gets.

    URL is an address as the browser shows it, or a path alone for the host of gateway.public_url. Nothing is
    sent.
    """
    settings = _settings(path)
    person = None if claims is None else _person(claims)
    try:
        explanation = explain(settings, method=method.upper(), url=url, claims=person)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from error
    fields = [f"{name}: {value}" for name, value in explanation.fields]
    lines = [*explanation.lines, *zip(["fields", *[""] * len(fields)], fields, strict=False)]
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        out.print(f"[bold]{escape(name.ljust(width))}[/]  {escape(text)}")


def _person(claims: TextIO) -> dict[str, Any]:
    try:
        person = json.load(claims)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--claims") from error
    if not isinstance(person, dict) or not isinstance(person.get("sub"), str):
        raise click.BadParameter('a JSON object with at least "sub" is needed', param_hint="--claims")
    return person


@main.command(short_help="Try everything on this machine.")
def demo() -> None:
    """Start a provider, an old application and the gateway on this machine: no account, no network."""
    run_demo()


@main.group(short_help="Make the secret that seals cookies and sessions.")
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
        err.print(f"[red]{_counted(len(error.faults))} in the settings[/]")
        for fault in error.faults:
            err.print(f"  {escape(str(fault))}")
        sys.exit(1)


def _fail(problem: str, remedy: str) -> NoReturn:
    err.print(f"[red]{escape(problem)}[/]; {escape(remedy)}")
    sys.exit(1)


def _counted(faults: int) -> str:
    return f"{faults} fault{'' if faults == 1 else 's'}"
