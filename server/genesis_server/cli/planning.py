"""`genesis plan` and `genesis orchestrate`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.catalogues import catalogue_option
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError
from genesis_server.cli.forms import Form, chosen, export
from genesis_server.cli.limits import limit_options

if TYPE_CHECKING:
    from rich.console import Console

    from genesis.options import OrchestrateOptions, PlanOptions
    from genesis.v1.orchestrator_service_pb2 import OrchestrateResponse, PlanResponse, PlanStreamResponse

Goal = Annotated[str, typer.Argument(help="The goal in words, 1 to 5 000 characters.", show_default=False)]


def plan(
    ctx: typer.Context,
    goal: Goal,
    *,
    catalogue: o.CatalogueFile = None,
    given: o.Givens = None,
    max_level: o.MaxLevel = None,
    seed: o.Seed = 0,
    request_id: o.RequestId = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Tell each phase as it ends; with --json, one JSON line for each event.")
    ] = False,
    dot: o.Dot = False,
    mermaid: o.Mermaid = False,
    svg: o.Svg = False,
    graphml: o.GraphML = False,
    output: o.Output = None,
) -> None:
    """Make a plan of a goal: a tree of tasks with their dependencies."""
    run = session.of(ctx)
    form = chosen(dot=dot, mermaid=mermaid, svg=svg, graphml=graphml, json=run.json, output=output)
    options = plan_options(run, catalogue, given, max_level, seed=seed, request_id=request_id)
    with run.client() as client:
        if stream:
            answer = _last(run, client.plan_stream(goal, **options))
            if run.json:
                return
        else:
            with run.waiting("planning …"):
                answer = client.plan(goal, **options)
    _show_plan(run, answer, form, output)


def orchestrate(
    ctx: typer.Context,
    goal: Goal,
    *,
    catalogue: o.CatalogueFile = None,
    given: o.Givens = None,
    max_level: o.MaxLevel = None,
    explain: o.Explain = o.Proof.SUMMARY,
    seed: o.Seed = 0,
    request_id: o.RequestId = None,
    budget: o.Budget = None,
    region: o.Regions = None,
    data_class: o.DataClass = None,
    deadline: o.Deadline = None,
    exclude: o.Exclude = None,
    sticky_key: o.StickyKey = "",
    dot: o.Dot = False,
    mermaid: o.Mermaid = False,
    svg: o.Svg = False,
    graphml: o.GraphML = False,
    output: o.Output = None,
) -> None:
    """Plan, route, validate and repair in one call. Exit code 1 when the verdict failed or a task has nobody."""
    run = session.of(ctx)
    form = chosen(dot=dot, mermaid=mermaid, svg=svg, graphml=graphml, json=run.json, output=output)
    options: OrchestrateOptions = {
        **plan_options(run, catalogue, given, max_level, seed=seed, request_id=request_id),
        **limit_options(budget, region, data_class, deadline, exclude, sticky_key=sticky_key),
        "explanation": explain.value,
    }
    with run.client() as client, run.waiting("planning, routing, validating …"):
        answer = client.orchestrate(goal, **options)
    if form:
        export(form, answer.plan, output, routes=answer.routes, critical=answer.verdict.schedule.critical_path)
    else:
        from genesis_server.cli.show.whole import show_orchestration

        run.answer(answer, lambda console: show_orchestration(console, answer))
    raise typer.Exit(outcome(answer))


def outcome(answer: OrchestrateResponse) -> ExitCode:
    """OK when the verdict passed and every task has somebody."""
    assigned = all(route.WhichOneof("outcome") == "assignment" for route in answer.routes)
    return ExitCode.OK if answer.verdict.passed and assigned else ExitCode.FAILED


def plan_options(
    run: session.Session, catalogue: o.CatalogueFile, given: o.Givens, max_level: o.MaxLevel, *, seed: int, request_id: str | None
) -> PlanOptions:
    """How to plan, as the client takes it."""
    options: PlanOptions = {"catalogue": catalogue_option(run, catalogue), "givens": given or (), "seed": seed}
    if max_level is not None:
        options["max_level"] = max_level.value
    if request_id is not None:
        options["request_id"] = request_id
    return options


def _last(run: session.Session, events: Iterator[PlanStreamResponse]) -> PlanResponse:
    """Tell every event; the plan is in the last one."""
    from rich.text import Text

    from genesis_server.cli.text import plain, seconds, span

    answer = None
    for event in events:
        if run.json:
            typer.echo(session.as_json(event, indent=None))
        if event.WhichOneof("event") == "result":
            answer = event.result
        elif not run.json:
            done = event.progress
            words = f"{plain(done.phase.phase):10} {span(seconds(done.phase.duration)):>9}  {done.task_count} tasks  {plain(done.message)}"
            run.err.print(Text.assemble(("✓ ", "green"), words))
    if answer is None:
        raise CommandError("the server ended the stream without a plan", code=ExitCode.SERVER_FAULT)
    return answer


def _show_plan(run: session.Session, answer: PlanResponse, form: Form | None, output: o.Output) -> None:
    if form:
        export(form, answer.plan, output)
        return

    def show(console: Console) -> None:
        from genesis_server.cli.drawing.graph import PlanGraph
        from genesis_server.cli.show.plan_tree import plan_tree
        from genesis_server.cli.show.provenance import provenance_view

        console.print(plan_tree(PlanGraph(answer.plan)))
        console.print()
        console.print(provenance_view(answer.provenance, stored=answer.stored))

    run.answer(answer, show)
