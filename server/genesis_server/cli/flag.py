"""`genesis flag`: what each flag is, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from genesis_server.cli import session

app = typer.Typer(no_args_is_help=True, help="Feature flags: what each one is, and why.")


@app.command("list")
def list_flags(ctx: typer.Context) -> None:
    """List every flag that switches something."""
    _show(ctx, [])


@app.command("get")
def get_flag(
    ctx: typer.Context, keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys of flags.", show_default=False)]
) -> None:
    """Show some flags by key."""
    _show(ctx, keys)


def _show(ctx: typer.Context, keys: list[str]) -> None:
    from genesis_server.cli.show.server import flags_table

    run = session.of(ctx)
    with run.client() as client:
        answer = client.flag(*keys)
    run.answer(answer, lambda console: console.print(flags_table(answer.flags)))
