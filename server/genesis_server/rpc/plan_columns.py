"""A plan's message as the validator's columns, without a Python object for each task, and its declared constraints on the way.

protovalidate needs longer for 100 000 tasks than the whole verdict. So the constraints of tasks and edges are compared here column by
column; what looks wrong is left to protovalidate, which alone decides and words the answer. A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable

import protovalidate
from google.protobuf.duration_pb2 import Duration

from genesis.v1 import orchestrator_service_pb2, plan_pb2
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import TaskConstraints
from genesis_server.rpc.convert import artefacts_from_proto, plan_from_proto
from genesis_server.rpc.convert.values import duration_from_proto
from genesis_server.rpc.merged_columns import MergedColumns, merged_columns
from genesis_server.validation.graph import EdgeColumns, TaskColumns, notes_of

MAX_ID = 128
MAX_TEXT = 5_000
MAX_NAME = 200
MAX_ARTEFACTS = 100
MAX_SECONDS = 3_162_240_000
DEFINED_KINDS = frozenset({0, 1, 2})
DEFINED_STATES = frozenset(plan_pb2.TaskState.values())
DEFINED_EDGE_SOURCES = frozenset(plan_pb2.EdgeSource.values())


class PlanColumns:
    """The columns of a request's plan."""

    def __init__(self, request: orchestrator_service_pb2.ValidateRequest) -> None:
        """Read the tasks and edges out of the request's plan; they are gone from it afterwards."""
        tasks, edges = merged_columns(request.plan)
        self.tasks, tasks_suspicious = _task_columns(tasks)
        self.edges = EdgeColumns(
            from_ids=edges.values("from_task_id"),
            to_ids=edges.values("to_task_id"),
            kinds=edges.values("kind"),
            artefacts=edges.values("artefact"),
        )
        suspicious = tasks_suspicious or _edges_suspicious(self.edges) or _origins_suspicious(edges)
        request.plan.ClearField("tasks")
        request.plan.ClearField("edges")
        self.suspicious = suspicious or bool(protovalidate.collect_violations(request))
        """Whether protovalidate may find something in the whole request; False: it finds nothing."""


def _task_columns(tasks: MergedColumns) -> tuple[TaskColumns, bool]:
    """The columns, and whether protovalidate may find something in the tasks."""
    timed = [(row, task.expected_duration) for row, task in tasks.rows_with("expected_duration")]
    special = {row: _special_parts(task) for field in _SPECIAL for row, task in tasks.rows_with(field)}
    refused = any(protovalidate.collect_violations(part) for part in special.values())
    # What breaks a constraint may have no value in the domain.
    parts = [] if refused else [special[row] for row in sorted(special)]
    plain = dict(zip(sorted(special), plan_from_proto(plan_pb2.Plan(tasks=parts)).tasks, strict=False))
    columns = TaskColumns(
        ids=tasks.values("id"),
        goals=tasks.values("goal"),
        capabilities=tasks.values("capability"),
        kinds=tasks.values("kind"),
        parent_ids=tasks.values("parent_id"),
        seconds={row: duration_from_proto(duration) for row, duration in timed},
        acceptances={row: task.acceptance for row, task in tasks.rows_with("acceptance")},
        inputs={row: artefacts_from_proto(task.inputs) for row, task in tasks.rows_with("inputs")},
        outputs={row: artefacts_from_proto(task.outputs) for row, task in tasks.rows_with("outputs")},
        constraints={row: task.constraints for row, task in plain.items() if task.constraints != TaskConstraints()},
        origins={row: task.origin for row, task in plain.items() if task.origin is not None},
        notes={row: notes_of(task) for row, task in plain.items() if task.guards or task.requirements},
    )
    return columns, refused or _tasks_suspicious(columns, tasks, [duration for _, duration in timed])


_SPECIAL = ("constraints", "origin", "guards", "requirements", "retry", "timeout", "approved_by")
"""What few tasks have."""


def _special_parts(task: plan_pb2.Task) -> plan_pb2.Task:
    """The special parts of a task in a task with an id, so that it keeps its own constraints."""
    return plan_pb2.Task(id="-", **{field.name: value for field, value in task.ListFields() if field.name in _SPECIAL})


def _tasks_suspicious(columns: TaskColumns, tasks: MergedColumns, durations: Iterable[Duration]) -> bool:
    return (
        not _lengths_within(columns.ids, 1, MAX_ID)
        or not _lengths_within(columns.goals, 0, MAX_TEXT)
        or not _lengths_within(columns.capabilities, 0, MAX_NAME)
        or not _lengths_within(columns.parent_ids, 0, MAX_ID)
        or not _lengths_within(columns.acceptances.values(), 0, MAX_TEXT)
        or not DEFINED_KINDS.issuperset(columns.kinds)
        or not all(0.0 <= difficulty <= 1.0 for difficulty in tasks.found("difficulty"))
        or not DEFINED_STATES.issuperset(tasks.found("state"))
        or not _lengths_within(tasks.found("error"), 0, MAX_TEXT)
        or not all(0 <= duration.seconds < MAX_SECONDS and 0 <= duration.nanos < 1_000_000_000 for duration in durations)
        or not all(map(_artefacts_fine, columns.inputs.values()))
        or not all(map(_artefacts_fine, columns.outputs.values()))
    )


def _origins_suspicious(edges: MergedColumns) -> bool:
    origins = [edge.origin for _, edge in edges.rows_with("origin")]
    return bool(origins) and not (
        DEFINED_EDGE_SOURCES.issuperset({origin.source for origin in origins})
        and _lengths_within([origin.text for origin in origins], 0, MAX_TEXT)
        and _lengths_within([origin.span.text for origin in origins], 0, MAX_TEXT)
    )


def _edges_suspicious(columns: EdgeColumns) -> bool:
    return (
        not _lengths_within(columns.from_ids, 1, MAX_ID)
        or not _lengths_within(columns.to_ids, 1, MAX_ID)
        or not _lengths_within(columns.artefacts, 0, MAX_NAME)
        or not DEFINED_KINDS.issuperset(columns.kinds)
    )


def _lengths_within(texts: Iterable[str], shortest: int, longest: int) -> bool:
    lengths = set(map(len, texts))
    return not lengths or (min(lengths) >= shortest and max(lengths) <= longest)


def _artefacts_fine(artefacts: tuple[Artefact, ...]) -> bool:
    names = _lengths_within((artefact.name for artefact in artefacts), 1, MAX_NAME)
    return names and len(artefacts) <= MAX_ARTEFACTS and _lengths_within((artefact.type for artefact in artefacts), 0, MAX_NAME)
