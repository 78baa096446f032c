"""`genesis serve`: the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis_server.cli import options as o
from genesis_server.cli.config import load_settings
from genesis_server.cli.failure import CommandError


def serve(
    config: o.ConfigFile = None,
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where gRPC is served; port 0 takes any free one.")] = None,
    http_listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where health and metrics are served over HTTP.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the gRPC port.")] = None,
    data_dir: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where the embedded store keeps its file.")] = None,
) -> None:
    """Run the server until SIGTERM or SIGINT. Options win over variables, variables over the file."""
    given = {
        "--listen": listen,
        "--http-listen": http_listen,
        "--workers": None if workers is None else str(workers),
        "--data-dir": None if data_dir is None else str(data_dir.absolute()),
    }
    settings = load_settings(config, {_variable(option): value for option, value in given.items()})
    arguments = ["serve"] if config is None else ["serve", "--config", str(config)]
    for option, value in given.items():
        arguments += [] if value is None else [option, value]

    from genesis_server import app

    try:
        code = app.serve(settings, arguments=arguments)
    except app.StartError as error:
        raise CommandError("the server cannot start", details=error.messages) from error
    raise typer.Exit(code)


def _variable(option: str) -> str:
    return "GENESIS_" + option.removeprefix("--").replace("-", "_").upper()
