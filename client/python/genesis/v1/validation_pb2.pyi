import datetime

from genesis.v1 import common_pb2 as _common_pb2
from genesis.v1 import plan_pb2 as _plan_pb2
from genesis.v1 import routing_pb2 as _routing_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Principle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRINCIPLE_UNSPECIFIED: _ClassVar[Principle]
    PRINCIPLE_STRUCTURE: _ClassVar[Principle]
    PRINCIPLE_SOLVABILITY: _ClassVar[Principle]
    PRINCIPLE_COMPLETENESS: _ClassVar[Principle]
    PRINCIPLE_NON_REDUNDANCY: _ClassVar[Principle]
    PRINCIPLE_ROUTING: _ClassVar[Principle]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_INFO: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]

class FindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_KIND_UNSPECIFIED: _ClassVar[FindingKind]
    FINDING_KIND_CYCLE: _ClassVar[FindingKind]
    FINDING_KIND_SELF_DEPENDENCY: _ClassVar[FindingKind]
    FINDING_KIND_DANGLING_REFERENCE: _ClassVar[FindingKind]
    FINDING_KIND_DUPLICATE_TASK_ID: _ClassVar[FindingKind]
    FINDING_KIND_DUPLICATE_EDGE: _ClassVar[FindingKind]
    FINDING_KIND_INPUT_NOT_READY: _ClassVar[FindingKind]
    FINDING_KIND_PARENT_CYCLE: _ClassVar[FindingKind]
    FINDING_KIND_TOO_DEEP: _ClassVar[FindingKind]
    FINDING_KIND_TOO_MANY_TASKS: _ClassVar[FindingKind]
    FINDING_KIND_EMPTY_PLAN: _ClassVar[FindingKind]
    FINDING_KIND_REDUNDANT_EDGE: _ClassVar[FindingKind]
    FINDING_KIND_UNSOLVABLE_TASK: _ClassVar[FindingKind]
    FINDING_KIND_UNKNOWN_TARGET: _ClassVar[FindingKind]
    FINDING_KIND_UNFIT_TARGET: _ClassVar[FindingKind]
    FINDING_KIND_UNASSIGNED_TASK: _ClassVar[FindingKind]
    FINDING_KIND_UNCOVERED_ELEMENT: _ClassVar[FindingKind]
    FINDING_KIND_REPEATED_TASK: _ClassVar[FindingKind]
    FINDING_KIND_OVERLOAD: _ClassVar[FindingKind]
    FINDING_KIND_OVER_BUDGET: _ClassVar[FindingKind]
    FINDING_KIND_OVER_DEADLINE: _ClassVar[FindingKind]
    FINDING_KIND_SUBSUMED_TASK: _ClassVar[FindingKind]
    FINDING_KIND_UNUSED_OUTPUT: _ClassVar[FindingKind]
    FINDING_KIND_REPEATED_GOAL: _ClassVar[FindingKind]
    FINDING_KIND_FORBIDDEN_DATA_CLASS: _ClassVar[FindingKind]
    FINDING_KIND_UNHEALTHY_TARGET: _ClassVar[FindingKind]
PRINCIPLE_UNSPECIFIED: Principle
PRINCIPLE_STRUCTURE: Principle
PRINCIPLE_SOLVABILITY: Principle
PRINCIPLE_COMPLETENESS: Principle
PRINCIPLE_NON_REDUNDANCY: Principle
PRINCIPLE_ROUTING: Principle
SEVERITY_UNSPECIFIED: Severity
SEVERITY_INFO: Severity
SEVERITY_WARNING: Severity
SEVERITY_ERROR: Severity
FINDING_KIND_UNSPECIFIED: FindingKind
FINDING_KIND_CYCLE: FindingKind
FINDING_KIND_SELF_DEPENDENCY: FindingKind
FINDING_KIND_DANGLING_REFERENCE: FindingKind
FINDING_KIND_DUPLICATE_TASK_ID: FindingKind
FINDING_KIND_DUPLICATE_EDGE: FindingKind
FINDING_KIND_INPUT_NOT_READY: FindingKind
FINDING_KIND_PARENT_CYCLE: FindingKind
FINDING_KIND_TOO_DEEP: FindingKind
FINDING_KIND_TOO_MANY_TASKS: FindingKind
FINDING_KIND_EMPTY_PLAN: FindingKind
FINDING_KIND_REDUNDANT_EDGE: FindingKind
FINDING_KIND_UNSOLVABLE_TASK: FindingKind
FINDING_KIND_UNKNOWN_TARGET: FindingKind
FINDING_KIND_UNFIT_TARGET: FindingKind
FINDING_KIND_UNASSIGNED_TASK: FindingKind
FINDING_KIND_UNCOVERED_ELEMENT: FindingKind
FINDING_KIND_REPEATED_TASK: FindingKind
FINDING_KIND_OVERLOAD: FindingKind
FINDING_KIND_OVER_BUDGET: FindingKind
FINDING_KIND_OVER_DEADLINE: FindingKind
FINDING_KIND_SUBSUMED_TASK: FindingKind
FINDING_KIND_UNUSED_OUTPUT: FindingKind
FINDING_KIND_REPEATED_GOAL: FindingKind
FINDING_KIND_FORBIDDEN_DATA_CLASS: FindingKind
FINDING_KIND_UNHEALTHY_TARGET: FindingKind

