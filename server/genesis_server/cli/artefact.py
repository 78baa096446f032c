"""`genesis artefact`: what tasks put out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session
from genesis_server.cli.failure import CommandError
from genesis_server.cli.files import write_text
from genesis_server.cli.task_ids import find_task

if TYPE_CHECKING:
    from genesis.v1.work_pb2 import TaskArtefact


def artefact(
    ctx: typer.Context,
    plan_id: o.PlanId,
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help="Only what this task put out, by id or number.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The artefact whose value is wanted.", show_default=False)] = None,
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the value there.")] = None,
) -> None:
    """List what a plan's tasks put out; with TASK and NAME, print a value: texts as they are, everything else as JSON."""
    from genesis.v1.orchestrator_service_pb2 import GetPlanResponse
    from genesis_server.cli.drawing.graph import PlanGraph
    from genesis_server.cli.show.artefacts import artefacts_table, where

    run = session.of(ctx)
    if output is not None and name is None:
        raise CommandError("--output writes one value: name the task and the artefact")
    with run.client() as client:
        stored = client.get_plan(plan_id, contents=name is not None)
    task_id = find_task(stored.plan, task).id if task else None
    found = [one for one in stored.artefacts if task_id is None or one.task_id == task_id]
    if name is None:
        answer = GetPlanResponse(artefacts=found)
        run.answer(answer, lambda console: console.print(artefacts_table(found, PlanGraph(stored.plan))))
        return
    one = _named(found, name)
    if one.artefact.WhichOneof("content") == "reference":
        if output is not None:
            raise CommandError(f"{name} lies elsewhere, and only its owner can fetch it: {one.artefact.reference.uri}")
        run.answer(one, lambda console: console.print(where(one), soft_wrap=True))
    elif run.json and output is None:
        run.answer(one, lambda _: None)
    else:
        write_text(output, value_text(one))


def _named(found: list[TaskArtefact], name: str) -> TaskArtefact:
    for one in found:
        if one.artefact.name == name:
            return one
    there = ", ".join(sorted({one.artefact.name for one in found})) or "nothing yet"
    raise CommandError(f"the task put out no {name!r}; there is: {there}")


def value_text(one: TaskArtefact) -> str:
    """The value as it goes to a file or a pipe: a text as it is, everything else as JSON; ends with a new line."""
    from google.protobuf import json_format

    if one.artefact.WhichOneof("content") is None:
        raise CommandError(f"{one.artefact.name} did not come with the answer: the values of a plan travel up to 4 MiB together")
    value: Any = json_format.MessageToDict(one.artefact.value)
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if text.endswith("\n") else text + "\n"
