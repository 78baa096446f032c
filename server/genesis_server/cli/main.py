"""The `genesis` command: its global options. What is heavy is imported by the command that needs it."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from genesis_server.cli.commands import MARKUP
from genesis_server.cli.exits import EPILOG, ExitCode
from genesis_server.cli.group import GenesisGroup
from genesis_server.cli.session import Session

_CONNECTION = "Connection"

app = typer.Typer(
    cls=GenesisGroup,
    no_args_is_help=True,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog=EPILOG + " Options above may stand anywhere on the line.",
)


def print_version(wanted: bool) -> None:
    """Print the version and end, when that was asked for."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"genesis {version('genesis-orchestrator')}")
        raise typer.Exit(ExitCode.OK)


@app.callback()
def root(
    ctx: typer.Context,
    *,
    server: Annotated[
        str, typer.Option(envvar="GENESIS_SERVER", metavar="TARGET", help="gRPC target of the server.", rich_help_panel=_CONNECTION)
    ] = "127.0.0.1:50051",
    token: Annotated[
        str | None,
        typer.Option(envvar="GENESIS_TOKEN", help="Bearer token.", show_envvar=True, show_default=False, rich_help_panel=_CONNECTION),
    ] = None,
    insecure_token: Annotated[
        bool, typer.Option("--insecure-token", help="Send the token without TLS to another machine.", rich_help_panel=_CONNECTION)
    ] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Use TLS.", rich_help_panel=_CONNECTION)] = False,
    tls_ca: Annotated[Path | None, typer.Option(metavar="FILE", help="Whom to trust, PEM.", rich_help_panel=_CONNECTION)] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Client certificate, PEM.", rich_help_panel=_CONNECTION)
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Key of the client certificate, PEM.", rich_help_panel=_CONNECTION)
    ] = None,
    tls_server_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name in the server's certificate.", rich_help_panel=_CONNECTION)
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, metavar="SECONDS", help="Deadline of each call.", rich_help_panel=_CONNECTION)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print answers in the contract's JSON form.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")] = False,
    version: Annotated[  # noqa: ARG001  (its callback does the work)
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """Genesis: goals become plans, plans get agents, both get a verdict."""
    # C-core's own log lines would stand between the answer and the reader.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    ctx.obj = Session(
        server=server,
        token=token,
        insecure_token=insecure_token,
        tls=tls,
        tls_ca=tls_ca,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_server_name=tls_server_name,
        timeout=timeout,
        json=json,
        no_color=no_color,
    )


def main() -> None:
    """Run the command line and end the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a sign shows a question mark instead.
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="genesis")
    except Exception as error:  # noqa: BLE001  (the last resort: one line, never a stack trace)
        typer.secho(f"error a fault of genesis itself: {type(error).__name__}: {error}; please report it", fg="red", err=True)
        sys.exit(ExitCode.FAULT)
