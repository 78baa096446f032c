import datetime

from genesis.v1 import common_pb2 as _common_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlanState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLAN_STATE_UNSPECIFIED: _ClassVar[PlanState]
    PLAN_STATE_ACTIVE: _ClassVar[PlanState]
    PLAN_STATE_PAUSED: _ClassVar[PlanState]
    PLAN_STATE_DONE: _ClassVar[PlanState]
    PLAN_STATE_FAILED: _ClassVar[PlanState]
    PLAN_STATE_CANCELLED: _ClassVar[PlanState]

class TaskKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_KIND_UNSPECIFIED: _ClassVar[TaskKind]
    TASK_KIND_PRIMITIVE: _ClassVar[TaskKind]
    TASK_KIND_COMPOUND: _ClassVar[TaskKind]

class TaskState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_STATE_UNSPECIFIED: _ClassVar[TaskState]
    TASK_STATE_PENDING: _ClassVar[TaskState]
    TASK_STATE_DONE: _ClassVar[TaskState]
    TASK_STATE_FAILED: _ClassVar[TaskState]
    TASK_STATE_SKIPPED: _ClassVar[TaskState]
    TASK_STATE_CANCELLED: _ClassVar[TaskState]
    TASK_STATE_AWAITING_APPROVAL: _ClassVar[TaskState]

class GuardOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GUARD_OPERATOR_UNSPECIFIED: _ClassVar[GuardOperator]
    GUARD_OPERATOR_EQUAL: _ClassVar[GuardOperator]
    GUARD_OPERATOR_NOT_EQUAL: _ClassVar[GuardOperator]
    GUARD_OPERATOR_LESS: _ClassVar[GuardOperator]
    GUARD_OPERATOR_AT_MOST: _ClassVar[GuardOperator]
    GUARD_OPERATOR_GREATER: _ClassVar[GuardOperator]
    GUARD_OPERATOR_AT_LEAST: _ClassVar[GuardOperator]
    GUARD_OPERATOR_CONTAINS: _ClassVar[GuardOperator]
    GUARD_OPERATOR_IS_TRUE: _ClassVar[GuardOperator]
    GUARD_OPERATOR_IS_FALSE: _ClassVar[GuardOperator]

class RequirementKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REQUIREMENT_KIND_UNSPECIFIED: _ClassVar[RequirementKind]
    REQUIREMENT_KIND_MUST: _ClassVar[RequirementKind]
    REQUIREMENT_KIND_ONLY: _ClassVar[RequirementKind]
    REQUIREMENT_KIND_EXCEPT: _ClassVar[RequirementKind]
    REQUIREMENT_KIND_AT_MOST: _ClassVar[RequirementKind]
    REQUIREMENT_KIND_AT_LEAST: _ClassVar[RequirementKind]
    REQUIREMENT_KIND_BY: _ClassVar[RequirementKind]

class TaskSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_SOURCE_UNSPECIFIED: _ClassVar[TaskSource]
    TASK_SOURCE_METHOD: _ClassVar[TaskSource]
    TASK_SOURCE_CLAUSE: _ClassVar[TaskSource]
    TASK_SOURCE_CATALOGUE: _ClassVar[TaskSource]
    TASK_SOURCE_GOAL: _ClassVar[TaskSource]
    TASK_SOURCE_MODEL: _ClassVar[TaskSource]
    TASK_SOURCE_EDIT: _ClassVar[TaskSource]

class EdgeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EDGE_KIND_UNSPECIFIED: _ClassVar[EdgeKind]
    EDGE_KIND_DATA: _ClassVar[EdgeKind]
    EDGE_KIND_ORDER: _ClassVar[EdgeKind]

class EdgeSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EDGE_SOURCE_UNSPECIFIED: _ClassVar[EdgeSource]
    EDGE_SOURCE_METHOD: _ClassVar[EdgeSource]
    EDGE_SOURCE_CUE: _ClassVar[EdgeSource]
    EDGE_SOURCE_REFERENCE: _ClassVar[EdgeSource]
    EDGE_SOURCE_ARTEFACT: _ClassVar[EdgeSource]
    EDGE_SOURCE_MODEL: _ClassVar[EdgeSource]
    EDGE_SOURCE_EDIT: _ClassVar[EdgeSource]
