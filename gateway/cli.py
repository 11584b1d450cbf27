"""The command line: arguments in, exit status out."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from joserfc.jwk import ECKey
from rich.markup import escape

from gateway.adapters import open_records
from gateway.check import (
    FILE_REMEDY,
    Finding,
    Registration,
    State,
    check_everything,
    check_providers,
    fault_finding,
    registrations,
)
from gateway.cli_explain import explain_command
from gateway.cli_report import report
from gateway.cli_sessions import sessions
from gateway.demo.run import run_demo
from gateway.errors import StoreError
from gateway.proxy.server import parser_is_lenient
from gateway.settings.faults import SettingsError
from gateway.settings.load import load, readable_providers
from gateway.settings.model import DEFAULT_PROVIDER, Settings
from gateway.settings.urls import MemoryStore, SqliteStore
from gateway.terminal import config_option, counted, fail, out, settings_at
from gateway.workers import run_workers

_SECRET_OCTETS: Final = 48
_COLORS: Final = {State.OK: "green", State.NOTE: "yellow", State.FAULT: "red"}

_LISTEN_REMEDIES: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: "end what listens there, or change gateway.listen or observe.listen",
    errno.EADDRNOTAVAIL: (
        "this machine has no such address: change gateway.listen or observe.listen; 0.0.0.0 is every address"
    ),
    errno.EACCES: (
        "take a port from 1024 on for gateway.listen and observe.listen, or give it CAP_NET_BIND_SERVICE"
    ),
}


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
    settings = settings_at(path)
    if workers > 1 and isinstance(settings.sessions.store, MemoryStore):
        fail("several workers cannot share sessions in memory", "set sessions.store, or --workers 1")
    if parser_is_lenient() and not settings.gateway.danger_python_parser:
        fail(
            "aiohttp's HTTP parser in C is missing, and the one in Python is too lenient",
            "install aiohttp with its extensions, without AIOHTTP_NO_EXTENSIONS",
        )
    if isinstance(settings.sessions.store, SqliteStore):
        # Here, rather than in each worker: a file that cannot be used is not there later either.
        _try_file(settings)
    try:
        run_workers(settings, count=workers, read=lambda: load(path, os.environ))
    except OSError as error:
        fail(
            f"cannot listen on {error.filename}: {error.strerror}",
            _LISTEN_REMEDIES.get(error.errno or 0, "change gateway.listen or observe.listen"),
        )


def _try_file(settings: Settings) -> None:
    """End here if the file of sessions cannot be opened or made."""

    async def open_and_close() -> None:
        await (await open_records(settings)).close()

    try:
        asyncio.run(open_and_close())
    except StoreError as error:
        fail(f"the session store cannot be used: {error.facts.get('cause')}", FILE_REMEDY)


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
        out.print(f"\n[red]{counted(faults)}[/]")
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
    if registration.jwks_uri is not None:
        out.print(f"  JWKS URI                  {escape(registration.jwks_uri)}")
    if registration.backchannel_logout_uri:
        out.print(f"  back-channel logout URI   {escape(registration.backchannel_logout_uri)}")
    if registration.wildcard:
        out.print('  Register one for each host in use in place of "*": providers compare letter by letter.')


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


@main.group(short_help="Make the keys that the gateway proves itself with (private_key_jwt).")
def key() -> None:
    """The keys that the gateway proves itself with to a provider that asks for private_key_jwt."""


@key.command(name="new", short_help="Print a new private key.")
def new_key() -> None:
    """Print a new private key (P-256), for client_key_file."""
    click.echo(ECKey.generate_key("P-256").as_pem(private=True), nl=False)


@key.command(name="published", short_help="Print the public keys.")
@click.option("--provider", default=DEFAULT_PROVIDER, show_default=True, help="Whose client.")
@config_option
def published_keys(provider: str, path: Path) -> None:
    """Print the public keys as a JWK Set, for a provider that cannot read them from the JWKS URI."""
    given = settings_at(path).all_providers.get(provider)
    if given is None:
        raise click.BadParameter("no such provider in the settings", param_hint="--provider")
    click.echo(json.dumps(given.client_key.published(), indent=2))


main.add_command(sessions)
main.add_command(report)
main.add_command(explain_command)