class Finding(_message.Message):
    __slots__ = ("kind", "principle", "severity", "message", "spans", "task_ids", "fix")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PRINCIPLE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    kind: FindingKind
    principle: Principle
    severity: Severity
    message: str
    spans: _containers.RepeatedCompositeFieldContainer[_common_pb2.Span]
    task_ids: _containers.RepeatedScalarFieldContainer[str]
    fix: Fix
    def __init__(self, kind: _Optional[_Union[FindingKind, str]] = ..., principle: _Optional[_Union[Principle, str]] = ..., severity: _Optional[_Union[Severity, str]] = ..., message: _Optional[str] = ..., spans: _Optional[_Iterable[_Union[_common_pb2.Span, _Mapping]]] = ..., task_ids: _Optional[_Iterable[str]] = ..., fix: _Optional[_Union[Fix, _Mapping]] = ...) -> None: ...

class Fix(_message.Message):
    __slots__ = ("reallocate", "drop_task", "drop_edge", "add_task", "redescribe", "split_task", "merge_tasks")
    REALLOCATE_FIELD_NUMBER: _ClassVar[int]
    DROP_TASK_FIELD_NUMBER: _ClassVar[int]
    DROP_EDGE_FIELD_NUMBER: _ClassVar[int]
    ADD_TASK_FIELD_NUMBER: _ClassVar[int]
    REDESCRIBE_FIELD_NUMBER: _ClassVar[int]
    SPLIT_TASK_FIELD_NUMBER: _ClassVar[int]
    MERGE_TASKS_FIELD_NUMBER: _ClassVar[int]
    reallocate: Reallocate
    drop_task: DropTask
    drop_edge: DropEdge
    add_task: AddTask
    redescribe: Redescribe
    split_task: SplitTask
    merge_tasks: MergeTasks
    def __init__(self, reallocate: _Optional[_Union[Reallocate, _Mapping]] = ..., drop_task: _Optional[_Union[DropTask, _Mapping]] = ..., drop_edge: _Optional[_Union[DropEdge, _Mapping]] = ..., add_task: _Optional[_Union[AddTask, _Mapping]] = ..., redescribe: _Optional[_Union[Redescribe, _Mapping]] = ..., split_task: _Optional[_Union[SplitTask, _Mapping]] = ..., merge_tasks: _Optional[_Union[MergeTasks, _Mapping]] = ...) -> None: ...

class AddTask(_message.Message):
    __slots__ = ("task", "edges")
    TASK_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    task: _plan_pb2.Task
    edges: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Edge]
    def __init__(self, task: _Optional[_Union[_plan_pb2.Task, _Mapping]] = ..., edges: _Optional[_Iterable[_Union[_plan_pb2.Edge, _Mapping]]] = ...) -> None: ...

class Redescribe(_message.Message):
    __slots__ = ("task_id", "goal")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    goal: str
    def __init__(self, task_id: _Optional[str] = ..., goal: _Optional[str] = ...) -> None: ...

