"""Plans, tasks and edges, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from genesis.v1 import plan_pb2
from genesis_server.model.catalogue import DataClass
from genesis_server.model.plan import (
    Edge,
    EdgeKind,
    EdgeOrigin,
    EdgeSource,
    Guard,
    GuardOperator,
    Plan,
    PlanCounters,
    PlanState,
    Requirement,
    RequirementKind,
    RetryPolicy,
    Task,
    TaskConstraints,
    TaskKind,
    TaskOrigin,
    TaskSource,
    TaskState,
)
from genesis_server.model.span import Span
from genesis_server.rpc.convert.values import (
    Fields,
    artefacts_from_proto,
    artefacts_to_proto,
    duration_from_proto,
    duration_to_proto,
    member_of,
    money_from_proto,
    money_to_proto,
    number,
    span_from_proto,
    span_to_proto,
    time_from_proto,
    time_to_proto,
)

_EnumT = TypeVar("_EnumT", bound=IntEnum)
_NO_CONSTRAINTS = TaskConstraints()
_NO_RETRY = RetryPolicy()
_UNSAID: dict[str, Any] = {"id": "", "goal": "", "kind": TaskKind.UNSPECIFIED, "depth": 0}
"""A task of which nothing is said, where that is not the domain's default."""


def plan_to_proto(plan: Plan) -> plan_pb2.Plan:
    """The plan."""
    return plan_pb2.Plan(
        id=plan.id,
        version=plan.version,
        goal=plan.goal,
        tasks=map(task_to_proto, plan.tasks),
        edges=map(edge_to_proto, plan.edges),
        create_time=time_to_proto(plan.create_time) if plan.create_time else None,
        counters=counters_to_proto(plan.counters),
        state=number(plan.state),
    )


def counters_to_proto(counters: PlanCounters) -> plan_pb2.PlanCounters:
    """The counters over a plan's lifetime."""
    return plan_pb2.PlanCounters(tasks_created=counters.tasks_created, updates=counters.updates)


def edge_to_proto(edge: Edge) -> Fields:
    """The edge."""
    return {
        "from_task_id": edge.from_id,
        "to_task_id": edge.to_id,
        "kind": edge.kind,
        "artefact": edge.artefact,
        "origin": None if edge.origin is None else _edge_origin(edge.origin),
    }


def _edge_origin(origin: EdgeOrigin) -> Fields:
    return {"source": origin.source, "text": origin.text, "span": _span(origin.span)}


def task_to_proto(task: Task) -> Fields:
    """The task."""
    fields: Fields = {
        "id": task.id,
        "goal": task.goal,
        "kind": task.kind,
        "capability": task.capability,
        "acceptance": task.acceptance,
        "difficulty": task.difficulty,
        "expected_duration": None if task.expected_seconds is None else duration_to_proto(task.expected_seconds),
        "constraints": None if task.constraints == _NO_CONSTRAINTS else _task_constraints(task.constraints),
        "parent_id": task.parent_id,
        "depth": task.depth,
        "origin": None if task.origin is None else _origin(task.origin),
        "state": task.state,
        "error": task.error,
        "retry": None if task.retry == _NO_RETRY else _retry(task.retry),
        "timeout": None if task.timeout_seconds is None else duration_to_proto(task.timeout_seconds),
        "needs_approval": task.needs_approval,
        "approved_by": task.approved_by,
    }
    # To say that there is nothing of them takes time too, and most tasks have nothing of them.
    if task.inputs:
        fields["inputs"] = artefacts_to_proto(task.inputs)
    if task.outputs:
        fields["outputs"] = artefacts_to_proto(task.outputs)
    if task.guards:
        fields["guards"] = [_guard(guard) for guard in task.guards]
    if task.requirements:
        fields["requirements"] = [_requirement(requirement) for requirement in task.requirements]
    return fields


def _retry(retry: RetryPolicy) -> Fields:
    backoff = retry.initial_backoff_seconds
    return {
        "max_attempts": retry.max_attempts,
        "max_attempts_per_agent": retry.max_attempts_per_agent,
        "initial_backoff": None if backoff is None else duration_to_proto(backoff),
    }


def _guard(guard: Guard) -> Fields:
    return {
        "task_id": guard.task_id,
        "artefact": guard.artefact,
        "operator": guard.operator,
        "value": guard.value,
        "text": guard.text,
        "span": _span(guard.span),
    }


def _requirement(requirement: Requirement) -> Fields:
    return {
        "kind": requirement.kind,
        "text": requirement.text,
        "amount": requirement.amount,
        "unit": requirement.unit,
        "span": _span(requirement.span),
    }


def _span(span: Span | None) -> Fields | None:
    return None if span is None else span_to_proto(span)


def _task_constraints(constraints: TaskConstraints) -> Fields:
    return {
        "regions": constraints.regions,
        "data_class": constraints.data_class,
        "max_cost": None if constraints.max_cost is None else money_to_proto(constraints.max_cost),
        "deadline": None if constraints.deadline_seconds is None else duration_to_proto(constraints.deadline_seconds),
    }


