"""`genesis run`: a goal is planned, handed to agents, and watched until it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.exits import ExitCode
from genesis_server.cli.limits import budget_options, limit_options
from genesis_server.cli.planning import Goal, outcome, plan_options

if TYPE_CHECKING:
    from genesis.options import OrchestrateOptions
    from genesis.v1.orchestrator_service_pb2 import OrchestrateResponse
    from genesis_server.cli.picture import RunPicture


def run(
    ctx: typer.Context,
    goal: Goal,
    *,
    budget: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="The most the whole run may cost, for example 0.50USD.", rich_help_panel="Limits")
    ] = None,
    tokens: o.Tokens = None,
    max_tasks: Annotated[int | None, typer.Option(min=0, help="The most attempts at tasks.", rich_help_panel="Limits")] = None,
    max_time: Annotated[
        str | None, typer.Option(metavar="SPAN", help="The longest it may take: 90s, 10m, 2h or 1d.", rich_help_panel="Limits")
    ] = None,
    priority: o.Priority = None,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Watch it until it ends, or leave it to the server.")] = True,
    given: o.Givens = None,
    max_level: o.MaxLevel = None,
    seed: o.Seed = 0,
    request_id: o.RequestId = None,
    region: o.Regions = None,
    data_class: o.DataClass = None,
    deadline: o.Deadline = None,
    exclude: o.Exclude = None,
    sticky_key: o.StickyKey = "",
) -> None:
    """Plan a goal, hand it to agents that have joined, and watch it until it ends. Exit code 1 when it failed or was cancelled.

    Also when its budget is used up: it waits for more then. Ctrl-C ends the watching, not the plan.
    """
    from genesis_server.cli.following import plan_goes_on, show_until_end

    told = session.of(ctx)
    options: OrchestrateOptions = {
        **plan_options(told, None, given, max_level, seed=seed, request_id=request_id),
        **limit_options(budget, region, data_class, deadline, exclude, sticky_key=sticky_key),
        "dispatch": True if priority is None else priority,
    }
    if limits := budget_options(budget, tokens, max_tasks, max_time):
        options["run_budget"] = limits
    with told.client() as client:
        with told.waiting("planning, routing, validating …"):
            answer = client.orchestrate(goal, **options)
        if not watch:
            _show_handed_over(told, answer)
            raise typer.Exit(outcome(answer))
        with plan_goes_on(told, answer.plan.id):
            picture = show_until_end(told, client, answer.plan.id, while_it_can_pay=True)
        if picture.cannot_pay():
            told.note(f"its budget is used up, and it waits; it goes on when you give it more: genesis budget {answer.plan.id} --help")
        if told.json:
            told.answer(client.get_plan(answer.plan.id, contents=True), lambda _: None)
    raise typer.Exit(exit_code(picture))


def exit_code(picture: RunPicture) -> ExitCode:
    """OK when the plan is done."""
    from genesis.v1 import plan_pb2

    return ExitCode.OK if picture.plan.state == plan_pb2.PLAN_STATE_DONE else ExitCode.FAILED


def _show_handed_over(told: session.Session, answer: OrchestrateResponse) -> None:
    """The whole answer, and how to see what becomes of it."""
    from genesis_server.cli.show.whole import show_orchestration

    told.answer(answer, lambda console: show_orchestration(console, answer))
    told.note(f"handed to agents; watch it: genesis plans watch {answer.plan.id} --runs")