class SplitTask(_message.Message):
    __slots__ = ("task_id", "tasks", "edges")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    tasks: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Task]
    edges: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Edge]
    def __init__(self, task_id: _Optional[str] = ..., tasks: _Optional[_Iterable[_Union[_plan_pb2.Task, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[_plan_pb2.Edge, _Mapping]]] = ...) -> None: ...

class MergeTasks(_message.Message):
    __slots__ = ("task_id", "merged_ids", "goal")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    MERGED_IDS_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    merged_ids: _containers.RepeatedScalarFieldContainer[str]
    goal: str
    def __init__(self, task_id: _Optional[str] = ..., merged_ids: _Optional[_Iterable[str]] = ..., goal: _Optional[str] = ...) -> None: ...

class Reallocate(_message.Message):
    __slots__ = ("task_id", "target")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    target: _routing_pb2.Target
    def __init__(self, task_id: _Optional[str] = ..., target: _Optional[_Union[_routing_pb2.Target, _Mapping]] = ...) -> None: ...

class DropTask(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class DropEdge(_message.Message):
    __slots__ = ("edge",)
    EDGE_FIELD_NUMBER: _ClassVar[int]
    edge: _plan_pb2.Edge
    def __init__(self, edge: _Optional[_Union[_plan_pb2.Edge, _Mapping]] = ...) -> None: ...

class NotJudged(_message.Message):
    __slots__ = ("principle", "reason")
    PRINCIPLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    principle: Principle
    reason: str
    def __init__(self, principle: _Optional[_Union[Principle, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("passed", "structure_passed", "solvability_passed", "completeness_passed", "non_redundancy_passed", "routing_passed", "quality_score", "quality_terms", "findings", "finding_count", "not_judged", "schedule")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_PASSED_FIELD_NUMBER: _ClassVar[int]
    SOLVABILITY_PASSED_FIELD_NUMBER: _ClassVar[int]
    COMPLETENESS_PASSED_FIELD_NUMBER: _ClassVar[int]
    NON_REDUNDANCY_PASSED_FIELD_NUMBER: _ClassVar[int]
    ROUTING_PASSED_FIELD_NUMBER: _ClassVar[int]
    QUALITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_TERMS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    FINDING_COUNT_FIELD_NUMBER: _ClassVar[int]
    NOT_JUDGED_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    structure_passed: bool
    solvability_passed: bool
    completeness_passed: bool
    non_redundancy_passed: bool
    routing_passed: bool
    quality_score: float
    quality_terms: QualityTerms
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    finding_count: int
    not_judged: _containers.RepeatedCompositeFieldContainer[NotJudged]
    schedule: Schedule
    def __init__(self, passed: _Optional[bool] = ..., structure_passed: _Optional[bool] = ..., solvability_passed: _Optional[bool] = ..., completeness_passed: _Optional[bool] = ..., non_redundancy_passed: _Optional[bool] = ..., routing_passed: _Optional[bool] = ..., quality_score: _Optional[float] = ..., quality_terms: _Optional[_Union[QualityTerms, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., finding_count: _Optional[int] = ..., not_judged: _Optional[_Iterable[_Union[NotJudged, _Mapping]]] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ...) -> None: ...

class QualityTerms(_message.Message):
    __slots__ = ("success", "quality", "cost", "time")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    success: float
    quality: float
    cost: float
    time: float
    def __init__(self, success: _Optional[float] = ..., quality: _Optional[float] = ..., cost: _Optional[float] = ..., time: _Optional[float] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("levels", "level_count", "critical_path", "makespan", "max_parallelism", "average_parallelism", "redundant_edges_checked")
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    CRITICAL_PATH_FIELD_NUMBER: _ClassVar[int]
    MAKESPAN_FIELD_NUMBER: _ClassVar[int]
    MAX_PARALLELISM_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PARALLELISM_FIELD_NUMBER: _ClassVar[int]
    REDUNDANT_EDGES_CHECKED_FIELD_NUMBER: _ClassVar[int]
    levels: _containers.RepeatedCompositeFieldContainer[ScheduleLevel]
    level_count: int
    critical_path: _containers.RepeatedScalarFieldContainer[str]
    makespan: _duration_pb2.Duration
    max_parallelism: int
    average_parallelism: float
    redundant_edges_checked: bool
    def __init__(self, levels: _Optional[_Iterable[_Union[ScheduleLevel, _Mapping]]] = ..., level_count: _Optional[int] = ..., critical_path: _Optional[_Iterable[str]] = ..., makespan: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_parallelism: _Optional[int] = ..., average_parallelism: _Optional[float] = ..., redundant_edges_checked: _Optional[bool] = ...) -> None: ...

class ScheduleLevel(_message.Message):
    __slots__ = ("task_ids",)
    TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    task_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, task_ids: _Optional[_Iterable[str]] = ...) -> None: ...
