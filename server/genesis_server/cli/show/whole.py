"""A whole orchestration: plan, assignments, verdict, repairs, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.show.assignments import assignment_table
from genesis_server.cli.show.plan_tree import plan_tree
from genesis_server.cli.show.provenance import provenance_view
from genesis_server.cli.show.verdict import repairs_view, verdict_view

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


def show_stored(console: Console, answer: GetPlanResponse) -> None:
    """A stored plan with whatever was stored with it."""
    graph = PlanGraph(answer.plan)
    console.print(plan_tree(graph, answer.verdict.schedule.critical_path))
    if answer.routes:
        console.print()
        console.print(assignment_table(answer.routes, None, graph))
    if answer.HasField("verdict"):
        console.print()
        console.print(verdict_view(answer.verdict, graph))
    console.print()
    console.print(provenance_view(answer.provenance))
