"""`genesis plans`: what is stored."""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session, updates
from genesis_server.cli.forms import chosen, export

app = typer.Typer(no_args_is_help=True, help="Stored plans: list, read, carry on, watch, delete.")


@app.command("list")
def list_plans(ctx: typer.Context, limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50) -> None:
    """List stored plans, newest first."""
    from genesis.v1.orchestrator_service_pb2 import ListPlansResponse
    from genesis_server.cli.show.server import plans_table

    run = session.of(ctx)
    with run.client() as client:
        plans = list(islice(client.list_plans(page_size=min(limit, 200)), limit))
    run.answer(ListPlansResponse(plans=plans), lambda console: console.print(plans_table(plans)))


@app.command("get")
def get_plan(
    ctx: typer.Context,
    plan_id: o.PlanId,
    *,
    dot: o.Dot = False,
    mermaid: o.Mermaid = False,
    svg: o.Svg = False,
    graphml: o.GraphML = False,
    output: o.Output = None,
) -> None:
    """Show a stored plan with its routing and verdict."""
    from genesis_server.cli.show.whole import show_stored

    run = session.of(ctx)
    form = chosen(dot=dot, mermaid=mermaid, svg=svg, graphml=graphml, json=run.json, output=output)
    with run.client() as client:
        answer = client.get_plan(plan_id)
    if form:
        export(form, answer.plan, output, routes=answer.routes, critical=answer.verdict.schedule.critical_path)
    else:
        run.answer(answer, lambda console: show_stored(console, answer, time.time()))


@app.command("delete")
def delete_plan(
    ctx: typer.Context,
    plan_id: o.PlanId,
    plan_version: Annotated[int, typer.Option(min=0, help="Delete only this version; 0: any.")] = 0,
    request_id: o.RequestId = None,
) -> None:
    """Delete a stored plan."""
    run = session.of(ctx)
    with run.client() as client:
        client.delete_plan(plan_id, version=plan_version, request_id=request_id or "")
    run.note(f"{plan_id} is deleted")


for command in (updates.done, updates.fail, updates.tell, updates.edit, updates.pause, updates.resume, updates.cancel):
    app.command(rich_help_panel="What happened")(command)
for command in (updates.dispatch, updates.watch):
    app.command(rich_help_panel="Being carried out")(command)
