"""Events of plans and what they change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from genesis.v1 import update_pb2
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    Cancel,
    ChangeTaskEdit,
    Edit,
    Information,
    Pause,
    PlanDiff,
    PlanEvent,
    RemoveEdgeEdit,
    RemoveTaskEdit,
    Resume,
    TaskDone,
    TaskFailed,
    UndecidedGuard,
    UserEdit,
)
from genesis_server.resilience.errors import invalid_field
from genesis_server.rpc.convert.plans import edge_from_proto, edges_to_proto, task_from_proto, tasks_to_proto


def event_from_proto(request: update_pb2.UpdatePlanRequest) -> PlanEvent:  # noqa: PLR0911  (one for each kind)
    """What happened. Raises ValidationError INVALID_FIELD when the request says nothing, or a value that is no JSON."""
    match request.WhichOneof("event"):
        case "done":
            return TaskDone(request.done.task_id, _values(request.done.outputs, "done.outputs"))
        case "failed":
            return TaskFailed(request.failed.task_id, request.failed.error)
        case "information":
            told = request.information
            return Information(_values(told.facts, "information.facts"), tuple(told.task_ids), told.text)
        case "edit":
            return UserEdit(tuple(_edit(edit, place) for place, edit in enumerate(request.edit.edits)))
        case "pause":
            return Pause()
        case "resume":
            return Resume()
        case "cancel":
            return Cancel()
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


def _values(struct: Struct, field: str) -> Mapping[str, Any]:
    """JSON values by name; whole numbers as such, because Struct knows only floating point."""
    try:
        return {name: _whole(value) for name, value in MessageToDict(struct).items()}
    except ValueError:
        raise invalid_field(field, "numbers must be finite, as JSON has them", "finite") from None


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return [_whole(one) for one in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def diff_to_proto(diff: PlanDiff) -> update_pb2.PlanDiff:
    """The difference between two versions."""
    return update_pb2.PlanDiff(
        added_tasks=tasks_to_proto(diff.added_tasks),
        changed_tasks=tasks_to_proto(diff.changed_tasks),
        removed_task_ids=diff.removed_task_ids,
        added_edges=edges_to_proto(diff.added_edges),
        removed_edges=edges_to_proto(diff.removed_edges),
    )


def undecided_to_proto(guard: UndecidedGuard) -> update_pb2.UndecidedGuard:
    """A guard nothing decides yet."""
    return update_pb2.UndecidedGuard(task_id=guard.task_id, text=guard.text, artefact=guard.artefact)
