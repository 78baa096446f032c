import datetime

from genesis.v1 import common_pb2 as _common_pb2
from genesis.v1 import plan_pb2 as _plan_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AttemptOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTEMPT_OUTCOME_UNSPECIFIED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_RUNNING: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_DONE: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_FAILED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_DECLINED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_LOST: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_TIMED_OUT: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_RETURNED: _ClassVar[AttemptOutcome]
    ATTEMPT_OUTCOME_CANCELLED: _ClassVar[AttemptOutcome]

class WaitingFor(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WAITING_FOR_UNSPECIFIED: _ClassVar[WaitingFor]
    WAITING_FOR_AGENT: _ClassVar[WaitingFor]
    WAITING_FOR_SLOT: _ClassVar[WaitingFor]
    WAITING_FOR_RETRY: _ClassVar[WaitingFor]
    WAITING_FOR_BUDGET: _ClassVar[WaitingFor]
    WAITING_FOR_APPROVAL: _ClassVar[WaitingFor]
    WAITING_FOR_BREAKER: _ClassVar[WaitingFor]
ATTEMPT_OUTCOME_UNSPECIFIED: AttemptOutcome
ATTEMPT_OUTCOME_RUNNING: AttemptOutcome
ATTEMPT_OUTCOME_DONE: AttemptOutcome
ATTEMPT_OUTCOME_FAILED: AttemptOutcome
ATTEMPT_OUTCOME_DECLINED: AttemptOutcome
ATTEMPT_OUTCOME_LOST: AttemptOutcome
ATTEMPT_OUTCOME_TIMED_OUT: AttemptOutcome
ATTEMPT_OUTCOME_RETURNED: AttemptOutcome
ATTEMPT_OUTCOME_CANCELLED: AttemptOutcome
WAITING_FOR_UNSPECIFIED: WaitingFor
WAITING_FOR_AGENT: WaitingFor
WAITING_FOR_SLOT: WaitingFor
WAITING_FOR_RETRY: WaitingFor
WAITING_FOR_BUDGET: WaitingFor
WAITING_FOR_APPROVAL: WaitingFor
WAITING_FOR_BREAKER: WaitingFor

class RunBudget(_message.Message):
    __slots__ = ("cost", "tokens", "tasks", "time")
    COST_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    cost: _common_pb2.Money
    tokens: int
    tasks: int
    time: _duration_pb2.Duration
    def __init__(self, cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., tokens: _Optional[int] = ..., tasks: _Optional[int] = ..., time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("cost", "tokens", "tasks")
    COST_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    cost: _common_pb2.Money
    tokens: int
    tasks: int
    def __init__(self, cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., tokens: _Optional[int] = ..., tasks: _Optional[int] = ...) -> None: ...

class RunBalance(_message.Message):
    __slots__ = ("limit", "spent", "reserved", "begin_time", "exhausted")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TIME_FIELD_NUMBER: _ClassVar[int]
    EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    limit: RunBudget
    spent: Usage
    reserved: Usage
    begin_time: _timestamp_pb2.Timestamp
    exhausted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, limit: _Optional[_Union[RunBudget, _Mapping]] = ..., spent: _Optional[_Union[Usage, _Mapping]] = ..., reserved: _Optional[_Union[Usage, _Mapping]] = ..., begin_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., exhausted: _Optional[_Iterable[str]] = ...) -> None: ...

class Dispatch(_message.Message):
    __slots__ = ("priority",)
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    priority: int
    def __init__(self, priority: _Optional[int] = ...) -> None: ...

class ArtefactReference(_message.Message):
    __slots__ = ("uri", "sha256", "media_type")
    URI_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    uri: str
    sha256: str
    media_type: str
    def __init__(self, uri: _Optional[str] = ..., sha256: _Optional[str] = ..., media_type: _Optional[str] = ...) -> None: ...

class ArtefactValue(_message.Message):
    __slots__ = ("name", "value", "reference")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: _struct_pb2.Value
    reference: ArtefactReference
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., reference: _Optional[_Union[ArtefactReference, _Mapping]] = ...) -> None: ...

