"""`genesis config`: the server's settings, before it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.failure import CommandError

if TYPE_CHECKING:
    from genesis_server.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The server's settings, from GENESIS_* variables and a TOML file.")


@app.command("check")
def check(ctx: typer.Context, config: o.ConfigFile = None) -> None:
    """Check the settings, the flags in the environment and the files the settings name, and tell every mistake at once.

    A server with these settings starts, unless a port or the store cannot be had.
    """
    settings = load_settings(config, {})
    _check_files(settings)
    run = session.of(ctx)
    for hint in settings.hints():
        run.note(f"hint: {hint}")
    run.note("the settings are good, and so are the files they name")


@app.command("print")
def print_settings(config: o.ConfigFile = None) -> None:
    """Print all settings in TOML, each with where it is from; secrets are masked. Then tell the mistakes of the files they name."""
    from genesis_server.settings import settings_as_toml

    settings = load_settings(config, {})
    typer.echo(settings_as_toml(settings), nl=False)
    _check_files(settings)


def _check_files(settings: Settings) -> None:
    """Read what the server reads at start."""
    from genesis_server.app import StartError
    from genesis_server.app.start_files import check

    try:
        check(settings, os.environ)
    except StartError as error:
        raise CommandError("the server would not start", details=error.messages) from error


def load_settings(config: Path | None, overrides: Mapping[str, str | None]) -> Settings:
    """The settings; `overrides` are variables that win over the environment, None leaves one as it is."""
    from genesis_server.settings import Settings, SettingsError

    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.load(config, {**os.environ, **given})
    except SettingsError as error:
        raise CommandError("the settings cannot be used", details=[str(mistake) for mistake in error.mistakes]) from error
