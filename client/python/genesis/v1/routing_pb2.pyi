import datetime

from genesis.v1 import common_pb2 as _common_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExplanationLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPLANATION_LEVEL_UNSPECIFIED: _ClassVar[ExplanationLevel]
    EXPLANATION_LEVEL_NONE: _ClassVar[ExplanationLevel]
    EXPLANATION_LEVEL_SUMMARY: _ClassVar[ExplanationLevel]
    EXPLANATION_LEVEL_FULL: _ClassVar[ExplanationLevel]

class TargetKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TARGET_KIND_UNSPECIFIED: _ClassVar[TargetKind]
    TARGET_KIND_AGENT: _ClassVar[TargetKind]
    TARGET_KIND_TOOL: _ClassVar[TargetKind]

class UnassignedReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNASSIGNED_REASON_UNSPECIFIED: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_NO_CAPABILITY: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_REGION: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_DATA_CLASS: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_UNHEALTHY: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_BUDGET: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_DEADLINE: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_EXCLUDED: _ClassVar[UnassignedReason]
    UNASSIGNED_REASON_RULE: _ClassVar[UnassignedReason]

class RuleEffect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULE_EFFECT_UNSPECIFIED: _ClassVar[RuleEffect]
    RULE_EFFECT_ALLOW: _ClassVar[RuleEffect]
    RULE_EFFECT_DENY: _ClassVar[RuleEffect]
    RULE_EFFECT_REQUIRE: _ClassVar[RuleEffect]
    RULE_EFFECT_PREFER: _ClassVar[RuleEffect]
    RULE_EFFECT_WEIGHT: _ClassVar[RuleEffect]
EXPLANATION_LEVEL_UNSPECIFIED: ExplanationLevel
EXPLANATION_LEVEL_NONE: ExplanationLevel
EXPLANATION_LEVEL_SUMMARY: ExplanationLevel
EXPLANATION_LEVEL_FULL: ExplanationLevel
TARGET_KIND_UNSPECIFIED: TargetKind
TARGET_KIND_AGENT: TargetKind
TARGET_KIND_TOOL: TargetKind
UNASSIGNED_REASON_UNSPECIFIED: UnassignedReason
UNASSIGNED_REASON_NO_CAPABILITY: UnassignedReason
UNASSIGNED_REASON_REGION: UnassignedReason
UNASSIGNED_REASON_DATA_CLASS: UnassignedReason
UNASSIGNED_REASON_UNHEALTHY: UnassignedReason
UNASSIGNED_REASON_BUDGET: UnassignedReason
UNASSIGNED_REASON_DEADLINE: UnassignedReason
UNASSIGNED_REASON_EXCLUDED: UnassignedReason
UNASSIGNED_REASON_RULE: UnassignedReason
RULE_EFFECT_UNSPECIFIED: RuleEffect
RULE_EFFECT_ALLOW: RuleEffect
RULE_EFFECT_DENY: RuleEffect
RULE_EFFECT_REQUIRE: RuleEffect
RULE_EFFECT_PREFER: RuleEffect
RULE_EFFECT_WEIGHT: RuleEffect