class TaskArtefact(_message.Message):
    __slots__ = ("task_id", "artefact", "type", "size")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    artefact: ArtefactValue
    type: str
    size: int
    def __init__(self, task_id: _Optional[str] = ..., artefact: _Optional[_Union[ArtefactValue, _Mapping]] = ..., type: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class LeaseToken(_message.Message):
    __slots__ = ("lease_id", "token")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    token: int
    def __init__(self, lease_id: _Optional[str] = ..., token: _Optional[int] = ...) -> None: ...

class TaskAttempt(_message.Message):
    __slots__ = ("number", "agent_id", "session_id", "outcome", "error", "begin_time", "end_time", "usage", "progress", "progress_message")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    number: int
    agent_id: str
    session_id: str
    outcome: AttemptOutcome
    error: str
    begin_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    usage: Usage
    progress: float
    progress_message: str
    def __init__(self, number: _Optional[int] = ..., agent_id: _Optional[str] = ..., session_id: _Optional[str] = ..., outcome: _Optional[_Union[AttemptOutcome, str]] = ..., error: _Optional[str] = ..., begin_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., progress: _Optional[float] = ..., progress_message: _Optional[str] = ...) -> None: ...

class TaskRun(_message.Message):
    __slots__ = ("task_id", "attempts", "waiting_for", "waiting_message", "dead_letter")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    WAITING_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTER_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    attempts: _containers.RepeatedCompositeFieldContainer[TaskAttempt]
    waiting_for: WaitingFor
    waiting_message: str
    dead_letter: str
    def __init__(self, task_id: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[TaskAttempt, _Mapping]]] = ..., waiting_for: _Optional[_Union[WaitingFor, str]] = ..., waiting_message: _Optional[str] = ..., dead_letter: _Optional[str] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("request_id", "plan_id", "task_id", "lease", "done", "failed", "declined", "usage", "agent_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DECLINED_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    plan_id: str
    task_id: str
    lease: LeaseToken
    done: ReportedDone
    failed: ReportedFailed
    declined: ReportedDeclined
    usage: Usage
    agent_id: str
    def __init__(self, request_id: _Optional[str] = ..., plan_id: _Optional[str] = ..., task_id: _Optional[str] = ..., lease: _Optional[_Union[LeaseToken, _Mapping]] = ..., done: _Optional[_Union[ReportedDone, _Mapping]] = ..., failed: _Optional[_Union[ReportedFailed, _Mapping]] = ..., declined: _Optional[_Union[ReportedDeclined, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., agent_id: _Optional[str] = ...) -> None: ...

class ReportedDone(_message.Message):
    __slots__ = ("outputs",)
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    outputs: _containers.RepeatedCompositeFieldContainer[ArtefactValue]
    def __init__(self, outputs: _Optional[_Iterable[_Union[ArtefactValue, _Mapping]]] = ...) -> None: ...

class ReportedFailed(_message.Message):
    __slots__ = ("error", "permanent")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PERMANENT_FIELD_NUMBER: _ClassVar[int]
    error: str
    permanent: bool
    def __init__(self, error: _Optional[str] = ..., permanent: _Optional[bool] = ...) -> None: ...

class ReportedDeclined(_message.Message):
    __slots__ = ("reason", "hand_back")
    REASON_FIELD_NUMBER: _ClassVar[int]
    HAND_BACK_FIELD_NUMBER: _ClassVar[int]
    reason: str
    hand_back: bool
    def __init__(self, reason: _Optional[str] = ..., hand_back: _Optional[bool] = ...) -> None: ...

class ReportResponse(_message.Message):
    __slots__ = ("duplicate", "plan_version", "task_state", "plan_state", "next", "balance")
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    PLAN_VERSION_FIELD_NUMBER: _ClassVar[int]
    TASK_STATE_FIELD_NUMBER: _ClassVar[int]
    PLAN_STATE_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    duplicate: bool
    plan_version: int
    task_state: _plan_pb2.TaskState
    plan_state: _plan_pb2.PlanState
    next: str
    balance: RunBalance
    def __init__(self, duplicate: _Optional[bool] = ..., plan_version: _Optional[int] = ..., task_state: _Optional[_Union[_plan_pb2.TaskState, str]] = ..., plan_state: _Optional[_Union[_plan_pb2.PlanState, str]] = ..., next: _Optional[str] = ..., balance: _Optional[_Union[RunBalance, _Mapping]] = ...) -> None: ...
