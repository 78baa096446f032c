"""`genesis why` and `genesis decisions`: what was decided, from what, and what would have changed it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from genesis_server.cli import session
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.failure import CommandError

if TYPE_CHECKING:
    from typing import Literal

    from genesis import Client
    from genesis.options import DecisionsOptions
    from genesis.v1.decision_pb2 import Decision, GetDecisionResponse
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
        plan = client.get_plan(plan_id).plan
        graph = PlanGraph(plan)
        task_ids = [_task_id(graph, name)] if name else [task.id for task in plan.tasks]
        planned, routed = _latest(client, plan_id, "plan"), _latest(client, plan_id, "route")
        replays = [
            None if found is None else client.get_decision(found.id, replay=True, explanation="full", task_ids=task_ids)
            for found in (planned, routed)
        ]
    if run.json:
        for replay in replays:
            if replay is not None:
                typer.echo(session.as_json(replay))
        return
    run.out.print(why_view(graph, task_ids, *replays))


def _task_id(graph: PlanGraph, name: str) -> str:
    found = graph.find(name) or next((node for node in graph.nodes if node.number == name), None)
    if found is None:
        raise CommandError(f"the plan has no task {name!r}; `genesis plans get` tells their numbers", code=ExitCode.REFUSED)
    return found.task.id


def _latest(client: Client, plan_id: str, kind: Literal["plan", "route"]) -> Decision | None:
    options: DecisionsOptions = {"plan_id": plan_id, "kind": kind, "page_size": 1}
    return next(client.list_decisions(**options), None)


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
