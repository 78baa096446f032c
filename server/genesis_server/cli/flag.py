"""`genesis flag`: what each flag is, for whom and why; how it is defined; what changed it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from genesis_server.cli import audit, flag_changes, flag_emergency, session
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.files import STDIN
from genesis_server.cli.updates import pairs

if TYPE_CHECKING:
    from genesis.options import FlagOptions
    from genesis.v1.orchestrator_service_pb2 import FlagResponse

app = typer.Typer(no_args_is_help=True, help="Feature flags: what each one is, for whom and why; define, change, stop in an emergency.")

_READ, _CHANGE, _HERE = "What flags are", "Change flags (role: admin)", "On this machine"
Keys: TypeAlias = Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys of flags.", show_default=False)]
Who: TypeAlias = Annotated[
    str, typer.Option("--for", metavar="KEY", help="Whom to ask for: what is drawn by percentage. The run, else the caller, when left out.")
]
With: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="NAME=VALUE", help="An attribute that rules may ask for, for example plan=pro; repeatable."),
]
Run: TypeAlias = Annotated[
    str, typer.Option("--run", metavar="ID", help="The run the answer is for: its flags stay as they were when it was first named.")
]

app.add_typer(flag_emergency.app, name="emergency", rich_help_panel=_CHANGE)


@app.command("list", rich_help_panel=_READ, epilog="genesis flag list --for ann --with plan=pro")
def list_flags(ctx: typer.Context, *, who: Who = "", attributes: With = None, run_id: Run = "") -> None:
    """List every flag, with what it is for you or for somebody else."""
    _table(ctx, _evaluated(ctx, [], _asked(who, attributes, run_id)))


@app.command(
    "get", rich_help_panel=_READ, epilog="genesis flag get new_search\n\ngenesis flag get new_search --for ann --with plan=pro --explain"
)
def get_flag(
    ctx: typer.Context,
    keys: Keys,
    *,
    who: Who = "",
    attributes: With = None,
    run_id: Run = "",
    explain: Annotated[bool, typer.Option("--explain", help="Also how each flag came to its value; at most 20 flags.")] = False,
) -> None:
    """Show some flags by key."""
    _get(ctx, keys, _asked(who, attributes, run_id), explain=explain)


@app.command("explain", rich_help_panel=_READ, epilog="genesis flag explain new_search --for ann")
def explain_flag(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the flag.", show_default=False)],
    *,
    who: Who = "",
    attributes: With = None,
    run_id: Run = "",
) -> None:
    """Show the way to a flag's value: its layer, the steps through its rule, the draw and how far it is from turning out otherwise."""
    _get(ctx, [key], _asked(who, attributes, run_id), explain=True)


@app.command("show", rich_help_panel=_READ)
def show_flag(ctx: typer.Context, key: Annotated[str, typer.Argument(metavar="KEY", help="Key of the flag.", show_default=False)]) -> None:
    """Show a flag's definition in every layer, and its version. Role: admin."""
    from genesis_server.cli.show.flag_changes import definition_view

    run = session.of(ctx)
    with run.client(health_checking=False) as client:
        answer = client.get_flag(key)
    run.answer(answer, lambda console: console.print(definition_view(answer.flag)))


@app.command("history", rich_help_panel=_READ, epilog="genesis flag history new_search --limit 5")
def history(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="[KEY]", help="Only changes of this flag.", show_default=False)] = "",
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 20,
) -> None:
    """List what changed flags, by whom and why, newest first, with the differences. Role: admin."""
    from genesis_server.cli.show.flag_changes import history_view

    run = session.of(ctx)
    answer = audit.entries_of(run, key=key, limit=limit)
    run.answer(answer, lambda console: console.print(history_view(answer.entries)))


app.command("set", rich_help_panel=_CHANGE, epilog=flag_changes.EXAMPLES)(flag_changes.set_flag)
app.command("delete", rich_help_panel=_CHANGE)(flag_changes.delete_flag)


@app.command("lint", rich_help_panel=_HERE)
def lint(
    ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="A flag file; - is stdin.", show_default=False)]
) -> None:
    """Tell every mistake in a flag file, and what is likely meant otherwise. Exit code 1 when there is any of these."""
    from genesis_server.cli.show.flag_findings import findings_view
    from genesis_server.flags.lint import FindingKind, lint_flags

    run = session.of(ctx)
    findings = lint_flags(sys.stdin.buffer.read() if str(file) == STDIN else file.read_bytes(), file.name)
    if run.json:
        valid = all(finding.kind is not FindingKind.MISTAKE for finding in findings)
        typer.echo(json.dumps({"valid": valid, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        run.out.print(findings_view(findings))
    raise typer.Exit(ExitCode.FAILED if findings else ExitCode.OK)


def _asked(who: str, attributes: list[str] | None, run_id: str) -> FlagOptions:
    return {"targeting_key": who, "attributes": pairs(attributes, "--with"), "run_id": run_id}


def _get(ctx: typer.Context, keys: list[str], asked: FlagOptions, *, explain: bool) -> None:
    from genesis_server.cli.show.flags import explained_view

    if not explain:
        _table(ctx, _evaluated(ctx, keys, asked))
        return
    answer = _evaluated(ctx, keys, {**asked, "explain": True})
    session.of(ctx).answer(answer, lambda console: console.print(explained_view(answer)))


def _evaluated(ctx: typer.Context, keys: list[str], asked: FlagOptions) -> FlagResponse:
    with session.of(ctx).client(health_checking=False) as client:
        return client.flag(*keys, **asked)


def _table(ctx: typer.Context, answer: FlagResponse) -> None:
    from genesis_server.cli.show.flags import flags_table

    session.of(ctx).answer(answer, lambda console: console.print(flags_table(answer.flags)))
