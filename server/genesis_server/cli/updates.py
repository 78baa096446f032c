"""`genesis plans done | fail | tell | edit | pause | resume | cancel | watch`: what happens to a stored plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeAlias, cast

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.failure import CommandError
from genesis_server.cli.files import read_json
from genesis_server.cli.task_ids import ids_by_name, is_number

if TYPE_CHECKING:
    from typing import Unpack

    from genesis import Client
    from genesis.options import UpdateOptions

Seen: TypeAlias = Annotated[int, typer.Option("--plan-version", min=0, help="Only at this version; 0: whatever it is.")]


_TASKS: tuple[Literal["done", "failed", "approve", "refuse"], ...] = ("done", "failed", "approve", "refuse")
"""Events that name a task."""


def done(
    ctx: typer.Context,
    plan_id: o.PlanId,
    task_id: o.TaskId,
    *,
    output: Annotated[
        list[str] | None, typer.Option("--output", metavar="NAME=JSON", help="What it put out; repeatable. What is no JSON is a text.")
    ] = None,
    plan_version: Seen = 0,
    request_id: o.RequestId = None,
) -> None:
    """Tell that a task succeeded; shows what is ready now."""
    update(ctx, plan_id, done=task_id, outputs=pairs(output, "--output"), version=plan_version, request_id=request_id or "")


def fail(
    ctx: typer.Context,
    plan_id: o.PlanId,
    task_id: o.TaskId,
    *,
    error: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    plan_version: Seen = 0,
    request_id: o.RequestId = None,
) -> None:
    """Tell that a task failed for good; the plan is repaired around it."""
    update(ctx, plan_id, failed=task_id, error=error, version=plan_version, request_id=request_id or "")


def tell(
    ctx: typer.Context,
    plan_id: o.PlanId,
    *,
    fact: Annotated[list[str] | None, typer.Option("--fact", metavar="NAME=JSON", help="What became known; repeatable.")] = None,
    about: Annotated[list[str] | None, typer.Option(metavar="TASK", help="A task the text is about, by id or number; repeatable.")] = None,
    text: Annotated[str, typer.Option(metavar="TEXT", help="New words for what those tasks are to do.")] = "",
    plan_version: Seen = 0,
    request_id: o.RequestId = None,
) -> None:
    """Tell a plan what became known: facts for its conditions, or new words for tasks."""
    if not fact and not text:
        raise CommandError("give at least one --fact NAME=JSON, or --text with --about TASK_ID")
    update(
        ctx,
        plan_id,
        facts=pairs(fact, "--fact"),
        about=about or (),
        text=text,
        version=plan_version,
        request_id=request_id or "",
    )


def edit(
    ctx: typer.Context,
    plan_id: o.PlanId,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help='JSON as in genesis.v1.PlanEdit: {"edits": [...]}; - is stdin.', show_default=False),
    ],
    *,
    plan_version: Seen = 0,
    request_id: o.RequestId = None,
) -> None:
    """Change a plan: put tasks and edges in, change them, take them out; all edits happen or none."""
    edits = read_json(file).get("edits")
    if not isinstance(edits, list):
        raise CommandError(f'{file} must hold edits, for example {{"edits": [{{"remove_task_id": "build"}}]}}')
    update(ctx, plan_id, edits=cast("list[dict[str, Any]]", edits), version=plan_version, request_id=request_id or "")


def pause(ctx: typer.Context, plan_id: o.PlanId, *, plan_version: Seen = 0, request_id: o.RequestId = None) -> None:
    """Let nothing become ready until the plan is resumed."""
    update(ctx, plan_id, pause=True, version=plan_version, request_id=request_id or "")


def resume(ctx: typer.Context, plan_id: o.PlanId, *, plan_version: Seen = 0, request_id: o.RequestId = None) -> None:
    """Go on with a paused plan."""
    update(ctx, plan_id, resume=True, version=plan_version, request_id=request_id or "")


def cancel(ctx: typer.Context, plan_id: o.PlanId, *, plan_version: Seen = 0, request_id: o.RequestId = None) -> None:
    """End a plan; what has not ended is cancelled."""
    update(ctx, plan_id, cancel=True, version=plan_version, request_id=request_id or "")


def dispatch(
    ctx: typer.Context, plan_id: o.PlanId, *, priority: o.Priority = None, plan_version: Seen = 0, request_id: o.RequestId = None
) -> None:
    """Hand a plan to agents that have joined, or change its priority."""
    update(ctx, plan_id, dispatch=True if priority is None else priority, version=plan_version, request_id=request_id or "")


def watch(
    ctx: typer.Context,
    plan_id: o.PlanId,
    *,
    after_version: Annotated[int, typer.Option(min=0, help="The last version seen; 0: from the first.")] = 0,
    runs: Annotated[
        bool, typer.Option("--runs", help="Also who works on what and what waits: a live tree on a terminal, a line an event elsewhere.")
    ] = False,
) -> None:
    """Show every version of a plan as it comes, until the plan ends; with --json, one JSON line for each."""
    from genesis_server.cli.following import plan_goes_on, show_until_end
    from genesis_server.cli.show.updates import change_view

    run = session.of(ctx)
    with run.client() as client:
        if runs and not run.json:
            with plan_goes_on(run, plan_id):
                show_until_end(run, client, plan_id)
            return
        for change in client.watch_plan(plan_id, after_version=after_version, runs=runs):
            if run.json:
                typer.echo(session.as_json(change, indent=None))
            else:
                run.out.print(change_view(change))


def pairs(given: list[str] | None, option: str) -> dict[str, Any]:
    """The values of `NAME=JSON` options; what is no JSON counts as a text."""
    values: dict[str, Any] = {}
    for pair in given or ():
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"{option} {pair!r}: give NAME=VALUE, for example {option} tests=passed")
        try:
            values[name] = json.loads(text, parse_constant=_no_json)
        except ValueError:
            values[name] = text
        except RecursionError as error:
            raise CommandError(f"{option} {name}: the value is nested too deeply") from error
    return values


def _no_json(name: str) -> NoReturn:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def update(ctx: typer.Context, plan_id: str, **event: Unpack[UpdateOptions]) -> None:
    """Tell a plan what happened, and show what that changed."""
    from genesis_server.cli.show.updates import update_view

    run = session.of(ctx)
    with run.client() as client:
        answer = client.update_plan(plan_id, **_by_id(client, plan_id, event))
    run.answer(answer, lambda console: console.print(update_view(answer)))


def _by_id(client: Client, plan_id: str, event: UpdateOptions) -> UpdateOptions:
    """The event with the ids of tasks that are named by their numbers, as the plan's tree shows them."""
    if not any(is_number(name) for name in (*event.get("about", ()), *(event.get(name, "") for name in _TASKS))):
        return event
    ids = ids_by_name(client.get_plan(plan_id).plan)
    changed: UpdateOptions = {**event}
    for name in _TASKS:
        if told := event.get(name, ""):
            changed[name] = ids.get(told, told)
    if "about" in event:
        changed["about"] = [ids.get(name, name) for name in event["about"]]
    return changed