class RoutingConstraints(_message.Message):
    __slots__ = ("budget", "regions", "data_class", "deadline", "excluded_targets", "sticky_key")
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_TARGETS_FIELD_NUMBER: _ClassVar[int]
    STICKY_KEY_FIELD_NUMBER: _ClassVar[int]
    budget: _common_pb2.Money
    regions: _containers.RepeatedScalarFieldContainer[str]
    data_class: _common_pb2.DataClass
    deadline: _duration_pb2.Duration
    excluded_targets: _containers.RepeatedScalarFieldContainer[str]
    sticky_key: str
    def __init__(self, budget: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., regions: _Optional[_Iterable[str]] = ..., data_class: _Optional[_Union[_common_pb2.DataClass, str]] = ..., deadline: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., excluded_targets: _Optional[_Iterable[str]] = ..., sticky_key: _Optional[str] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("kind", "id", "model_id", "skill_id")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    SKILL_ID_FIELD_NUMBER: _ClassVar[int]
    kind: TargetKind
    id: str
    model_id: str
    skill_id: str
    def __init__(self, kind: _Optional[_Union[TargetKind, str]] = ..., id: _Optional[str] = ..., model_id: _Optional[str] = ..., skill_id: _Optional[str] = ...) -> None: ...

class TaskRoute(_message.Message):
    __slots__ = ("task_id", "assignment", "unassigned", "explanation")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    UNASSIGNED_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    assignment: Assignment
    unassigned: Unassigned
    explanation: RouteExplanation
    def __init__(self, task_id: _Optional[str] = ..., assignment: _Optional[_Union[Assignment, _Mapping]] = ..., unassigned: _Optional[_Union[Unassigned, _Mapping]] = ..., explanation: _Optional[_Union[RouteExplanation, _Mapping]] = ...) -> None: ...

class Assignment(_message.Message):
    __slots__ = ("target", "score", "expected_success", "expected_cost", "expected_duration", "reason")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SUCCESS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_COST_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DURATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    target: Target
    score: float
    expected_success: float
    expected_cost: _common_pb2.Money
    expected_duration: _duration_pb2.Duration
    reason: str
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., score: _Optional[float] = ..., expected_success: _Optional[float] = ..., expected_cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., expected_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class Unassigned(_message.Message):
    __slots__ = ("reason", "message", "nearest_miss")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NEAREST_MISS_FIELD_NUMBER: _ClassVar[int]
    reason: UnassignedReason
    message: str
    nearest_miss: NearestMiss
    def __init__(self, reason: _Optional[_Union[UnassignedReason, str]] = ..., message: _Optional[str] = ..., nearest_miss: _Optional[_Union[NearestMiss, _Mapping]] = ...) -> None: ...

class NearestMiss(_message.Message):
    __slots__ = ("target", "failed", "missing")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    target: Target
    failed: _containers.RepeatedScalarFieldContainer[UnassignedReason]
    missing: str
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., failed: _Optional[_Iterable[_Union[UnassignedReason, str]]] = ..., missing: _Optional[str] = ...) -> None: ...

