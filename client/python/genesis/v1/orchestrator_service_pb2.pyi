import datetime

from genesis.v1 import catalogue_pb2 as _catalogue_pb2
from genesis.v1 import common_pb2 as _common_pb2
from genesis.v1 import decision_pb2 as _decision_pb2
from genesis.v1 import flags_pb2 as _flags_pb2
from genesis.v1 import plan_pb2 as _plan_pb2
from genesis.v1 import routing_pb2 as _routing_pb2
from genesis.v1 import update_pb2 as _update_pb2
from genesis.v1 import validation_pb2 as _validation_pb2
from genesis.v1 import work_pb2 as _work_pb2
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

class FlagType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLAG_TYPE_UNSPECIFIED: _ClassVar[FlagType]
    FLAG_TYPE_BOOLEAN: _ClassVar[FlagType]
    FLAG_TYPE_STRING: _ClassVar[FlagType]
    FLAG_TYPE_NUMBER: _ClassVar[FlagType]
    FLAG_TYPE_OBJECT: _ClassVar[FlagType]

class FlagReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLAG_REASON_UNSPECIFIED: _ClassVar[FlagReason]
    FLAG_REASON_STATIC: _ClassVar[FlagReason]
    FLAG_REASON_DISABLED: _ClassVar[FlagReason]
    FLAG_REASON_ENVIRONMENT: _ClassVar[FlagReason]
    FLAG_REASON_GROUP: _ClassVar[FlagReason]
    FLAG_REASON_STALE: _ClassVar[FlagReason]
    FLAG_REASON_TARGETING_MATCH: _ClassVar[FlagReason]
    FLAG_REASON_DEFAULT: _ClassVar[FlagReason]
    FLAG_REASON_EMERGENCY: _ClassVar[FlagReason]
    FLAG_REASON_ERROR: _ClassVar[FlagReason]

class HealthStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEALTH_STATUS_UNSPECIFIED: _ClassVar[HealthStatus]
    HEALTH_STATUS_HEALTHY: _ClassVar[HealthStatus]
    HEALTH_STATUS_DEGRADED: _ClassVar[HealthStatus]
    HEALTH_STATUS_UNHEALTHY: _ClassVar[HealthStatus]
FLAG_TYPE_UNSPECIFIED: FlagType
FLAG_TYPE_BOOLEAN: FlagType
FLAG_TYPE_STRING: FlagType
FLAG_TYPE_NUMBER: FlagType
FLAG_TYPE_OBJECT: FlagType
FLAG_REASON_UNSPECIFIED: FlagReason
FLAG_REASON_STATIC: FlagReason
FLAG_REASON_DISABLED: FlagReason
FLAG_REASON_ENVIRONMENT: FlagReason
FLAG_REASON_GROUP: FlagReason
FLAG_REASON_STALE: FlagReason
FLAG_REASON_TARGETING_MATCH: FlagReason
FLAG_REASON_DEFAULT: FlagReason
FLAG_REASON_EMERGENCY: FlagReason
FLAG_REASON_ERROR: FlagReason
HEALTH_STATUS_UNSPECIFIED: HealthStatus
HEALTH_STATUS_HEALTHY: HealthStatus
HEALTH_STATUS_DEGRADED: HealthStatus
HEALTH_STATUS_UNHEALTHY: HealthStatus

class PlanRequest(_message.Message):
    __slots__ = ("request_id", "goal", "catalogue", "max_level", "givens", "seed", "run_budget")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    MAX_LEVEL_FIELD_NUMBER: _ClassVar[int]
    GIVENS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RUN_BUDGET_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    goal: str
    catalogue: _catalogue_pb2.Catalogue
    max_level: _common_pb2.DegradationLevel
    givens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    seed: int
    run_budget: _work_pb2.RunBudget
    def __init__(self, request_id: _Optional[str] = ..., goal: _Optional[str] = ..., catalogue: _Optional[_Union[_catalogue_pb2.Catalogue, _Mapping]] = ..., max_level: _Optional[_Union[_common_pb2.DegradationLevel, str]] = ..., givens: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., seed: _Optional[int] = ..., run_budget: _Optional[_Union[_work_pb2.RunBudget, _Mapping]] = ...) -> None: ...

class PlanResponse(_message.Message):
    __slots__ = ("plan", "provenance", "stored")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    plan: _plan_pb2.Plan
    provenance: _common_pb2.Provenance
    stored: bool
    def __init__(self, plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, _Mapping]] = ..., stored: _Optional[bool] = ...) -> None: ...

