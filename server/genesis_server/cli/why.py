"""`genesis why` and `genesis decisions`: what was decided, from what, and what would have changed it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_server.cli import session
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genesis import Client
    from genesis.v1.decision_pb2 import Decision, GetDecisionResponse
    from genesis.v1.orchestrator_service_pb2 import GetPlanResponse
    from genesis.v1.routing_pb2 import TaskRoute
    from genesis_server.cli.drawing.graph import PlanGraph

decisions = typer.Typer(no_args_is_help=True, help="Recorded decisions: list, read, make again.")


def why(
    ctx: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="PLAN_ID[/TASK_ID]", help="A plan, or one of its tasks by id or number.", show_default=False)
    ],
) -> None:
    """Say why a task is in its plan and why its agent has it. The decisions are made again from what was stored."""
    from genesis_server.cli.drawing.graph import PlanGraph
    from genesis_server.cli.show.decision import why_view

    run = session.of(ctx)
    plan_id, _, name = subject.partition("/")
    with run.client() as client, run.waiting("deciding again …"):
        stored = client.get_plan(plan_id)
        graph = PlanGraph(stored.plan)
        task_ids = [_task_id(graph, name)] if name else [task.id for task in stored.plan.tasks]
        first = next(client.list_decisions(plan_id=plan_id, kind="plan", page_size=1), None)
        planned = None if first is None else _replay(client, first, task_ids)
        routed = _routed(client, stored, task_ids)
    if run.json:
        for replay in (planned, *routed):
            if replay is not None:
                typer.echo(session.as_json(replay))
        return
    run.out.print(why_view(graph, task_ids, planned, routed))


def _replay(client: Client, decision: Decision, task_ids: Sequence[str]) -> GetDecisionResponse:
    return client.get_decision(decision.id, replay=True, explanation="full", task_ids=task_ids)


def _routed(client: Client, stored: GetPlanResponse, task_ids: Sequence[str]) -> list[GetDecisionResponse]:
    """The decisions that gave the tasks the routes the plan has, newest first; the newest one when none did.

    An update routes the whole plan again and keeps the routes of what came or changed, so the newest decision is not the one for all.
    """
    kept = {route.task_id: _who(route) for route in stored.routes}
    missing = list(task_ids)
    found: list[GetDecisionResponse] = []
    newest: list[GetDecisionResponse] = []
    for decision in client.list_decisions(plan_id=stored.plan.id, kind="route"):
        replay = _replay(client, decision, missing)
        routes = [route for route in replay.routes if route.task_id in missing and kept.get(route.task_id, _who(route)) == _who(route)]
        del replay.routes[:]
        replay.routes.extend(routes)
        newest = newest or [replay]
        if routes:
            found.append(replay)
        settled = {route.task_id for route in routes}
        missing = [task_id for task_id in missing if task_id not in settled and task_id in kept]
        if not missing:
            break
    return found or newest


def _who(route: TaskRoute) -> tuple[str, str]:
    return route.assignment.target.id, route.assignment.target.model_id


def _task_id(graph: PlanGraph, name: str) -> str:
    found = graph.find(name) or next((node for node in graph.nodes if node.number == name), None)
    if found is None:
        raise CommandError(f"the plan has no task {name!r}; `genesis plans get` tells their numbers", code=ExitCode.REFUSED)
    return found.task.id


@decisions.command("list")
def list_decisions(
    ctx: typer.Context,
    *,
    plan: Annotated[str, typer.Option(metavar="PLAN_ID", help="Of this plan.")] = "",
    target: Annotated[str, typer.Option(metavar="ID", help="In which this agent or tool got a task.")] = "",
    rule: Annotated[str, typer.Option(metavar="ID", help="In which this rule fired.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 20,
) -> None:
    """List recorded decisions, newest first."""
    from genesis.v1.decision_pb2 import ListDecisionsResponse
    from genesis_server.cli.show.decision import decisions_table

    run = session.of(ctx)
    with run.client() as client:
        found = list(islice(client.list_decisions(plan_id=plan, target_id=target, rule_id=rule, page_size=min(limit, 200)), limit))
    run.answer(ListDecisionsResponse(decisions=found), lambda console: console.print(decisions_table(found)))


@decisions.command("get")
def get_decision(
    ctx: typer.Context,
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID", help="Id of the decision.", show_default=False)],
    *,
    replay: Annotated[bool, typer.Option("--replay", help="Make it again from what was stored, with its whole proof.")] = False,
) -> None:
    """Show a recorded decision. Exit code 1 when it does not come out the same again."""
    from genesis_server.cli.show.decision import decision_view

    run = session.of(ctx)
    with run.client() as client:
        answer = client.get_decision(decision_id, replay=replay, explanation="full" if replay else "summary")
    run.answer(answer, lambda console: console.print(decision_view(answer)))
    raise typer.Exit(_outcome(answer))


def _outcome(answer: GetDecisionResponse) -> ExitCode:
    return ExitCode.FAILED if answer.HasField("replay") and not answer.replay.same else ExitCode.OK
