"""Events of plans and what they change."""

from __future__ import annotations

from genesis.v1 import update_pb2
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    Approve,
    Cancel,
    ChangeBudget,
    ChangeTaskEdit,
    Edit,
    Information,
    Pause,
    PlanDiff,
    PlanEvent,
    RemoveEdgeEdit,
    RemoveTaskEdit,
    Resume,
    RunEvent,
    StartDispatch,
    TaskDone,
    TaskFailed,
    UndecidedGuard,
    UserEdit,
)
from genesis_server.resilience.errors import invalid_field
from genesis_server.rpc.convert.json_values import struct_from_proto
from genesis_server.rpc.convert.plans import edge_from_proto, edge_to_proto, task_from_proto, task_to_proto
from genesis_server.rpc.convert.work import priority_from_proto, run_budget_from_proto


def event_from_proto(  # noqa: C901, PLR0911  (one for each kind)
    request: update_pb2.UpdatePlanRequest, *, actor: str, traceparent: str = ""
) -> PlanEvent | RunEvent:
    """What happened, told by `actor` in a call with this trace context.

    Raises ValidationError INVALID_FIELD when the request says nothing, or a value that is no JSON.
    """
    match request.WhichOneof("event"):
        case "done":
            return TaskDone(request.done.task_id, struct_from_proto(request.done.outputs, "done.outputs"))
        case "failed":
            return TaskFailed(request.failed.task_id, request.failed.error)
        case "information":
            told = request.information
            return Information(struct_from_proto(told.facts, "information.facts"), tuple(told.task_ids), told.text)
        case "edit":
            return UserEdit(tuple(_edit(edit, place) for place, edit in enumerate(request.edit.edits)))
        case "pause":
            return Pause()
        case "resume":
            return Resume()
        case "cancel":
            return Cancel()
        case "approve":
            told = request.approve
            return Approve(told.task_id, actor, told.refused, told.comment)
        case "budget":
            return ChangeBudget(run_budget_from_proto(request.budget))
        case "dispatch":
            return StartDispatch(priority_from_proto(request.dispatch), traceparent)
        case _:
            raise invalid_field("event", "say what happened", "required")


def _edit(edit: update_pb2.Edit, place: int) -> Edit:
    match edit.WhichOneof("edit"):
        case "add_task":
            return AddTaskEdit(task_from_proto(edit.add_task))
        case "change_task":
            return ChangeTaskEdit(task_from_proto(edit.change_task))
        case "remove_task_id":
            return RemoveTaskEdit(edit.remove_task_id)
        case "add_edge":
            return AddEdgeEdit(edge_from_proto(edit.add_edge))
        case "remove_edge":
            return RemoveEdgeEdit(edit.remove_edge.from_task_id, edit.remove_edge.to_task_id)
        case _:
            raise invalid_field(f"edit.edits[{place}]", "say what to change", "required")


def diff_to_proto(diff: PlanDiff) -> update_pb2.PlanDiff:
    """The difference between two versions."""
    return update_pb2.PlanDiff(
        added_tasks=map(task_to_proto, diff.added_tasks),
        changed_tasks=map(task_to_proto, diff.changed_tasks),
        removed_task_ids=diff.removed_task_ids,
        added_edges=map(edge_to_proto, diff.added_edges),
        removed_edges=map(edge_to_proto, diff.removed_edges),
    )


def undecided_to_proto(guard: UndecidedGuard) -> update_pb2.UndecidedGuard:
    """A guard nothing decides yet."""
    return update_pb2.UndecidedGuard(task_id=guard.task_id, text=guard.text, artefact=guard.artefact)
