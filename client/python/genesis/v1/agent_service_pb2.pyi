import datetime

from genesis.v1 import catalogue_pb2 as _catalogue_pb2
from genesis.v1 import plan_pb2 as _plan_pb2
from genesis.v1 import routing_pb2 as _routing_pb2
from genesis.v1 import work_pb2 as _work_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LeaseNoticeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_NOTICE_KIND_UNSPECIFIED: _ClassVar[LeaseNoticeKind]
    LEASE_NOTICE_KIND_LOST: _ClassVar[LeaseNoticeKind]
    LEASE_NOTICE_KIND_CANCELLED: _ClassVar[LeaseNoticeKind]
    LEASE_NOTICE_KIND_PAUSED: _ClassVar[LeaseNoticeKind]
    LEASE_NOTICE_KIND_RESUMED: _ClassVar[LeaseNoticeKind]

class AgentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENT_STATE_UNSPECIFIED: _ClassVar[AgentState]
    AGENT_STATE_DECLARED: _ClassVar[AgentState]
    AGENT_STATE_LIVE: _ClassVar[AgentState]
LEASE_NOTICE_KIND_UNSPECIFIED: LeaseNoticeKind
LEASE_NOTICE_KIND_LOST: LeaseNoticeKind
LEASE_NOTICE_KIND_CANCELLED: LeaseNoticeKind
LEASE_NOTICE_KIND_PAUSED: LeaseNoticeKind
LEASE_NOTICE_KIND_RESUMED: LeaseNoticeKind
AGENT_STATE_UNSPECIFIED: AgentState
AGENT_STATE_DECLARED: AgentState
AGENT_STATE_LIVE: AgentState