class RouteExplanation(_message.Message):
    __slots__ = ("level", "candidates", "decisive_difference", "tie_break", "feasible_count", "candidate_count", "facts", "fired_rules", "blocked_rules", "load_choice", "counterfactuals", "decisive_set")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    DECISIVE_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    TIE_BREAK_FIELD_NUMBER: _ClassVar[int]
    FEASIBLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    FIRED_RULES_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_RULES_FIELD_NUMBER: _ClassVar[int]
    LOAD_CHOICE_FIELD_NUMBER: _ClassVar[int]
    COUNTERFACTUALS_FIELD_NUMBER: _ClassVar[int]
    DECISIVE_SET_FIELD_NUMBER: _ClassVar[int]
    level: ExplanationLevel
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    decisive_difference: str
    tie_break: str
    feasible_count: int
    candidate_count: int
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    fired_rules: _containers.RepeatedCompositeFieldContainer[FiredRule]
    blocked_rules: _containers.RepeatedCompositeFieldContainer[BlockedRule]
    load_choice: LoadChoice
    counterfactuals: _containers.RepeatedCompositeFieldContainer[Counterfactual]
    decisive_set: DecisiveSet
    def __init__(self, level: _Optional[_Union[ExplanationLevel, str]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., decisive_difference: _Optional[str] = ..., tie_break: _Optional[str] = ..., feasible_count: _Optional[int] = ..., candidate_count: _Optional[int] = ..., facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ..., fired_rules: _Optional[_Iterable[_Union[FiredRule, _Mapping]]] = ..., blocked_rules: _Optional[_Iterable[_Union[BlockedRule, _Mapping]]] = ..., load_choice: _Optional[_Union[LoadChoice, _Mapping]] = ..., counterfactuals: _Optional[_Iterable[_Union[Counterfactual, _Mapping]]] = ..., decisive_set: _Optional[_Union[DecisiveSet, _Mapping]] = ...) -> None: ...

class Fact(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class FiredRule(_message.Message):
    __slots__ = ("rule_id", "effect", "priority", "explanation", "facts", "candidate_count")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    effect: RuleEffect
    priority: int
    explanation: str
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    candidate_count: int
    def __init__(self, rule_id: _Optional[str] = ..., effect: _Optional[_Union[RuleEffect, str]] = ..., priority: _Optional[int] = ..., explanation: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ..., candidate_count: _Optional[int] = ...) -> None: ...

class BlockedRule(_message.Message):
    __slots__ = ("rule_id", "effect", "priority", "fact", "needed")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    EFFECT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    FACT_FIELD_NUMBER: _ClassVar[int]
    NEEDED_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    effect: RuleEffect
    priority: int
    fact: Fact
    needed: str
    def __init__(self, rule_id: _Optional[str] = ..., effect: _Optional[_Union[RuleEffect, str]] = ..., priority: _Optional[int] = ..., fact: _Optional[_Union[Fact, _Mapping]] = ..., needed: _Optional[str] = ...) -> None: ...

class LoadChoice(_message.Message):
    __slots__ = ("near_best", "compared", "text")
    NEAR_BEST_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    near_best: _containers.RepeatedCompositeFieldContainer[Target]
    compared: _containers.RepeatedCompositeFieldContainer[Target]
    text: str
    def __init__(self, near_best: _Optional[_Iterable[_Union[Target, _Mapping]]] = ..., compared: _Optional[_Iterable[_Union[Target, _Mapping]]] = ..., text: _Optional[str] = ...) -> None: ...

class Counterfactual(_message.Message):
    __slots__ = ("text", "change", "target")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    text: str
    change: str
    target: Target
    def __init__(self, text: _Optional[str] = ..., change: _Optional[str] = ..., target: _Optional[_Union[Target, _Mapping]] = ...) -> None: ...

class DecisiveSet(_message.Message):
    __slots__ = ("facts", "rules", "without")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_FIELD_NUMBER: _ClassVar[int]
    facts: _containers.RepeatedScalarFieldContainer[str]
    rules: _containers.RepeatedScalarFieldContainer[str]
    without: Target
    def __init__(self, facts: _Optional[_Iterable[str]] = ..., rules: _Optional[_Iterable[str]] = ..., without: _Optional[_Union[Target, _Mapping]] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("target", "score", "parts", "expected_cost", "failed", "detail")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_COST_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    target: Target
    score: float
    parts: ScoreParts
    expected_cost: _common_pb2.Money
    failed: _containers.RepeatedScalarFieldContainer[UnassignedReason]
    detail: str
    def __init__(self, target: _Optional[_Union[Target, _Mapping]] = ..., score: _Optional[float] = ..., parts: _Optional[_Union[ScoreParts, _Mapping]] = ..., expected_cost: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., failed: _Optional[_Iterable[_Union[UnassignedReason, str]]] = ..., detail: _Optional[str] = ...) -> None: ...

class ScoreParts(_message.Message):
    __slots__ = ("skill_match", "success", "cost", "load", "rules")
    SKILL_MATCH_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    skill_match: float
    success: float
    cost: float
    load: float
    rules: float
    def __init__(self, skill_match: _Optional[float] = ..., success: _Optional[float] = ..., cost: _Optional[float] = ..., load: _Optional[float] = ..., rules: _Optional[float] = ...) -> None: ...

class BudgetSummary(_message.Message):
    __slots__ = ("expected_total", "cheapest_feasible_total", "limit", "met")
    EXPECTED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    CHEAPEST_FEASIBLE_TOTAL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MET_FIELD_NUMBER: _ClassVar[int]
    expected_total: _common_pb2.Money
    cheapest_feasible_total: _common_pb2.Money
    limit: _common_pb2.Money
    met: bool
    def __init__(self, expected_total: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., cheapest_feasible_total: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., limit: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., met: _Optional[bool] = ...) -> None: ...
