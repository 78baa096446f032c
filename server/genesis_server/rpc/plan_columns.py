"""A plan's message as the validator's columns, without a Python object for each task, and its declared constraints on the way.

protovalidate needs longer for 100 000 tasks than the whole verdict. So the constraints of tasks and edges are compared here column by
column; what looks wrong is left to protovalidate, which alone decides and words the answer. A test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import protovalidate
from google.protobuf.duration_pb2 import Duration

from genesis.v1 import orchestrator_service_pb2, plan_pb2
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import TaskConstraints
from genesis_server.rpc.convert import artefacts_from_proto, plan_from_proto
from genesis_server.rpc.convert.values import duration_from_proto
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
        plan = request.plan
        tasks = list(plan.tasks)
        timed = [(row, task.expected_duration) for row, task in enumerate(tasks) if task.HasField("expected_duration")]
        special = [
            row
            for row, task in enumerate(tasks)
            if task.guards or task.requirements or task.HasField("constraints") or task.HasField("origin")
        ]
        parts = [_special_parts(tasks[row]) for row in special]
        refused = any(protovalidate.collect_violations(part) for part in parts)
        # What breaks a constraint may have no value in the domain.
        plain = () if refused else plan_from_proto(plan_pb2.Plan(tasks=parts)).tasks
        self.tasks = TaskColumns(
            ids=[task.id for task in tasks],
            goals=[task.goal for task in tasks],
            capabilities=[task.capability for task in tasks],
            kinds=[task.kind for task in tasks],
            parent_ids=[task.parent_id for task in tasks],
            seconds={row: duration_from_proto(duration) for row, duration in timed},
            acceptances={row: text for row, task in enumerate(tasks) if (text := task.acceptance)},
            inputs={row: artefacts_from_proto(made) for row, task in enumerate(tasks) if (made := task.inputs)},
            outputs={row: artefacts_from_proto(made) for row, task in enumerate(tasks) if (made := task.outputs)},
            constraints={row: task.constraints for row, task in zip(special, plain, strict=False) if task.constraints != TaskConstraints()},
            origins={row: task.origin for row, task in zip(special, plain, strict=False) if task.origin is not None},
            notes={row: notes_of(task) for row, task in zip(special, plain, strict=False) if task.guards or task.requirements},
        )
        edges = list(plan.edges)
        self.edges = EdgeColumns(
            from_ids=[edge.from_task_id for edge in edges],
            to_ids=[edge.to_task_id for edge in edges],
            kinds=[edge.kind for edge in edges],
            artefacts=[edge.artefact for edge in edges],
        )
        suspicious = refused or _tasks_suspicious(self.tasks, tasks, timed) or _edges_suspicious(self.edges) or _origins_suspicious(edges)
        plan.ClearField("tasks")
        plan.ClearField("edges")
        self.suspicious = suspicious or bool(protovalidate.collect_violations(request))
        """Whether protovalidate may find something in the whole request; False: it finds nothing."""


def _special_parts(task: plan_pb2.Task) -> plan_pb2.Task:
    """The parts of a task that few tasks have, in a task with an id, so that it keeps its own constraints."""
    return plan_pb2.Task(
        id="-",
        constraints=task.constraints if task.HasField("constraints") else None,
        origin=task.origin if task.HasField("origin") else None,
        guards=task.guards,
        requirements=task.requirements,
    )


def _tasks_suspicious(columns: TaskColumns, tasks: Sequence[plan_pb2.Task], timed: Sequence[tuple[int, Duration]]) -> bool:
    return (
        not _lengths_within(columns.ids, 1, MAX_ID)
        or not _lengths_within(columns.goals, 0, MAX_TEXT)
        or not _lengths_within(columns.capabilities, 0, MAX_NAME)
        or not _lengths_within(columns.parent_ids, 0, MAX_ID)
        or not _lengths_within(columns.acceptances.values(), 0, MAX_TEXT)
        or not DEFINED_KINDS.issuperset(columns.kinds)
        or not all(0.0 <= task.difficulty <= 1.0 for task in tasks)
        or not DEFINED_STATES.issuperset({task.state for task in tasks})
        or not _lengths_within([task.error for task in tasks], 0, MAX_TEXT)
        or not all(0 <= d.seconds < MAX_SECONDS and 0 <= d.nanos < 1_000_000_000 for _, d in timed)
        or not all(map(_artefacts_fine, columns.inputs.values()))
        or not all(map(_artefacts_fine, columns.outputs.values()))
    )


def _origins_suspicious(edges: Sequence[plan_pb2.Edge]) -> bool:
    origins = [edge.origin for edge in edges if edge.HasField("origin")]
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
