import datetime

from genesis.v1 import common_pb2 as _common_pb2
from genesis.v1 import plan_pb2 as _plan_pb2
from genesis.v1 import routing_pb2 as _routing_pb2
from genesis.v1 import work_pb2 as _work_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpdatePlanRequest(_message.Message):
    __slots__ = ("request_id", "plan_id", "version", "done", "failed", "information", "edit", "pause", "resume", "cancel", "approve", "budget", "dispatch")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    INFORMATION_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    plan_id: str
    version: int
    done: TaskDone
    failed: TaskFailed
    information: Information
    edit: PlanEdit
    pause: PausePlan
    resume: ResumePlan
    cancel: CancelPlan
    approve: ApproveTask
    budget: _work_pb2.RunBudget
    dispatch: _work_pb2.Dispatch
    def __init__(self, request_id: _Optional[str] = ..., plan_id: _Optional[str] = ..., version: _Optional[int] = ..., done: _Optional[_Union[TaskDone, _Mapping]] = ..., failed: _Optional[_Union[TaskFailed, _Mapping]] = ..., information: _Optional[_Union[Information, _Mapping]] = ..., edit: _Optional[_Union[PlanEdit, _Mapping]] = ..., pause: _Optional[_Union[PausePlan, _Mapping]] = ..., resume: _Optional[_Union[ResumePlan, _Mapping]] = ..., cancel: _Optional[_Union[CancelPlan, _Mapping]] = ..., approve: _Optional[_Union[ApproveTask, _Mapping]] = ..., budget: _Optional[_Union[_work_pb2.RunBudget, _Mapping]] = ..., dispatch: _Optional[_Union[_work_pb2.Dispatch, _Mapping]] = ...) -> None: ...

class ApproveTask(_message.Message):
    __slots__ = ("task_id", "refused", "comment")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    refused: bool
    comment: str
    def __init__(self, task_id: _Optional[str] = ..., refused: _Optional[bool] = ..., comment: _Optional[str] = ...) -> None: ...