class RegisterRequest(_message.Message):
    __slots__ = ("request_id", "card")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    card: _catalogue_pb2.AgentCard
    def __init__(self, request_id: _Optional[str] = ..., card: _Optional[_Union[_catalogue_pb2.AgentCard, _Mapping]] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ("session_id", "heartbeat_interval", "lease_duration")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    heartbeat_interval: _duration_pb2.Duration
    lease_duration: _duration_pb2.Duration
    def __init__(self, session_id: _Optional[str] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("session_id", "load", "progress")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    load: float
    progress: _containers.RepeatedCompositeFieldContainer[LeaseProgress]
    def __init__(self, session_id: _Optional[str] = ..., load: _Optional[float] = ..., progress: _Optional[_Iterable[_Union[LeaseProgress, _Mapping]]] = ...) -> None: ...

class LeaseProgress(_message.Message):
    __slots__ = ("plan_id", "task_id", "lease", "fraction", "message")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    task_id: str
    lease: _work_pb2.LeaseToken
    fraction: float
    message: str
    def __init__(self, plan_id: _Optional[str] = ..., task_id: _Optional[str] = ..., lease: _Optional[_Union[_work_pb2.LeaseToken, _Mapping]] = ..., fraction: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("lease_duration",)
    LEASE_DURATION_FIELD_NUMBER: _ClassVar[int]
    lease_duration: _duration_pb2.Duration
    def __init__(self, lease_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DeregisterRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class DeregisterResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WorkRequest(_message.Message):
    __slots__ = ("open", "slots", "acknowledge", "report")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    open: WorkOpen
    slots: WorkSlots
    acknowledge: WorkAcknowledgement
    report: _work_pb2.ReportRequest
    def __init__(self, open: _Optional[_Union[WorkOpen, _Mapping]] = ..., slots: _Optional[_Union[WorkSlots, _Mapping]] = ..., acknowledge: _Optional[_Union[WorkAcknowledgement, _Mapping]] = ..., report: _Optional[_Union[_work_pb2.ReportRequest, _Mapping]] = ...) -> None: ...

class WorkOpen(_message.Message):
    __slots__ = ("session_id", "slots", "held_lease_ids")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    HELD_LEASE_IDS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    slots: int
    held_lease_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session_id: _Optional[str] = ..., slots: _Optional[int] = ..., held_lease_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WorkSlots(_message.Message):
    __slots__ = ("slots",)
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    slots: int
    def __init__(self, slots: _Optional[int] = ...) -> None: ...

class WorkAcknowledgement(_message.Message):
    __slots__ = ("lease_id",)
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    def __init__(self, lease_id: _Optional[str] = ...) -> None: ...

class WorkResponse(_message.Message):
    __slots__ = ("assignment", "notice", "reported", "move")
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    assignment: WorkAssignment
    notice: LeaseNotice
    reported: WorkReported
    move: WorkMove
    def __init__(self, assignment: _Optional[_Union[WorkAssignment, _Mapping]] = ..., notice: _Optional[_Union[LeaseNotice, _Mapping]] = ..., reported: _Optional[_Union[WorkReported, _Mapping]] = ..., move: _Optional[_Union[WorkMove, _Mapping]] = ...) -> None: ...

class WorkAssignment(_message.Message):
    __slots__ = ("plan_id", "plan_goal", "task", "inputs", "lease", "attempt", "time_left", "target", "expected", "traceparent", "correlation_id")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_GOAL_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TIME_LEFT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    plan_goal: str
    task: _plan_pb2.Task
    inputs: _containers.RepeatedCompositeFieldContainer[_work_pb2.ArtefactValue]
    lease: _work_pb2.LeaseToken
    attempt: int
    time_left: _duration_pb2.Duration
    target: _routing_pb2.Target
    expected: _work_pb2.Usage
    traceparent: str
    correlation_id: str
    def __init__(self, plan_id: _Optional[str] = ..., plan_goal: _Optional[str] = ..., task: _Optional[_Union[_plan_pb2.Task, _Mapping]] = ..., inputs: _Optional[_Iterable[_Union[_work_pb2.ArtefactValue, _Mapping]]] = ..., lease: _Optional[_Union[_work_pb2.LeaseToken, _Mapping]] = ..., attempt: _Optional[int] = ..., time_left: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., target: _Optional[_Union[_routing_pb2.Target, _Mapping]] = ..., expected: _Optional[_Union[_work_pb2.Usage, _Mapping]] = ..., traceparent: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class LeaseNotice(_message.Message):
    __slots__ = ("lease_id", "kind", "message")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    kind: LeaseNoticeKind
    message: str
    def __init__(self, lease_id: _Optional[str] = ..., kind: _Optional[_Union[LeaseNoticeKind, str]] = ..., message: _Optional[str] = ...) -> None: ...

class WorkReported(_message.Message):
    __slots__ = ("lease_id", "accepted", "refused")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    accepted: _work_pb2.ReportResponse
    refused: _status_pb2.Status
    def __init__(self, lease_id: _Optional[str] = ..., accepted: _Optional[_Union[_work_pb2.ReportResponse, _Mapping]] = ..., refused: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class WorkMove(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AgentServiceListRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "skill_id")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SKILL_ID_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    skill_id: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., skill_id: _Optional[str] = ...) -> None: ...

class AgentServiceListResponse(_message.Message):
    __slots__ = ("agents", "next_page_token", "snapshot_id")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[AgentEntry]
    next_page_token: str
    snapshot_id: str
    def __init__(self, agents: _Optional[_Iterable[_Union[AgentEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., snapshot_id: _Optional[str] = ...) -> None: ...

class AgentEntry(_message.Message):
    __slots__ = ("card", "state", "workers", "running_tasks")
    CARD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_TASKS_FIELD_NUMBER: _ClassVar[int]
    card: _catalogue_pb2.AgentCard
    state: AgentState
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    running_tasks: int
    def __init__(self, card: _Optional[_Union[_catalogue_pb2.AgentCard, _Mapping]] = ..., state: _Optional[_Union[AgentState, str]] = ..., workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ..., running_tasks: _Optional[int] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("session_id", "join_time", "load", "running_tasks")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    JOIN_TIME_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    RUNNING_TASKS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    join_time: _timestamp_pb2.Timestamp
    load: float
    running_tasks: int
    def __init__(self, session_id: _Optional[str] = ..., join_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., load: _Optional[float] = ..., running_tasks: _Optional[int] = ...) -> None: ...
