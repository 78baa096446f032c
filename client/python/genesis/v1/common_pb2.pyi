import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DegradationLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEGRADATION_LEVEL_UNSPECIFIED: _ClassVar[DegradationLevel]
    DEGRADATION_LEVEL_MINIMAL: _ClassVar[DegradationLevel]
    DEGRADATION_LEVEL_HEURISTIC: _ClassVar[DegradationLevel]
    DEGRADATION_LEVEL_LLM: _ClassVar[DegradationLevel]

class DataClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_CLASS_UNSPECIFIED: _ClassVar[DataClass]
    DATA_CLASS_PUBLIC: _ClassVar[DataClass]
    DATA_CLASS_INTERNAL: _ClassVar[DataClass]
    DATA_CLASS_CONFIDENTIAL: _ClassVar[DataClass]
    DATA_CLASS_RESTRICTED: _ClassVar[DataClass]
DEGRADATION_LEVEL_UNSPECIFIED: DegradationLevel
DEGRADATION_LEVEL_MINIMAL: DegradationLevel
DEGRADATION_LEVEL_HEURISTIC: DegradationLevel
DEGRADATION_LEVEL_LLM: DegradationLevel
DATA_CLASS_UNSPECIFIED: DataClass
DATA_CLASS_PUBLIC: DataClass
DATA_CLASS_INTERNAL: DataClass
DATA_CLASS_CONFIDENTIAL: DataClass
DATA_CLASS_RESTRICTED: DataClass

class Money(_message.Message):
    __slots__ = ("currency_code", "units", "nanos")
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    NANOS_FIELD_NUMBER: _ClassVar[int]
    currency_code: str
    units: int
    nanos: int
    def __init__(self, currency_code: _Optional[str] = ..., units: _Optional[int] = ..., nanos: _Optional[int] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("start", "end", "text")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    text: str
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("level", "level_reason", "agents_snapshot_id", "methods_snapshot_id", "flags_snapshot_id", "policy_version", "seed", "correlation_id", "phases", "server_version", "tripwire_hits", "rulebook_version", "decision_id", "model_use")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    LEVEL_REASON_FIELD_NUMBER: _ClassVar[int]
    AGENTS_SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    METHODS_SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    FLAGS_SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRIPWIRE_HITS_FIELD_NUMBER: _ClassVar[int]
    RULEBOOK_VERSION_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_USE_FIELD_NUMBER: _ClassVar[int]
    level: DegradationLevel
    level_reason: str
    agents_snapshot_id: str
    methods_snapshot_id: str
    flags_snapshot_id: str
    policy_version: str
    seed: int
    correlation_id: str
    phases: _containers.RepeatedCompositeFieldContainer[PhaseDuration]
    server_version: str
    tripwire_hits: _containers.RepeatedCompositeFieldContainer[TripwireHit]
    rulebook_version: str
    decision_id: str
    model_use: ModelUse
    def __init__(self, level: _Optional[_Union[DegradationLevel, str]] = ..., level_reason: _Optional[str] = ..., agents_snapshot_id: _Optional[str] = ..., methods_snapshot_id: _Optional[str] = ..., flags_snapshot_id: _Optional[str] = ..., policy_version: _Optional[str] = ..., seed: _Optional[int] = ..., correlation_id: _Optional[str] = ..., phases: _Optional[_Iterable[_Union[PhaseDuration, _Mapping]]] = ..., server_version: _Optional[str] = ..., tripwire_hits: _Optional[_Iterable[_Union[TripwireHit, _Mapping]]] = ..., rulebook_version: _Optional[str] = ..., decision_id: _Optional[str] = ..., model_use: _Optional[_Union[ModelUse, _Mapping]] = ...) -> None: ...

class ModelUse(_message.Message):
    __slots__ = ("model", "requests", "input_tokens", "output_tokens", "cost")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost: Money
    def __init__(self, model: _Optional[str] = ..., requests: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cost: _Optional[_Union[Money, _Mapping]] = ...) -> None: ...

class PhaseDuration(_message.Message):
    __slots__ = ("phase", "duration")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    phase: str
    duration: _duration_pb2.Duration
    def __init__(self, phase: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class TripwireHit(_message.Message):
    __slots__ = ("family", "field", "span")
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    family: str
    field: str
    span: Span
    def __init__(self, family: _Optional[str] = ..., field: _Optional[str] = ..., span: _Optional[_Union[Span, _Mapping]] = ...) -> None: ...

class Artefact(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...
