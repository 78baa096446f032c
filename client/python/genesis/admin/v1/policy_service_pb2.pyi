import datetime

from genesis.v1 import routing_pb2 as _routing_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BreakerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BREAKER_STATE_UNSPECIFIED: _ClassVar[BreakerState]
    BREAKER_STATE_CLOSED: _ClassVar[BreakerState]
    BREAKER_STATE_OPEN: _ClassVar[BreakerState]
    BREAKER_STATE_HALF_OPEN: _ClassVar[BreakerState]

class RulebookSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULEBOOK_SOURCE_UNSPECIFIED: _ClassVar[RulebookSource]
    RULEBOOK_SOURCE_SHIPPED: _ClassVar[RulebookSource]
    RULEBOOK_SOURCE_FILE: _ClassVar[RulebookSource]
    RULEBOOK_SOURCE_ACTIVATED: _ClassVar[RulebookSource]

class RulebookFindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULEBOOK_FINDING_KIND_UNSPECIFIED: _ClassVar[RulebookFindingKind]
    RULEBOOK_FINDING_KIND_MISTAKE: _ClassVar[RulebookFindingKind]
    RULEBOOK_FINDING_KIND_UNREACHABLE: _ClassVar[RulebookFindingKind]
    RULEBOOK_FINDING_KIND_SHADOWED: _ClassVar[RulebookFindingKind]
    RULEBOOK_FINDING_KIND_CONFLICT: _ClassVar[RulebookFindingKind]
    RULEBOOK_FINDING_KIND_NOT_CHECKED: _ClassVar[RulebookFindingKind]
BREAKER_STATE_UNSPECIFIED: BreakerState
BREAKER_STATE_CLOSED: BreakerState
BREAKER_STATE_OPEN: BreakerState
BREAKER_STATE_HALF_OPEN: BreakerState
RULEBOOK_SOURCE_UNSPECIFIED: RulebookSource
RULEBOOK_SOURCE_SHIPPED: RulebookSource
RULEBOOK_SOURCE_FILE: RulebookSource
RULEBOOK_SOURCE_ACTIVATED: RulebookSource
RULEBOOK_FINDING_KIND_UNSPECIFIED: RulebookFindingKind
RULEBOOK_FINDING_KIND_MISTAKE: RulebookFindingKind
RULEBOOK_FINDING_KIND_UNREACHABLE: RulebookFindingKind
RULEBOOK_FINDING_KIND_SHADOWED: RulebookFindingKind
RULEBOOK_FINDING_KIND_CONFLICT: RulebookFindingKind
RULEBOOK_FINDING_KIND_NOT_CHECKED: RulebookFindingKind

class ListBreakersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBreakersResponse(_message.Message):
    __slots__ = ("breakers", "next_page_token")
    BREAKERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    breakers: _containers.RepeatedCompositeFieldContainer[AgentBreaker]
    next_page_token: str
    def __init__(self, breakers: _Optional[_Iterable[_Union[AgentBreaker, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AgentBreaker(_message.Message):
    __slots__ = ("agent_id", "state", "failures", "reason", "opened_time", "retry_time")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OPENED_TIME_FIELD_NUMBER: _ClassVar[int]
    RETRY_TIME_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    state: BreakerState
    failures: int
    reason: str
    opened_time: _timestamp_pb2.Timestamp
    retry_time: _timestamp_pb2.Timestamp
    def __init__(self, agent_id: _Optional[str] = ..., state: _Optional[_Union[BreakerState, str]] = ..., failures: _Optional[int] = ..., reason: _Optional[str] = ..., opened_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retry_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ResetBreakerRequest(_message.Message):
    __slots__ = ("request_id", "agent_id", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    agent_id: str
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class ResetBreakerResponse(_message.Message):
    __slots__ = ("breaker",)
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    breaker: AgentBreaker
    def __init__(self, breaker: _Optional[_Union[AgentBreaker, _Mapping]] = ...) -> None: ...

class ListSecurityEventsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSecurityEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[SecurityEvent]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[SecurityEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SecurityEvent(_message.Message):
    __slots__ = ("id", "time", "kind", "actor", "message", "facts", "count")
    class FactsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    kind: str
    actor: str
    message: str
    facts: _containers.ScalarMap[str, str]
    count: int
    def __init__(self, id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., actor: _Optional[str] = ..., message: _Optional[str] = ..., facts: _Optional[_Mapping[str, str]] = ..., count: _Optional[int] = ...) -> None: ...

class GetRulebookRequest(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class GetRulebookResponse(_message.Message):
    __slots__ = ("version", "text", "source", "in_use", "rule_count", "change")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    RULE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    version: str
    text: str
    source: RulebookSource
    in_use: bool
    rule_count: int
    change: RulebookChange
    def __init__(self, version: _Optional[str] = ..., text: _Optional[str] = ..., source: _Optional[_Union[RulebookSource, str]] = ..., in_use: _Optional[bool] = ..., rule_count: _Optional[int] = ..., change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class LintRulebookRequest(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class LintRulebookResponse(_message.Message):
    __slots__ = ("valid", "version", "findings")
    VALID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    valid: bool
    version: str
    findings: _containers.RepeatedCompositeFieldContainer[RulebookFinding]
    def __init__(self, valid: _Optional[bool] = ..., version: _Optional[str] = ..., findings: _Optional[_Iterable[_Union[RulebookFinding, _Mapping]]] = ...) -> None: ...

class RulebookFinding(_message.Message):
    __slots__ = ("kind", "line", "rule_ids", "message", "witness")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    RULE_IDS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    WITNESS_FIELD_NUMBER: _ClassVar[int]
    kind: RulebookFindingKind
    line: int
    rule_ids: _containers.RepeatedScalarFieldContainer[str]
    message: str
    witness: _containers.RepeatedCompositeFieldContainer[_routing_pb2.Fact]
    def __init__(self, kind: _Optional[_Union[RulebookFindingKind, str]] = ..., line: _Optional[int] = ..., rule_ids: _Optional[_Iterable[str]] = ..., message: _Optional[str] = ..., witness: _Optional[_Iterable[_Union[_routing_pb2.Fact, _Mapping]]] = ...) -> None: ...

class PreviewRulebookRequest(_message.Message):
    __slots__ = ("text", "version", "page_size", "page_token", "plan_id")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    text: str
    version: str
    page_size: int
    page_token: str
    plan_id: str
    def __init__(self, text: _Optional[str] = ..., version: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., plan_id: _Optional[str] = ...) -> None: ...

class PreviewRulebookResponse(_message.Message):
    __slots__ = ("version", "decision_count", "changed_count", "changes", "skipped_decision_ids", "next_page_token")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DECISION_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    version: str
    decision_count: int
    changed_count: int
    changes: _containers.RepeatedCompositeFieldContainer[DecisionChange]
    skipped_decision_ids: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    def __init__(self, version: _Optional[str] = ..., decision_count: _Optional[int] = ..., changed_count: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[DecisionChange, _Mapping]]] = ..., skipped_decision_ids: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DecisionChange(_message.Message):
    __slots__ = ("decision_id", "plan_id", "task_id", "before", "after", "rule_ids", "text")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    RULE_IDS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    plan_id: str
    task_id: str
    before: _routing_pb2.Target
    after: _routing_pb2.Target
    rule_ids: _containers.RepeatedScalarFieldContainer[str]
    text: str
    def __init__(self, decision_id: _Optional[str] = ..., plan_id: _Optional[str] = ..., task_id: _Optional[str] = ..., before: _Optional[_Union[_routing_pb2.Target, _Mapping]] = ..., after: _Optional[_Union[_routing_pb2.Target, _Mapping]] = ..., rule_ids: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ...) -> None: ...

class ActivateRulebookRequest(_message.Message):
    __slots__ = ("request_id", "text", "version", "expected_version", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    text: str
    version: str
    expected_version: str
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., text: _Optional[str] = ..., version: _Optional[str] = ..., expected_version: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class ActivateRulebookResponse(_message.Message):
    __slots__ = ("change", "findings")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    change: RulebookChange
    findings: _containers.RepeatedCompositeFieldContainer[RulebookFinding]
    def __init__(self, change: _Optional[_Union[RulebookChange, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[RulebookFinding, _Mapping]]] = ...) -> None: ...

class ListRulebookChangesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRulebookChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[RulebookChange]
    next_page_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[RulebookChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RulebookChange(_message.Message):
    __slots__ = ("sequence", "time", "actor", "from_version", "to_version", "cause", "roll_back")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ROLL_BACK_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    actor: str
    from_version: str
    to_version: str
    cause: str
    roll_back: bool
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., from_version: _Optional[str] = ..., to_version: _Optional[str] = ..., cause: _Optional[str] = ..., roll_back: _Optional[bool] = ...) -> None: ...