class PlanStreamRequest(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: PlanRequest
    def __init__(self, plan: _Optional[_Union[PlanRequest, _Mapping]] = ...) -> None: ...

class PlanStreamResponse(_message.Message):
    __slots__ = ("sequence", "progress", "result")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    progress: PlanProgress
    result: PlanResponse
    def __init__(self, sequence: _Optional[int] = ..., progress: _Optional[_Union[PlanProgress, _Mapping]] = ..., result: _Optional[_Union[PlanResponse, _Mapping]] = ...) -> None: ...

class PlanProgress(_message.Message):
    __slots__ = ("phase", "task_count", "message")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    phase: _common_pb2.PhaseDuration
    task_count: int
    message: str
    def __init__(self, phase: _Optional[_Union[_common_pb2.PhaseDuration, _Mapping]] = ..., task_count: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class RouteRequest(_message.Message):
    __slots__ = ("plan_id", "plan", "catalogue", "constraints", "explanation", "seed")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    plan: _plan_pb2.Plan
    catalogue: _catalogue_pb2.Catalogue
    constraints: _routing_pb2.RoutingConstraints
    explanation: _routing_pb2.ExplanationLevel
    seed: int
    def __init__(self, plan_id: _Optional[str] = ..., plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., catalogue: _Optional[_Union[_catalogue_pb2.Catalogue, _Mapping]] = ..., constraints: _Optional[_Union[_routing_pb2.RoutingConstraints, _Mapping]] = ..., explanation: _Optional[_Union[_routing_pb2.ExplanationLevel, str]] = ..., seed: _Optional[int] = ...) -> None: ...

class RouteResponse(_message.Message):
    __slots__ = ("routes", "budget", "provenance")
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    routes: _containers.RepeatedCompositeFieldContainer[_routing_pb2.TaskRoute]
    budget: _routing_pb2.BudgetSummary
    provenance: _common_pb2.Provenance
    def __init__(self, routes: _Optional[_Iterable[_Union[_routing_pb2.TaskRoute, _Mapping]]] = ..., budget: _Optional[_Union[_routing_pb2.BudgetSummary, _Mapping]] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, _Mapping]] = ...) -> None: ...

class ValidateRequest(_message.Message):
    __slots__ = ("goal", "plan_id", "plan", "routes", "catalogue", "constraints", "apply_fixes")
    GOAL_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    APPLY_FIXES_FIELD_NUMBER: _ClassVar[int]
    goal: str
    plan_id: str
    plan: _plan_pb2.Plan
    routes: _containers.RepeatedCompositeFieldContainer[_routing_pb2.TaskRoute]
    catalogue: _catalogue_pb2.Catalogue
    constraints: _routing_pb2.RoutingConstraints
    apply_fixes: bool
    def __init__(self, goal: _Optional[str] = ..., plan_id: _Optional[str] = ..., plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., routes: _Optional[_Iterable[_Union[_routing_pb2.TaskRoute, _Mapping]]] = ..., catalogue: _Optional[_Union[_catalogue_pb2.Catalogue, _Mapping]] = ..., constraints: _Optional[_Union[_routing_pb2.RoutingConstraints, _Mapping]] = ..., apply_fixes: _Optional[bool] = ...) -> None: ...

class ValidateResponse(_message.Message):
    __slots__ = ("verdict", "provenance", "plan", "routes", "repairs")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    REPAIRS_FIELD_NUMBER: _ClassVar[int]
    verdict: _validation_pb2.Verdict
    provenance: _common_pb2.Provenance
    plan: _plan_pb2.Plan
    routes: _containers.RepeatedCompositeFieldContainer[_routing_pb2.TaskRoute]
    repairs: _containers.RepeatedCompositeFieldContainer[Repair]
    def __init__(self, verdict: _Optional[_Union[_validation_pb2.Verdict, _Mapping]] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, _Mapping]] = ..., plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., routes: _Optional[_Iterable[_Union[_routing_pb2.TaskRoute, _Mapping]]] = ..., repairs: _Optional[_Iterable[_Union[Repair, _Mapping]]] = ...) -> None: ...