class TaskDone(_message.Message):
    __slots__ = ("task_id", "outputs")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    outputs: _struct_pb2.Struct
    def __init__(self, task_id: _Optional[str] = ..., outputs: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class TaskFailed(_message.Message):
    __slots__ = ("task_id", "error")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    error: str
    def __init__(self, task_id: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class Information(_message.Message):
    __slots__ = ("facts", "task_ids", "text")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    facts: _struct_pb2.Struct
    task_ids: _containers.RepeatedScalarFieldContainer[str]
    text: str
    def __init__(self, facts: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., task_ids: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ...) -> None: ...

class PlanEdit(_message.Message):
    __slots__ = ("edits",)
    EDITS_FIELD_NUMBER: _ClassVar[int]
    edits: _containers.RepeatedCompositeFieldContainer[Edit]
    def __init__(self, edits: _Optional[_Iterable[_Union[Edit, _Mapping]]] = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ("add_task", "change_task", "remove_task_id", "add_edge", "remove_edge")
    ADD_TASK_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TASK_FIELD_NUMBER: _ClassVar[int]
    REMOVE_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ADD_EDGE_FIELD_NUMBER: _ClassVar[int]
    REMOVE_EDGE_FIELD_NUMBER: _ClassVar[int]
    add_task: _plan_pb2.Task
    change_task: _plan_pb2.Task
    remove_task_id: str
    add_edge: _plan_pb2.Edge
    remove_edge: _plan_pb2.Edge
    def __init__(self, add_task: _Optional[_Union[_plan_pb2.Task, _Mapping]] = ..., change_task: _Optional[_Union[_plan_pb2.Task, _Mapping]] = ..., remove_task_id: _Optional[str] = ..., add_edge: _Optional[_Union[_plan_pb2.Edge, _Mapping]] = ..., remove_edge: _Optional[_Union[_plan_pb2.Edge, _Mapping]] = ...) -> None: ...

class PausePlan(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResumePlan(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelPlan(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdatePlanResponse(_message.Message):
    __slots__ = ("plan_id", "version", "diff", "ready_task_ids", "undecided_guards", "state", "counters", "replanned", "routes", "provenance", "balance")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    READY_TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    UNDECIDED_GUARDS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    REPLANNED_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    version: int
    diff: PlanDiff
    ready_task_ids: _containers.RepeatedScalarFieldContainer[str]
    undecided_guards: _containers.RepeatedCompositeFieldContainer[UndecidedGuard]
    state: _plan_pb2.PlanState
    counters: _plan_pb2.PlanCounters
    replanned: bool
    routes: _containers.RepeatedCompositeFieldContainer[_routing_pb2.TaskRoute]
    provenance: _common_pb2.Provenance
    balance: _work_pb2.RunBalance
    def __init__(self, plan_id: _Optional[str] = ..., version: _Optional[int] = ..., diff: _Optional[_Union[PlanDiff, _Mapping]] = ..., ready_task_ids: _Optional[_Iterable[str]] = ..., undecided_guards: _Optional[_Iterable[_Union[UndecidedGuard, _Mapping]]] = ..., state: _Optional[_Union[_plan_pb2.PlanState, str]] = ..., counters: _Optional[_Union[_plan_pb2.PlanCounters, _Mapping]] = ..., replanned: _Optional[bool] = ..., routes: _Optional[_Iterable[_Union[_routing_pb2.TaskRoute, _Mapping]]] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, _Mapping]] = ..., balance: _Optional[_Union[_work_pb2.RunBalance, _Mapping]] = ...) -> None: ...

class PlanDiff(_message.Message):
    __slots__ = ("added_tasks", "changed_tasks", "removed_task_ids", "added_edges", "removed_edges")
    ADDED_TASKS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_TASKS_FIELD_NUMBER: _ClassVar[int]
    REMOVED_TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    ADDED_EDGES_FIELD_NUMBER: _ClassVar[int]
    REMOVED_EDGES_FIELD_NUMBER: _ClassVar[int]
    added_tasks: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Task]
    changed_tasks: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Task]
    removed_task_ids: _containers.RepeatedScalarFieldContainer[str]
    added_edges: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Edge]
    removed_edges: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Edge]
    def __init__(self, added_tasks: _Optional[_Iterable[_Union[_plan_pb2.Task, _Mapping]]] = ..., changed_tasks: _Optional[_Iterable[_Union[_plan_pb2.Task, _Mapping]]] = ..., removed_task_ids: _Optional[_Iterable[str]] = ..., added_edges: _Optional[_Iterable[_Union[_plan_pb2.Edge, _Mapping]]] = ..., removed_edges: _Optional[_Iterable[_Union[_plan_pb2.Edge, _Mapping]]] = ...) -> None: ...

class UndecidedGuard(_message.Message):
    __slots__ = ("task_id", "text", "artefact")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ARTEFACT_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    text: str
    artefact: str
    def __init__(self, task_id: _Optional[str] = ..., text: _Optional[str] = ..., artefact: _Optional[str] = ...) -> None: ...

class WatchPlanRequest(_message.Message):
    __slots__ = ("plan_id", "after_version", "include_runs")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_VERSION_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_RUNS_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    after_version: int
    include_runs: bool
    def __init__(self, plan_id: _Optional[str] = ..., after_version: _Optional[int] = ..., include_runs: _Optional[bool] = ...) -> None: ...

class WatchPlanResponse(_message.Message):
    __slots__ = ("version", "event", "diff", "ready_task_ids", "state", "time", "actor", "runs", "balance")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    READY_TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    version: int
    event: str
    diff: PlanDiff
    ready_task_ids: _containers.RepeatedScalarFieldContainer[str]
    state: _plan_pb2.PlanState
    time: _timestamp_pb2.Timestamp
    actor: str
    runs: _containers.RepeatedCompositeFieldContainer[_work_pb2.TaskRun]
    balance: _work_pb2.RunBalance
    def __init__(self, version: _Optional[int] = ..., event: _Optional[str] = ..., diff: _Optional[_Union[PlanDiff, _Mapping]] = ..., ready_task_ids: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[_plan_pb2.PlanState, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., runs: _Optional[_Iterable[_Union[_work_pb2.TaskRun, _Mapping]]] = ..., balance: _Optional[_Union[_work_pb2.RunBalance, _Mapping]] = ...) -> None: ...
