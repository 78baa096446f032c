"""`genesis route` and `genesis validate`: for plans from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.catalogues import catalogue_option
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError
from genesis_server.cli.files import PlanFile, read_plan, read_routes
from genesis_server.cli.limits import limit_options

if TYPE_CHECKING:
    from rich.console import Console

    from genesis.options import RouteOptions, ValidateOptions

PlanArgument = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="A plan in JSON, as --json writes it; - is standard input.", show_default=False)
]
PlanId = Annotated[str | None, typer.Option(metavar="ID", help="Id of a stored plan, instead of a file.")]


def route(
    ctx: typer.Context,
    file: PlanArgument = None,
    *,
    plan_id: PlanId = None,
    catalogue: o.CatalogueFile = None,
    explain: o.Explain = o.Proof.SUMMARY,
    seed: o.Seed = 0,
    budget: o.Budget = None,
    region: o.Regions = None,
    data_class: o.DataClass = None,
    deadline: o.Deadline = None,
    exclude: o.Exclude = None,
    sticky_key: o.StickyKey = "",
) -> None:
    """Give every task of a plan an agent and a model, with the reason. Exit code 1 when a task has nobody."""
    run = session.of(ctx)
    given = _given(file, plan_id)
    options: RouteOptions = {
        **limit_options(budget, region, data_class, deadline, exclude, sticky_key=sticky_key),
        "catalogue": catalogue_option(run, catalogue),
        "explanation": explain.value,
        "seed": seed,
    }
    with run.client() as client, run.waiting("routing …"):
        plan = given.plan if given else client.get_plan(plan_id or "").plan
        answer = client.route(plan if given else plan_id or "", **options)

    def show(console: Console) -> None:
        from genesis_server.cli.drawing.graph import PlanGraph
        from genesis_server.cli.show.assignments import assignment_table
        from genesis_server.cli.show.provenance import provenance_view

        console.print(assignment_table(answer.routes, answer.budget, PlanGraph(plan)))
        console.print()
        console.print(provenance_view(answer.provenance))

    run.answer(answer, show)
    assigned = all(route.WhichOneof("outcome") == "assignment" for route in answer.routes)
    raise typer.Exit(ExitCode.OK if assigned else ExitCode.FAILED)


def validate(
    ctx: typer.Context,
    file: PlanArgument = None,
    *,
    plan_id: PlanId = None,
    routes: Annotated[Path | None, typer.Option(metavar="FILE", help="Its routing, as `genesis route --json` wrote it.")] = None,
    goal: Annotated[str, typer.Option(metavar="TEXT", help="The goal to judge against; the plan's own when left out.")] = "",
    catalogue: o.CatalogueFile = None,
    budget: o.Budget = None,
    region: o.Regions = None,
    data_class: o.DataClass = None,
    deadline: o.Deadline = None,
    exclude: o.Exclude = None,
    apply_fixes: Annotated[bool, typer.Option("--apply-fixes", help="Apply the fixes until none helps, and show the mended plan.")] = False,
) -> None:
    """Judge a plan, and its routing when the file or --routes has one. Exit code 1 when the verdict failed."""
    run = session.of(ctx)
    given = _given(file, plan_id)
    routing = read_routes(routes) if routes else given.routes if given else ()
    options: ValidateOptions = {
        **limit_options(budget, region, data_class, deadline, exclude),
        "catalogue": catalogue_option(run, catalogue),
        "routes": routing,
        "goal": goal,
        "apply_fixes": apply_fixes,
    }
    with run.client() as client, run.waiting("validating …"):
        plan = given.plan if given else client.get_plan(plan_id or "").plan
        answer = client.validate(plan if given else plan_id or "", **options)

    def show(console: Console) -> None:
        from genesis_server.cli.drawing.graph import PlanGraph
        from genesis_server.cli.show.plan_tree import plan_tree
        from genesis_server.cli.show.provenance import provenance_view
        from genesis_server.cli.show.verdict import repairs_view, verdict_view

        graph = PlanGraph(answer.plan if answer.HasField("plan") else plan)
        if apply_fixes:
            console.print(plan_tree(graph))
            console.print()
        console.print(verdict_view(answer.verdict, graph))
        if answer.repairs:
            console.print(repairs_view(answer.repairs, PlanGraph(plan)))
        console.print()
        console.print(provenance_view(answer.provenance))

    run.answer(answer, show)
    raise typer.Exit(ExitCode.OK if answer.verdict.passed else ExitCode.FAILED)


def _given(file: Path | None, plan_id: str | None) -> PlanFile | None:
    if (file is None) == (plan_id is None):
        raise CommandError("give either a file with a plan or --plan-id")
    return None if file is None else read_plan(file)
