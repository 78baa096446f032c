"""`genesis audit`: who did what to flags, and the proof that the record is whole."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_server.cli import session
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError

if TYPE_CHECKING:
    from genesis.admin.v1.flag_admin_service_pb2 import ListAuditEntriesResponse

_HASH = re.compile(r"[0-9a-fA-F]{64}")

app = typer.Typer(no_args_is_help=True, help="The audit log of flags: list, verify. Role: admin.")


def entries_of(run: session.Session, *, key: str, limit: int, oldest_first: bool = False) -> ListAuditEntriesResponse:
    """At most `limit` entries, of one flag when `key` is given, with the head of the log."""
    from genesis.admin.v1.flag_admin_service_pb2 import ListAuditEntriesResponse

    answer = ListAuditEntriesResponse()
    with run.client(health_checking=False) as client:
        for page in client.audit_pages(key=key, oldest_first=oldest_first, page_size=min(limit, 200)):
            answer.entries.extend(page.entries[: limit - len(answer.entries)])
            answer.head_sequence, answer.head_hash = page.head_sequence, page.head_hash
            if len(answer.entries) == limit:
                break
    return answer


@app.command("list", epilog="genesis audit list --flag new_search --oldest-first")
def list_entries(
    ctx: typer.Context,
    *,
    flag: Annotated[str, typer.Option(metavar="KEY", help="Only entries of this flag.")] = "",
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Oldest first instead of newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
) -> None:
    """List who did what to flags, and why, newest first."""
    from genesis_server.cli.show.flag_changes import audit_table

    run = session.of(ctx)
    answer = entries_of(run, key=flag, oldest_first=oldest_first, limit=limit)
    run.answer(answer, lambda console: console.print(audit_table(answer.entries)))


@app.command("verify", epilog="genesis audit verify --expect-head $(cat head.txt)")
def verify(
    ctx: typer.Context,
    *,
    expect_head: Annotated[
        str,
        typer.Option(
            metavar="HASH",
            help="A head that an earlier run told: it must still be in the log. Without one, entries taken off the end are not noticed.",
        ),
    ] = "",
) -> None:
    """Read the whole log and compute every hash again, on this machine.

    Exit code 1 with the first entry that was changed, taken out or put in.
    """
    from genesis.audit import BrokenChainError, proven
    from genesis_server.cli.show.flag_changes import proof_view

    run = session.of(ctx)
    if expect_head and not _HASH.fullmatch(expect_head):
        raise CommandError("--expect-head takes a head as `genesis audit verify` tells it: 64 hexadecimal digits")
    with run.client(health_checking=False) as client, run.waiting("reading the log …"):
        try:
            found = proven(client.audit_pages(oldest_first=True, page_size=200), expected=expect_head)
        except BrokenChainError as error:
            found = error
    if not run.json:
        run.out.print(proof_view(found))
    elif isinstance(found, BrokenChainError):
        typer.echo(json.dumps({"whole": False, "brokenEntry": found.sequence, "what": found.what}, indent=2))
    else:
        told = {"whole": True, "entries": found.entries, "head": found.head, "expectedAt": found.expected_at}
        typer.echo(json.dumps(told, indent=2))
    raise typer.Exit(ExitCode.FAILED if isinstance(found, BrokenChainError) else ExitCode.OK)
