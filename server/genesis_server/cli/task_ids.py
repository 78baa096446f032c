"""Tasks named by their numbers, as the plan's tree shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genesis_server.cli.failure import CommandError

if TYPE_CHECKING:
    from genesis.v1.plan_pb2 import Plan, Task

_NUMBER = re.compile(r"\d+(\.\d+)*")


def is_number(name: str) -> bool:
    """Whether it may be a task's number."""
    return _NUMBER.fullmatch(name) is not None


def ids_by_name(plan: Plan) -> dict[str, str]:
    """The id of every task by its number and by itself; an id that looks like a number is an id."""
    from genesis_server.cli.drawing.graph import PlanGraph

    ids = {node.number: node.task.id for node in PlanGraph(plan).nodes if node.task.id}
    return ids | {task.id: task.id for task in plan.tasks}


def find_task(plan: Plan, name: str) -> Task:
    """The task of an id or number; what names none is a usage error."""
    task_id = ids_by_name(plan).get(name)
    for task in plan.tasks:
        if task.id == task_id:
            return task
    raise CommandError(f"the plan has no task {name!r}: `genesis tasks {plan.id}` lists them with their numbers")
