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
    """Check the settings, and tell every mistake at once."""
    settings = load_settings(config, {})
    run = session.of(ctx)
    for hint in settings.hints():
        run.note(f"hint: {hint}")
    run.note("the settings are good")


@app.command("print")
def print_settings(config: o.ConfigFile = None) -> None:
    """Print all settings in TOML, each with where it is from; secrets are masked."""
    from genesis_server.settings import settings_as_toml

    typer.echo(settings_as_toml(load_settings(config, {})), nl=False)


def load_settings(config: Path | None, overrides: Mapping[str, str | None]) -> Settings:
    """The settings; `overrides` are variables that win over the environment, None leaves one as it is."""
    from genesis_server.settings import Settings, SettingsError

    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.load(config, {**os.environ, **given})
    except SettingsError as error:
        raise CommandError("the settings cannot be used", details=[str(mistake) for mistake in error.mistakes]) from error