def _origin(origin: TaskOrigin) -> Fields:
    return {
        "source": origin.source,
        "method_id": origin.method_id,
        "spans": [span_to_proto(span) for span in origin.spans],
        "catalogue_entry": origin.catalogue_entry,
        "match_score": origin.match_score,
    }


def plan_from_proto(message: plan_pb2.Plan) -> Plan:
    """The plan as it was sent; whether it is sound is the validator's affair."""
    return Plan(
        goal=message.goal,
        tasks=tuple(map(task_from_proto, message.tasks)),
        edges=tuple(map(edge_from_proto, message.edges)),
        id=message.id,
        version=message.version,
        create_time=time_from_proto(message.create_time),
        counters=PlanCounters(message.counters.tasks_created, message.counters.updates),
        state=PlanState(message.state or PlanState.ACTIVE),
    )


def edge_from_proto(message: plan_pb2.Edge) -> Edge:
    """The edge."""
    origin = _edge_origin_from(message.origin) if message.HasField("origin") else None
    return Edge(message.from_task_id, message.to_task_id, _edge_kind(message.kind), message.artefact, origin)


def _edge_origin_from(origin: plan_pb2.EdgeOrigin) -> EdgeOrigin:
    return EdgeOrigin(_known(EdgeSource, origin.source), origin.text, span_from_proto(origin.span) if origin.HasField("span") else None)


def task_from_proto(task: plan_pb2.Task) -> Task:
    """The task as it was sent; who approved it is not for callers to say."""
    # Most tasks say few of their twenty fields, and what is not said need not be read.
    said = _UNSAID.copy()
    for field, value in task.ListFields():
        taken = _TASK_FIELDS[field.number]
        if taken is not None:
            name, read = taken
            said[name] = value if read is None else read(value)
    return Task(**said)


def _retry_from(retry: plan_pb2.RetryPolicy) -> RetryPolicy:
    backoff = duration_from_proto(retry.initial_backoff) if retry.HasField("initial_backoff") else None
    return RetryPolicy(retry.max_attempts, retry.max_attempts_per_agent, backoff)


def _guard_from(guard: plan_pb2.Guard) -> Guard:
    return Guard(
        guard.task_id,
        guard.artefact,
        GuardOperator(guard.operator),
        guard.value,
        guard.text,
        span_from_proto(guard.span) if guard.HasField("span") else None,
    )


def _requirement_from(requirement: plan_pb2.Requirement) -> Requirement:
    return Requirement(
        RequirementKind(requirement.kind),
        requirement.text,
        requirement.amount if requirement.HasField("amount") else None,
        requirement.unit,
        span_from_proto(requirement.span) if requirement.HasField("span") else None,
    )


def _constraints_from(constraints: plan_pb2.TaskConstraints) -> TaskConstraints:
    return TaskConstraints(
        regions=tuple(constraints.regions),
        data_class=_data_class(constraints.data_class),
        max_cost=money_from_proto(constraints.max_cost) if constraints.HasField("max_cost") else None,
        deadline_seconds=duration_from_proto(constraints.deadline) if constraints.HasField("deadline") else None,
    )


def _origin_from(origin: plan_pb2.TaskOrigin) -> TaskOrigin:
    return TaskOrigin(
        source=_known(TaskSource, origin.source),
        method_id=origin.method_id,
        spans=tuple([span_from_proto(span) for span in origin.spans]),
        catalogue_entry=origin.catalogue_entry,
        match_score=origin.match_score,
    )


def _known(kind: Callable[[int], _EnumT], value: int) -> _EnumT:
    """An enum value of the contract, UNSPECIFIED for one of a later version."""
    try:
        return kind(value)
    except ValueError:
        return kind(0)


_edge_kind = member_of(EdgeKind)
_data_class = member_of(DataClass)
_TASK_READERS: Mapping[str, Callable[[Any], Any] | None] = {
    "id": None,
    "goal": None,
    "kind": member_of(TaskKind),
    "capability": None,
    "inputs": artefacts_from_proto,
    "outputs": artefacts_from_proto,
    "acceptance": None,
    "difficulty": None,
    "expected_duration": duration_from_proto,
    "constraints": _constraints_from,
    "parent_id": None,
    "depth": None,
    "origin": _origin_from,
    "guards": lambda guards: tuple(map(_guard_from, guards)),
    "requirements": lambda requirements: tuple(map(_requirement_from, requirements)),
    "state": member_of(TaskState),
    "error": None,
    "retry": _retry_from,
    "timeout": duration_from_proto,
    "needs_approval": None,
}
"""What callers may say of a task: how the value of each field is read; None: as it is. All other fields are passed over."""
_NAMES_WITH_UNITS = {"expected_duration": "expected_seconds", "timeout": "timeout_seconds"}
_TASK_FIELDS: Mapping[int, tuple[str, Callable[[Any], Any] | None] | None] = {
    field.number: (_NAMES_WITH_UNITS.get(field.name, field.name), _TASK_READERS[field.name]) if field.name in _TASK_READERS else None
    for field in plan_pb2.Task.DESCRIPTOR.fields
}
"""The fields of a task's message by number: what the domain calls each, and its reader; None for those that are passed over."""