class OrchestrateRequest(_message.Message):
    __slots__ = ("request_id", "goal", "catalogue", "max_level", "givens", "constraints", "explanation", "seed", "run_budget", "dispatch")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    MAX_LEVEL_FIELD_NUMBER: _ClassVar[int]
    GIVENS_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RUN_BUDGET_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    goal: str
    catalogue: _catalogue_pb2.Catalogue
    max_level: _common_pb2.DegradationLevel
    givens: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    constraints: _routing_pb2.RoutingConstraints
    explanation: _routing_pb2.ExplanationLevel
    seed: int
    run_budget: _work_pb2.RunBudget
    dispatch: _work_pb2.Dispatch
    def __init__(self, request_id: _Optional[str] = ..., goal: _Optional[str] = ..., catalogue: _Optional[_Union[_catalogue_pb2.Catalogue, _Mapping]] = ..., max_level: _Optional[_Union[_common_pb2.DegradationLevel, str]] = ..., givens: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., constraints: _Optional[_Union[_routing_pb2.RoutingConstraints, _Mapping]] = ..., explanation: _Optional[_Union[_routing_pb2.ExplanationLevel, str]] = ..., seed: _Optional[int] = ..., run_budget: _Optional[_Union[_work_pb2.RunBudget, _Mapping]] = ..., dispatch: _Optional[_Union[_work_pb2.Dispatch, _Mapping]] = ...) -> None: ...

class OrchestrateResponse(_message.Message):
    __slots__ = ("plan", "routes", "budget", "verdict", "repairs", "provenance", "stored")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REPAIRS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    plan: _plan_pb2.Plan
    routes: _containers.RepeatedCompositeFieldContainer[_routing_pb2.TaskRoute]
    budget: _routing_pb2.BudgetSummary
    verdict: _validation_pb2.Verdict
    repairs: _containers.RepeatedCompositeFieldContainer[Repair]
    provenance: _common_pb2.Provenance
    stored: bool
    def __init__(self, plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., routes: _Optional[_Iterable[_Union[_routing_pb2.TaskRoute, _Mapping]]] = ..., budget: _Optional[_Union[_routing_pb2.BudgetSummary, _Mapping]] = ..., verdict: _Optional[_Union[_validation_pb2.Verdict, _Mapping]] = ..., repairs: _Optional[_Iterable[_Union[Repair, _Mapping]]] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, _Mapping]] = ..., stored: _Optional[bool] = ...) -> None: ...

class Repair(_message.Message):
    __slots__ = ("round", "finding", "fix")
    ROUND_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    FIX_FIELD_NUMBER: _ClassVar[int]
    round: int
    finding: _validation_pb2.Finding
    fix: _validation_pb2.Fix
    def __init__(self, round: _Optional[int] = ..., finding: _Optional[_Union[_validation_pb2.Finding, _Mapping]] = ..., fix: _Optional[_Union[_validation_pb2.Fix, _Mapping]] = ...) -> None: ...

class GetPlanRequest(_message.Message):
    __slots__ = ("plan_id", "include_artefact_contents")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ARTEFACT_CONTENTS_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    include_artefact_contents: bool
    def __init__(self, plan_id: _Optional[str] = ..., include_artefact_contents: _Optional[bool] = ...) -> None: ...

class GetPlanResponse(_message.Message):
    __slots__ = ("plan", "routes", "verdict", "provenance", "balance", "runs", "artefacts", "dispatch")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    ARTEFACTS_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_FIELD_NUMBER: _ClassVar[int]
    plan: _plan_pb2.Plan
    routes: _containers.RepeatedCompositeFieldContainer[_routing_pb2.TaskRoute]
    verdict: _validation_pb2.Verdict
    provenance: _common_pb2.Provenance
    balance: _work_pb2.RunBalance
    runs: _containers.RepeatedCompositeFieldContainer[_work_pb2.TaskRun]
    artefacts: _containers.RepeatedCompositeFieldContainer[_work_pb2.TaskArtefact]
    dispatch: _work_pb2.Dispatch
    def __init__(self, plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., routes: _Optional[_Iterable[_Union[_routing_pb2.TaskRoute, _Mapping]]] = ..., verdict: _Optional[_Union[_validation_pb2.Verdict, _Mapping]] = ..., provenance: _Optional[_Union[_common_pb2.Provenance, _Mapping]] = ..., balance: _Optional[_Union[_work_pb2.RunBalance, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[_work_pb2.TaskRun, _Mapping]]] = ..., artefacts: _Optional[_Iterable[_Union[_work_pb2.TaskArtefact, _Mapping]]] = ..., dispatch: _Optional[_Union[_work_pb2.Dispatch, _Mapping]] = ...) -> None: ...

class ListPlansRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPlansResponse(_message.Message):
    __slots__ = ("plans", "next_page_token")
    PLANS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    plans: _containers.RepeatedCompositeFieldContainer[PlanSummary]
    next_page_token: str
    def __init__(self, plans: _Optional[_Iterable[_Union[PlanSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PlanSummary(_message.Message):
    __slots__ = ("id", "version", "goal", "task_count", "create_time", "level", "state")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: int
    goal: str
    task_count: int
    create_time: _timestamp_pb2.Timestamp
    level: _common_pb2.DegradationLevel
    state: _plan_pb2.PlanState
    def __init__(self, id: _Optional[str] = ..., version: _Optional[int] = ..., goal: _Optional[str] = ..., task_count: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., level: _Optional[_Union[_common_pb2.DegradationLevel, str]] = ..., state: _Optional[_Union[_plan_pb2.PlanState, str]] = ...) -> None: ...

class DeletePlanRequest(_message.Message):
    __slots__ = ("request_id", "plan_id", "version")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    plan_id: str
    version: int
    def __init__(self, request_id: _Optional[str] = ..., plan_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class DeletePlanResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FlagRequest(_message.Message):
    __slots__ = ("keys", "context", "run_id", "explain")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedScalarFieldContainer[str]
    context: _flags_pb2.FlagContext
    run_id: str
    explain: bool
    def __init__(self, keys: _Optional[_Iterable[str]] = ..., context: _Optional[_Union[_flags_pb2.FlagContext, _Mapping]] = ..., run_id: _Optional[str] = ..., explain: _Optional[bool] = ...) -> None: ...

class FlagResponse(_message.Message):
    __slots__ = ("flags", "snapshot_id", "current_snapshot_id")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    flags: _containers.RepeatedCompositeFieldContainer[FlagEvaluation]
    snapshot_id: str
    current_snapshot_id: str
    def __init__(self, flags: _Optional[_Iterable[_Union[FlagEvaluation, _Mapping]]] = ..., snapshot_id: _Optional[str] = ..., current_snapshot_id: _Optional[str] = ...) -> None: ...

class FlagEvaluation(_message.Message):
    __slots__ = ("key", "value", "variant", "reason", "source", "description", "layer", "version", "metadata", "type", "error", "explanation")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: _struct_pb2.Value
    variant: str
    reason: FlagReason
    source: str
    description: str
    layer: _flags_pb2.FlagLayer
    version: int
    metadata: _struct_pb2.Struct
    type: FlagType
    error: str
    explanation: _flags_pb2.FlagExplanation
    def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., variant: _Optional[str] = ..., reason: _Optional[_Union[FlagReason, str]] = ..., source: _Optional[str] = ..., description: _Optional[str] = ..., layer: _Optional[_Union[_flags_pb2.FlagLayer, str]] = ..., version: _Optional[int] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., type: _Optional[_Union[FlagType, str]] = ..., error: _Optional[str] = ..., explanation: _Optional[_Union[_flags_pb2.FlagExplanation, _Mapping]] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("status", "components", "degradation_level", "server_version", "contract_version", "snapshot_ids", "flags_not_built", "uptime")
    class SnapshotIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    DEGRADATION_LEVEL_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_VERSION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_IDS_FIELD_NUMBER: _ClassVar[int]
    FLAGS_NOT_BUILT_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    status: HealthStatus
    components: _containers.RepeatedCompositeFieldContainer[ComponentHealth]
    degradation_level: _common_pb2.DegradationLevel
    server_version: str
    contract_version: str
    snapshot_ids: _containers.ScalarMap[str, str]
    flags_not_built: _containers.RepeatedScalarFieldContainer[str]
    uptime: _duration_pb2.Duration
    def __init__(self, status: _Optional[_Union[HealthStatus, str]] = ..., components: _Optional[_Iterable[_Union[ComponentHealth, _Mapping]]] = ..., degradation_level: _Optional[_Union[_common_pb2.DegradationLevel, str]] = ..., server_version: _Optional[str] = ..., contract_version: _Optional[str] = ..., snapshot_ids: _Optional[_Mapping[str, str]] = ..., flags_not_built: _Optional[_Iterable[str]] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ComponentHealth(_message.Message):
    __slots__ = ("name", "status", "message", "breaker_state", "retry_time", "opened_time", "breaker_reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    BREAKER_STATE_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    OPENED_TIME_FIELD_NUMBER: _ClassVar[int]
    BREAKER_REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: HealthStatus
    message: str
    breaker_state: str
    retry_time: _timestamp_pb2.Timestamp
    opened_time: _timestamp_pb2.Timestamp
    breaker_reason: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[_Union[HealthStatus, str]] = ..., message: _Optional[str] = ..., breaker_state: _Optional[str] = ..., retry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., opened_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., breaker_reason: _Optional[str] = ...) -> None: ...
