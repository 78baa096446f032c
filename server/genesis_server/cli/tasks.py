"""`genesis tasks`, `genesis approve`, `genesis budget`: the work on a plan."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session, updates
from genesis_server.cli.failure import CommandError
from genesis_server.cli.limits import budget_options
from genesis_server.cli.task_ids import find_task

if TYPE_CHECKING:
    from genesis.options import RunBudget
    from genesis.v1.orchestrator_service_pb2 import GetPlanResponse
    from genesis.v1.work_pb2 import RunBalance

_NONE = "none"


def tasks(
    ctx: typer.Context,
    plan_id: o.PlanId,
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="One task with every attempt at it, by id or number.", show_default=False)
    ] = None,
    *,
    dead: Annotated[bool, typer.Option("--dead", help="Only tasks that will never be done, each with its reason.")] = False,
) -> None:
    """List a plan's tasks: how far each is, who works on it, what it waits for, what it cost."""
    from genesis_server.cli.picture import RunPicture
    from genesis_server.cli.show.tasks import task_view, tasks_table

    run = session.of(ctx)
    if task and dead:
        raise CommandError("give a task or --dead, not both")
    with run.client() as client:
        stored = client.get_plan(plan_id)
    picture = RunPicture.of(stored)
    if task:
        found = find_task(stored.plan, task)
        narrowed = only(stored, {found.id})
        run.answer(narrowed, lambda console: console.print(task_view(picture, found, narrowed.artefacts, time.time())))
        return
    wanted = _lost(stored) if dead else {one.id for one in stored.plan.tasks}
    run.answer(only(stored, wanted), lambda console: console.print(tasks_table(picture, wanted)))


def _lost(stored: GetPlanResponse) -> set[str]:
    """The tasks that were given up, and those that failed or were cancelled for a reason of their own."""
    from genesis.v1 import plan_pb2

    ended = {plan_pb2.TASK_STATE_FAILED, plan_pb2.TASK_STATE_CANCELLED}
    lost = {task.id for task in stored.plan.tasks if task.state in ended and task.error}
    return lost | {run.task_id for run in stored.runs if run.dead_letter}


def only(stored: GetPlanResponse, task_ids: set[str]) -> GetPlanResponse:
    """The stored plan with these tasks, and what is told of them."""
    from genesis.v1.orchestrator_service_pb2 import GetPlanResponse
    from genesis.v1.plan_pb2 import Plan

    plan = stored.plan
    kept = Plan(id=plan.id, version=plan.version, goal=plan.goal, state=plan.state)
    kept.tasks.extend(task for task in plan.tasks if task.id in task_ids)
    return GetPlanResponse(
        plan=kept,
        routes=[route for route in stored.routes if route.task_id in task_ids],
        runs=[run for run in stored.runs if run.task_id in task_ids],
        artefacts=[artefact for artefact in stored.artefacts if artefact.task_id in task_ids],
        balance=stored.balance if stored.HasField("balance") else None,
        dispatch=stored.dispatch if stored.HasField("dispatch") else None,
    )


def approve(
    ctx: typer.Context,
    plan_id: o.PlanId,
    task: o.TaskId,
    *,
    refuse: Annotated[bool, typer.Option("--refuse", help="It must not be done; the plan is repaired around it where it can be.")] = False,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")] = "",
    plan_version: updates.Seen = 0,
    request_id: o.RequestId = None,
) -> None:
    """Decide about a task that awaits approval; shows what is ready now."""
    if refuse:
        updates.update(ctx, plan_id, refuse=task, comment=comment, version=plan_version, request_id=request_id or "")
    else:
        updates.update(ctx, plan_id, approve=task, comment=comment, version=plan_version, request_id=request_id or "")


def budget(
    ctx: typer.Context,
    plan_id: o.PlanId,
    *,
    cost: Annotated[str | None, typer.Option(metavar="AMOUNT", help="The most the run may cost, for example 0.50USD.")] = None,
    tokens: Annotated[str | None, typer.Option(metavar="NUMBER", help="The most tokens of language models.")] = None,
    tasks: Annotated[str | None, typer.Option(metavar="NUMBER", help="The most attempts at tasks.")] = None,
    max_time: Annotated[str | None, typer.Option("--time", metavar="SPAN", help="The longest it may take: 90s, 10m, 2h or 1d.")] = None,
    plan_version: updates.Seen = 0,
    request_id: o.RequestId = None,
) -> None:
    """Show where a run stands with its budget; with options, change it. `none` takes a limit away, what is not named stays."""
    from genesis_server.cli.show.balance import balance_view

    run = session.of(ctx)
    given = {"cost": cost, "tokens": tokens, "tasks": tasks, "seconds": max_time}
    named = {name: value for name, value in given.items() if value is not None}
    changed = budget_options(_limit(cost), _whole(_limit(tokens), "--tokens"), _whole(_limit(tasks), "--tasks"), _limit(max_time))
    with run.client() as client:
        stored = client.get_plan(plan_id)
        balance = stored.balance if stored.HasField("balance") else None
        if named:
            kept = _limits(balance)
            for name in named:
                kept.pop(name, None)
            update = client.update_plan(plan_id, run_budget={**kept, **changed}, version=plan_version, request_id=request_id or "")
            balance = update.balance
    if balance is None:
        raise CommandError(f"{plan_id} has no run: hand it to agents with `genesis plans dispatch {plan_id}`")
    known = balance
    run.answer(known, lambda console: console.print(balance_view(known, time.time())))


def _limit(text: str | None) -> str | None:
    return None if text is None or text.lower() == _NONE else text


def _whole(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()):
        _refuse(text, option)
    return int(text)


def _refuse(text: str, option: str) -> NoReturn:
    raise CommandError(f"{option} {text!r}: give a whole number from 0, or none")


def _limits(balance: RunBalance | None) -> RunBudget:
    """The limits a run has, as the client takes them."""
    kept: RunBudget = {}
    if balance is None:
        return kept
    limit = balance.limit
    if limit.HasField("cost"):
        kept["cost"] = limit.cost
    if limit.HasField("tokens"):
        kept["tokens"] = limit.tokens
    if limit.HasField("tasks"):
        kept["tasks"] = limit.tasks
    if limit.HasField("time"):
        kept["seconds"] = limit.time.ToTimedelta()
    return kept
