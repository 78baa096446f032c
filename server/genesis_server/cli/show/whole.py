"""A whole orchestration: plan, assignments, verdict, repairs, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.show.artefacts import summary
from genesis_server.cli.show.assignments import assignment_table
from genesis_server.cli.show.balance import balance_view
from genesis_server.cli.show.plan_tree import plan_tree
from genesis_server.cli.show.provenance import provenance_view
from genesis_server.cli.show.verdict import repairs_view, verdict_view
from genesis_server.cli.text import plain

if TYPE_CHECKING:
    from rich.console import Console

    from genesis.v1.orchestrator_service_pb2 import GetPlanResponse, OrchestrateResponse


def show_orchestration(console: Console, answer: OrchestrateResponse) -> None:
    """Everything that Orchestrate says."""
    graph = PlanGraph(answer.plan)
    console.print(plan_tree(graph, answer.verdict.schedule.critical_path))
    console.print()
    console.print(assignment_table(answer.routes, answer.budget, graph))
    console.print()
    console.print(verdict_view(answer.verdict, graph))
    if answer.repairs:
        console.print(repairs_view(answer.repairs, graph))
    console.print()
    console.print(provenance_view(answer.provenance, stored=answer.stored))


def show_stored(console: Console, answer: GetPlanResponse, now: float) -> None:
    """A stored plan with whatever was stored with it. `now`: seconds since the epoch."""
    graph = PlanGraph(answer.plan)
    runs = {run.task_id: run for run in answer.runs}
    console.print(plan_tree(graph, answer.verdict.schedule.critical_path, runs))
    if answer.artefacts:
        console.print(Text(f"{summary(answer.artefacts)}; `genesis artefact {plain(answer.plan.id)}` lists them", style="dim"))
    if answer.HasField("balance"):
        console.print(balance_view(answer.balance, now))
    if answer.routes:
        console.print()
        console.print(assignment_table(answer.routes, None, graph))
    if answer.HasField("verdict"):
        console.print()
        console.print(verdict_view(answer.verdict, graph))
    console.print()
    console.print(provenance_view(answer.provenance))
