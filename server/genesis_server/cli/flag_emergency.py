"""`genesis flag emergency`: stop new work, or writes, on every server process at once.

Clients that follow the server's health leave one alone that refuses new work; whoever steers it must reach it all the same, so
`genesis flag` and `genesis audit` do not follow it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, TypeAlias

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError

app = typer.Typer(
    invoke_without_command=True,
    help="Emergency flags: list, set, clear. They hold on every server process within a second, above every definition.",
)

_MEANING: Mapping[str, str] = {
    "emergency_shutdown": "new work is refused on every process, until it is cleared",
    "maintenance_mode": "writes are refused on every process, until it is cleared; callers are told to come back",
    "read_only_mode": "writes are refused on every process, until it is cleared",
}
Key: TypeAlias = Annotated[str, typer.Argument(metavar="KEY", help=f"{', '.join(_MEANING)}.", show_default=False)]
Cause: TypeAlias = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.", show_default=False)]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to go on.")]


@app.callback()
def list_emergency(ctx: typer.Context) -> None:
    """List the emergency flags: which are set, since when, by whom and why."""
    if ctx.invoked_subcommand is not None:
        return
    from genesis.admin.v1.flag_admin_service_pb2 import ListFlagsResponse
    from genesis_server.cli.show.flag_changes import emergency_table

    run = session.of(ctx)
    with run.client(health_checking=False) as client:
        flags = client.emergency_flags()
    run.answer(ListFlagsResponse(emergency_flags=flags), lambda console: console.print(emergency_table(flags)))


@app.command("set", epilog='genesis flag emergency set maintenance_mode --cause "moving the disk"')
def set_emergency(ctx: typer.Context, key: Key, *, cause: Cause, yes: Yes = False, request_id: o.RequestId = None) -> None:
    """Set an emergency flag. On a terminal you are asked first."""
    from genesis_server.cli.show.flag_changes import emergency_table

    run = session.of(ctx)
    _ask(run, f"Set {key} on {run.server}: {_MEANING.get(key, 'it holds until it is cleared')}. Go on?", yes=yes)
    with run.client(health_checking=False) as client:
        answer = client.set_emergency_flag(key, cause, request_id=request_id or "")
    run.answer(answer, lambda console: console.print(emergency_table([answer.flag])))


@app.command("clear", epilog='genesis flag emergency clear maintenance_mode --cause "the disk was moved"')
def clear_emergency(ctx: typer.Context, key: Key, *, cause: Cause, yes: Yes = False, request_id: o.RequestId = None) -> None:
    """Clear an emergency flag. On a terminal you are asked first."""
    from genesis_server.cli.show.flag_changes import emergency_table

    run = session.of(ctx)
    _ask(run, f"Clear {key} on {run.server}: work that it kept away begins at once. Go on?", yes=yes)
    with run.client(health_checking=False) as client:
        answer = client.clear_emergency_flag(key, cause, request_id=request_id or "")
    run.answer(answer, lambda console: console.print(emergency_table([answer.flag])))


def _ask(run: session.Session, question: str, *, yes: bool) -> None:
    """Ask whether to go on, where somebody can answer."""
    if yes or not on_terminal(run):
        return
    if not typer.confirm(question, err=True):
        raise CommandError("nothing was changed", code=ExitCode.INTERRUPTED)


def on_terminal(run: session.Session) -> bool:
    """Whether somebody reads and can answer."""
    return sys.stdin.isatty() and run.err.is_terminal
