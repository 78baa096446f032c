import datetime

from genesis.v1 import common_pb2 as _common_pb2
from genesis.v1 import plan_pb2 as _plan_pb2
from genesis.v1 import routing_pb2 as _routing_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DecisionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_KIND_UNSPECIFIED: _ClassVar[DecisionKind]
    DECISION_KIND_PLAN: _ClassVar[DecisionKind]
    DECISION_KIND_ROUTE: _ClassVar[DecisionKind]
DECISION_KIND_UNSPECIFIED: DecisionKind
DECISION_KIND_PLAN: DecisionKind
DECISION_KIND_ROUTE: DecisionKind

class GetDecisionRequest(_message.Message):
    __slots__ = ("decision_id", "replay", "explanation", "task_ids")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    replay: bool
    explanation: _routing_pb2.ExplanationLevel
    task_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, decision_id: _Optional[str] = ..., replay: _Optional[bool] = ..., explanation: _Optional[_Union[_routing_pb2.ExplanationLevel, str]] = ..., task_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetDecisionResponse(_message.Message):
    __slots__ = ("decision", "plan", "routes", "rejected", "replay")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    plan: _plan_pb2.Plan
    routes: _containers.RepeatedCompositeFieldContainer[_routing_pb2.TaskRoute]
    rejected: _containers.RepeatedCompositeFieldContainer[RejectedSource]
    replay: Replay
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ..., plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., routes: _Optional[_Iterable[_Union[_routing_pb2.TaskRoute, _Mapping]]] = ..., rejected: _Optional[_Iterable[_Union[RejectedSource, _Mapping]]] = ..., replay: _Optional[_Union[Replay, _Mapping]] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("id", "kind", "plan_id", "time", "goal", "caller", "provenance", "constraints", "target_ids", "rule_ids", "task_count", "expire_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    TARGET_IDS_FIELD_NUMBER: _ClassVar[int]
    RULE_IDS_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: DecisionKind
    plan_id: str
    time: _timestamp_pb2.Timestamp
    goal: str
    caller: str
    provenance: _common_pb2.Provenance
    constraints: _routing_pb2.RoutingConstraints
    target_ids: _containers.RepeatedScalarFieldContainer[str]
    rule_ids: _containers.RepeatedScalarFieldContainer[str]
    task_count: int
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[DecisionKind, str]] = ..., plan_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., goal: _Optional[str] = ..., caller: _Optional[str] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, _Mapping]] = ..., constraints: _Optional[_Union[_routing_pb2.RoutingConstraints, _Mapping]] = ..., target_ids: _Optional[_Iterable[str]] = ..., rule_ids: _Optional[_Iterable[str]] = ..., task_count: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Replay(_message.Message):
    __slots__ = ("same", "differences", "note")
    SAME_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    same: bool
    differences: _containers.RepeatedScalarFieldContainer[str]
    note: str
    def __init__(self, same: _Optional[bool] = ..., differences: _Optional[_Iterable[str]] = ..., note: _Optional[str] = ...) -> None: ...

class RejectedSource(_message.Message):
    __slots__ = ("source", "id", "score", "reason", "span")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    source: _plan_pb2.TaskSource
    id: str
    score: float
    reason: str
    span: _common_pb2.Span
    def __init__(self, source: _Optional[_Union[_plan_pb2.TaskSource, str]] = ..., id: _Optional[str] = ..., score: _Optional[float] = ..., reason: _Optional[str] = ..., span: _Optional[_Union[_common_pb2.Span, _Mapping]] = ...) -> None: ...

class ListDecisionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "plan_id", "target_id", "rule_id", "kind", "start_time", "end_time")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    plan_id: str
    target_id: str
    rule_id: str
    kind: DecisionKind
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., plan_id: _Optional[str] = ..., target_id: _Optional[str] = ..., rule_id: _Optional[str] = ..., kind: _Optional[_Union[DecisionKind, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListDecisionsResponse(_message.Message):
    __slots__ = ("decisions", "next_page_token")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[Decision]
    next_page_token: str
    def __init__(self, decisions: _Optional[_Iterable[_Union[Decision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
