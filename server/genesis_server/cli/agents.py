"""`genesis agents`: who is there, and catalogues of others in Genesis' form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genesis_server.cli import session
from genesis_server.cli.catalogues import read_catalogue
from genesis_server.cli.files import write_text

app = typer.Typer(no_args_is_help=True, help="Agents the server knows; catalogues of others in Genesis' form.")


@app.command("list")
def list_agents(ctx: typer.Context, skill: Annotated[str, typer.Option(metavar="ID", help="Only agents with this skill.")] = "") -> None:
    """List the agents that plans are routed to when a request brings no catalogue."""
    from genesis.v1.agent_service_pb2 import AgentServiceListResponse
    from genesis_server.cli.show.server import agents_table

    run = session.of(ctx)
    with run.client() as client:
        agents = list(client.agents(page_size=200, skill_id=skill))
    run.answer(AgentServiceListResponse(agents=agents), lambda console: console.print(agents_table(agents)))


@app.command("import")
def import_agents(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Tools or agents of others; - is standard input.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead of standard output.")] = None,
) -> None:
    """Turn MCP tools/list JSON, OpenAI tool schemas or A2A agent cards into an agents file; with --json, into the contract's form."""
    from genesis_server.agents.exporting import to_toml
    from genesis_server.rpc.convert import catalogue_to_proto

    run = session.of(ctx)
    read = read_catalogue(file)
    for note in read.notes:
        run.note(note)
    write_text(output, session.as_json(catalogue_to_proto(read.catalogue)) + "\n" if run.json else to_toml(read.catalogue))
