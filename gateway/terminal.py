"""What every command shares: where it writes, which settings it reads, and how it gives up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import click
from rich.console import Console
from rich.markup import escape

from gateway.settings.environment import FILE_VARIABLE
from gateway.settings.faults import SettingsError
from gateway.settings.load import load
from gateway.settings.model import Settings

DEFAULT_CONFIG: Final = Path("config/gateway.toml")

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


def settings_at(path: Path) -> Settings:
    """The settings; if they have faults, all of them are said and the process ends with 1."""
    try:
        return load(path, os.environ)
    except SettingsError as error:
        err.print(f"[red]{counted(len(error.faults))} in the settings[/]")
        for fault in error.faults:
            err.print(f"  {escape(str(fault))}")
        sys.exit(1)


def fail(problem: str, remedy: str) -> NoReturn:
    """Say what is wrong and what helps, and end the process with 1."""
    err.print(f"[red]{escape(problem)}[/]; {escape(remedy)}")
    sys.exit(1)


def counted(number: int, what: str = "fault") -> str:
    """So many of something: `1 fault`, `2 faults`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
