"""Running a function for a task, and what is to be reported of it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from google.protobuf.json_format import MessageToDict

from genesis import _values as values
from genesis.options import ReportOptions
from genesis.reference import Reference
from genesis.v1.agent_service_pb2 import WorkAssignment
from genesis.worker import tracing
from genesis.worker.leases import Held
from genesis.worker.outcomes import Decline, TaskFailed
from genesis.worker.returning import outputs

_LOG = logging.getLogger("genesis.worker")
_ERROR_CHARACTERS = 5000
_REASON_CHARACTERS = 1000


def inputs_of(assignment: WorkAssignment) -> dict[str, Any]:
    """The inputs of a task by name: JSON values, and references."""
    found: dict[str, Any] = {}
    for one in assignment.inputs:
        if one.WhichOneof("content") == "reference":
            found[one.name] = Reference(one.reference.uri, one.reference.sha256, one.reference.media_type)
        else:
            found[one.name] = MessageToDict(one.value)
    return found


async def perform(held: Held, pool: Executor) -> ReportOptions:
    """Run the function of a task to its end; what to report of it.

    Raises:
        asyncio.CancelledError: when the task is cancelled.
    """
    try:
        with tracing.span(f"task {held.skill.entry.id}", held.context.traceparent):
            result = await _called(held, pool)
        report = _done(held, result)
    except Decline as reason:
        return {"declined": str(reason)[:_REASON_CHARACTERS]}
    except TaskFailed as error:
        report = failed(str(error), permanent=error.permanent)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a function does, it is its task that fails)
        _LOG.exception("task %s of plan %s failed", held.assignment.task.id, held.assignment.plan_id)
        report = failed(f"{type(error).__name__}: {error}", permanent=False)
    if (used := held.context.used) is not None:
        report["tokens"] = used.tokens
        if used.HasField("cost"):
            report["cost"] = used.cost
    return report


def failed(error: str, *, permanent: bool) -> ReportOptions:
    """The report of a failure."""
    return {"failed": error[:_ERROR_CHARACTERS], "permanent": permanent}


async def _called(held: Held, pool: Executor) -> Any:
    skill = held.skill
    arguments = skill.binding.bind(held.context.inputs, held.context)
    if skill.asynchronous:
        return await skill.function(**arguments)
    # The span of the task goes with the function into its thread.
    around = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: around.run(_plainly, skill.function, arguments))


def _plainly(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    try:
        return function(**arguments)
    except StopIteration as error:
        # No future takes one: the task would never end.
        raise RuntimeError("the function raised StopIteration") from error


def _done(held: Held, result: Any) -> ReportOptions:
    declared = [one.name for one in held.assignment.task.outputs]
    plain, references = outputs(result, declared, [one.name for one in held.skill.entry.outputs])
    try:
        values.struct(plain)
    except ValueError as error:
        raise TaskFailed(f"the result cannot be sent: {error}", permanent=True) from error
    return {"done": plain, "references": references}