PLAN_STATE_UNSPECIFIED: PlanState
PLAN_STATE_ACTIVE: PlanState
PLAN_STATE_PAUSED: PlanState
PLAN_STATE_DONE: PlanState
PLAN_STATE_FAILED: PlanState
PLAN_STATE_CANCELLED: PlanState
TASK_KIND_UNSPECIFIED: TaskKind
TASK_KIND_PRIMITIVE: TaskKind
TASK_KIND_COMPOUND: TaskKind
TASK_STATE_UNSPECIFIED: TaskState
TASK_STATE_PENDING: TaskState
TASK_STATE_DONE: TaskState
TASK_STATE_FAILED: TaskState
TASK_STATE_SKIPPED: TaskState
TASK_STATE_CANCELLED: TaskState
TASK_STATE_AWAITING_APPROVAL: TaskState
GUARD_OPERATOR_UNSPECIFIED: GuardOperator
GUARD_OPERATOR_EQUAL: GuardOperator
GUARD_OPERATOR_NOT_EQUAL: GuardOperator
GUARD_OPERATOR_LESS: GuardOperator
GUARD_OPERATOR_AT_MOST: GuardOperator
GUARD_OPERATOR_GREATER: GuardOperator
GUARD_OPERATOR_AT_LEAST: GuardOperator
GUARD_OPERATOR_CONTAINS: GuardOperator
GUARD_OPERATOR_IS_TRUE: GuardOperator
GUARD_OPERATOR_IS_FALSE: GuardOperator
REQUIREMENT_KIND_UNSPECIFIED: RequirementKind
REQUIREMENT_KIND_MUST: RequirementKind
REQUIREMENT_KIND_ONLY: RequirementKind
REQUIREMENT_KIND_EXCEPT: RequirementKind
REQUIREMENT_KIND_AT_MOST: RequirementKind
REQUIREMENT_KIND_AT_LEAST: RequirementKind
REQUIREMENT_KIND_BY: RequirementKind
TASK_SOURCE_UNSPECIFIED: TaskSource
TASK_SOURCE_METHOD: TaskSource
TASK_SOURCE_CLAUSE: TaskSource
TASK_SOURCE_CATALOGUE: TaskSource
TASK_SOURCE_GOAL: TaskSource
TASK_SOURCE_MODEL: TaskSource
TASK_SOURCE_EDIT: TaskSource
EDGE_KIND_UNSPECIFIED: EdgeKind
EDGE_KIND_DATA: EdgeKind
EDGE_KIND_ORDER: EdgeKind
EDGE_SOURCE_UNSPECIFIED: EdgeSource
EDGE_SOURCE_METHOD: EdgeSource
EDGE_SOURCE_CUE: EdgeSource
EDGE_SOURCE_REFERENCE: EdgeSource
EDGE_SOURCE_ARTEFACT: EdgeSource
EDGE_SOURCE_MODEL: EdgeSource
EDGE_SOURCE_EDIT: EdgeSource

class Plan(_message.Message):
    __slots__ = ("id", "version", "goal", "tasks", "edges", "create_time", "counters", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: int
    goal: str
    tasks: _containers.RepeatedCompositeFieldContainer[Task]
    edges: _containers.RepeatedCompositeFieldContainer[Edge]
    create_time: _timestamp_pb2.Timestamp
    counters: PlanCounters
    state: PlanState
    def __init__(self, id: _Optional[str] = ..., version: _Optional[int] = ..., goal: _Optional[str] = ..., tasks: _Optional[_Iterable[_Union[Task, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[Edge, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., counters: _Optional[_Union[PlanCounters, _Mapping]] = ..., state: _Optional[_Union[PlanState, str]] = ...) -> None: ...

class PlanCounters(_message.Message):
    __slots__ = ("tasks_created", "updates")
    TASKS_CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    tasks_created: int
    updates: int
    def __init__(self, tasks_created: _Optional[int] = ..., updates: _Optional[int] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ("id", "goal", "kind", "capability", "inputs", "outputs", "acceptance", "difficulty", "expected_duration", "constraints", "parent_id", "depth", "origin", "guards", "requirements", "state", "error", "retry", "timeout", "needs_approval", "approved_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTANCE_FIELD_NUMBER: _ClassVar[int]
    DIFFICULTY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DURATION_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    GUARDS_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    NEEDS_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    id: str
    goal: str
    kind: TaskKind
    capability: str
    inputs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    outputs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    acceptance: str
    difficulty: float
    expected_duration: _duration_pb2.Duration
    constraints: TaskConstraints
    parent_id: str
    depth: int
    origin: TaskOrigin
    guards: _containers.RepeatedCompositeFieldContainer[Guard]
    requirements: _containers.RepeatedCompositeFieldContainer[Requirement]
    state: TaskState
    error: str
    retry: RetryPolicy
    timeout: _duration_pb2.Duration
    needs_approval: bool
    approved_by: str
    def __init__(self, id: _Optional[str] = ..., goal: _Optional[str] = ..., kind: _Optional[_Union[TaskKind, str]] = ..., capability: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., acceptance: _Optional[str] = ..., difficulty: _Optional[float] = ..., expected_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., constraints: _Optional[_Union[TaskConstraints, _Mapping]] = ..., parent_id: _Optional[str] = ..., depth: _Optional[int] = ..., origin: _Optional[_Union[TaskOrigin, _Mapping]] = ..., guards: _Optional[_Iterable[_Union[Guard, _Mapping]]] = ..., requirements: _Optional[_Iterable[_Union[Requirement, _Mapping]]] = ..., state: _Optional[_Union[TaskState, str]] = ..., error: _Optional[str] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., needs_approval: _Optional[bool] = ..., approved_by: _Optional[str] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("max_attempts", "max_attempts_per_agent", "initial_backoff")
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_PER_AGENT_FIELD_NUMBER: _ClassVar[int]
    INITIAL_BACKOFF_FIELD_NUMBER: _ClassVar[int]
    max_attempts: int
    max_attempts_per_agent: int
    initial_backoff: _duration_pb2.Duration
    def __init__(self, max_attempts: _Optional[int] = ..., max_attempts_per_agent: _Optional[int] = ..., initial_backoff: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Guard(_message.Message):
    __slots__ = ("task_id", "artefact", "operator", "value", "text", "span")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    artefact: str
    operator: GuardOperator
    value: str
    text: str
    span: _common_pb2.Span
    def __init__(self, task_id: _Optional[str] = ..., artefact: _Optional[str] = ..., operator: _Optional[_Union[GuardOperator, str]] = ..., value: _Optional[str] = ..., text: _Optional[str] = ..., span: _Optional[_Union[_common_pb2.Span, _Mapping]] = ...) -> None: ...

class Requirement(_message.Message):
    __slots__ = ("kind", "text", "amount", "unit", "span")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    kind: RequirementKind
    text: str
    amount: float
    unit: str
    span: _common_pb2.Span
    def __init__(self, kind: _Optional[_Union[RequirementKind, str]] = ..., text: _Optional[str] = ..., amount: _Optional[float] = ..., unit: _Optional[str] = ..., span: _Optional[_Union[_common_pb2.Span, _Mapping]] = ...) -> None: ...

class TaskConstraints(_message.Message):
    __slots__ = ("regions", "data_class", "max_cost", "deadline")
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    MAX_COST_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    regions: _containers.RepeatedScalarFieldContainer[str]
    data_class: _common_pb2.DataClass
    max_cost: _common_pb2.Money
    deadline: _duration_pb2.Duration
    def __init__(self, regions: _Optional[_Iterable[str]] = ..., data_class: _Optional[_Union[_common_pb2.DataClass, str]] = ..., max_cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TaskOrigin(_message.Message):
    __slots__ = ("source", "method_id", "spans", "catalogue_entry", "match_score")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    METHOD_ID_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_ENTRY_FIELD_NUMBER: _ClassVar[int]
    MATCH_SCORE_FIELD_NUMBER: _ClassVar[int]
    source: TaskSource
    method_id: str
    spans: _containers.RepeatedCompositeFieldContainer[_common_pb2.Span]
    catalogue_entry: str
    match_score: float
    def __init__(self, source: _Optional[_Union[TaskSource, str]] = ..., method_id: _Optional[str] = ..., spans: _Optional[_Iterable[_Union[_common_pb2.Span, _Mapping]]] = ..., catalogue_entry: _Optional[str] = ..., match_score: _Optional[float] = ...) -> None: ...

class Edge(_message.Message):
    __slots__ = ("from_task_id", "to_task_id", "kind", "artefact", "origin")
    FROM_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    TO_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    from_task_id: str
    to_task_id: str
    kind: EdgeKind
    artefact: str
    origin: EdgeOrigin
    def __init__(self, from_task_id: _Optional[str] = ..., to_task_id: _Optional[str] = ..., kind: _Optional[_Union[EdgeKind, str]] = ..., artefact: _Optional[str] = ..., origin: _Optional[_Union[EdgeOrigin, _Mapping]] = ...) -> None: ...

class EdgeOrigin(_message.Message):
    __slots__ = ("source", "text", "span")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    source: EdgeSource
    text: str
    span: _common_pb2.Span
    def __init__(self, source: _Optional[_Union[EdgeSource, str]] = ..., text: _Optional[str] = ..., span: _Optional[_Union[_common_pb2.Span, _Mapping]] = ...) -> None: ...
