import datetime

from genesis.v1 import flags_pb2 as _flags_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Flag(_message.Message):
    __slots__ = ("key", "definition_json", "layer", "version", "written", "update_time", "actor", "hidden", "mistakes", "built_in", "description")
    KEY_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_JSON_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    MISTAKES_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    key: str
    definition_json: str
    layer: _flags_pb2.FlagLayer
    version: int
    written: bool
    update_time: _timestamp_pb2.Timestamp
    actor: str
    hidden: _containers.RepeatedCompositeFieldContainer[FlagLayerDefinition]
    mistakes: _containers.RepeatedScalarFieldContainer[str]
    built_in: bool
    description: str
    def __init__(self, key: _Optional[str] = ..., definition_json: _Optional[str] = ..., layer: _Optional[_Union[_flags_pb2.FlagLayer, str]] = ..., version: _Optional[int] = ..., written: _Optional[bool] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., hidden: _Optional[_Iterable[_Union[FlagLayerDefinition, _Mapping]]] = ..., mistakes: _Optional[_Iterable[str]] = ..., built_in: _Optional[bool] = ..., description: _Optional[str] = ...) -> None: ...

class FlagLayerDefinition(_message.Message):
    __slots__ = ("layer", "definition_json")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_JSON_FIELD_NUMBER: _ClassVar[int]
    layer: _flags_pb2.FlagLayer
    definition_json: str
    def __init__(self, layer: _Optional[_Union[_flags_pb2.FlagLayer, str]] = ..., definition_json: _Optional[str] = ...) -> None: ...

class GetFlagRequest(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: str
    def __init__(self, key: _Optional[str] = ...) -> None: ...

class GetFlagResponse(_message.Message):
    __slots__ = ("flag",)
    FLAG_FIELD_NUMBER: _ClassVar[int]
    flag: Flag
    def __init__(self, flag: _Optional[_Union[Flag, _Mapping]] = ...) -> None: ...

class ListFlagsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFlagsResponse(_message.Message):
    __slots__ = ("flags", "next_page_token", "emergency_flags")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EMERGENCY_FLAGS_FIELD_NUMBER: _ClassVar[int]
    flags: _containers.RepeatedCompositeFieldContainer[Flag]
    next_page_token: str
    emergency_flags: _containers.RepeatedCompositeFieldContainer[EmergencyFlag]
    def __init__(self, flags: _Optional[_Iterable[_Union[Flag, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., emergency_flags: _Optional[_Iterable[_Union[EmergencyFlag, _Mapping]]] = ...) -> None: ...

class PutFlagRequest(_message.Message):
    __slots__ = ("request_id", "key", "definition_json", "expected_version", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_JSON_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key: str
    definition_json: str
    expected_version: int
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., key: _Optional[str] = ..., definition_json: _Optional[str] = ..., expected_version: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class PutFlagResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: FlagChange
    def __init__(self, change: _Optional[_Union[FlagChange, _Mapping]] = ...) -> None: ...

class DeleteFlagRequest(_message.Message):
    __slots__ = ("request_id", "key", "expected_version", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key: str
    expected_version: int
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., key: _Optional[str] = ..., expected_version: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class DeleteFlagResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: FlagChange
    def __init__(self, change: _Optional[_Union[FlagChange, _Mapping]] = ...) -> None: ...

class SetFlagWeightRequest(_message.Message):
    __slots__ = ("request_id", "key", "percent", "expected_version", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key: str
    percent: float
    expected_version: int
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., key: _Optional[str] = ..., percent: _Optional[float] = ..., expected_version: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class SetFlagWeightResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: FlagChange
    def __init__(self, change: _Optional[_Union[FlagChange, _Mapping]] = ...) -> None: ...

class EnableFlagRequest(_message.Message):
    __slots__ = ("request_id", "key", "expected_version", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key: str
    expected_version: int
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., key: _Optional[str] = ..., expected_version: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class EnableFlagResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: FlagChange
    def __init__(self, change: _Optional[_Union[FlagChange, _Mapping]] = ...) -> None: ...

class DisableFlagRequest(_message.Message):
    __slots__ = ("request_id", "key", "expected_version", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key: str
    expected_version: int
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., key: _Optional[str] = ..., expected_version: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class DisableFlagResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: FlagChange
    def __init__(self, change: _Optional[_Union[FlagChange, _Mapping]] = ...) -> None: ...

class FlagChange(_message.Message):
    __slots__ = ("key", "version", "before_json", "after_json", "audit_sequence", "time")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BEFORE_JSON_FIELD_NUMBER: _ClassVar[int]
    AFTER_JSON_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    key: str
    version: int
    before_json: str
    after_json: str
    audit_sequence: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., version: _Optional[int] = ..., before_json: _Optional[str] = ..., after_json: _Optional[str] = ..., audit_sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PreviewFlagRequest(_message.Message):
    __slots__ = ("key", "definition_json", "percent", "enabled", "deleted", "contexts")
    KEY_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_JSON_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    key: str
    definition_json: str
    percent: float
    enabled: bool
    deleted: bool
    contexts: _containers.RepeatedCompositeFieldContainer[_flags_pb2.FlagContext]
    def __init__(self, key: _Optional[str] = ..., definition_json: _Optional[str] = ..., percent: _Optional[float] = ..., enabled: _Optional[bool] = ..., deleted: _Optional[bool] = ..., contexts: _Optional[_Iterable[_Union[_flags_pb2.FlagContext, _Mapping]]] = ...) -> None: ...

class PreviewFlagResponse(_message.Message):
    __slots__ = ("before_json", "after_json", "diff", "differences", "moved_share")
    BEFORE_JSON_FIELD_NUMBER: _ClassVar[int]
    AFTER_JSON_FIELD_NUMBER: _ClassVar[int]
    DIFF_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    MOVED_SHARE_FIELD_NUMBER: _ClassVar[int]
    before_json: str
    after_json: str
    diff: str
    differences: _containers.RepeatedCompositeFieldContainer[FlagDifference]
    moved_share: float
    def __init__(self, before_json: _Optional[str] = ..., after_json: _Optional[str] = ..., diff: _Optional[str] = ..., differences: _Optional[_Iterable[_Union[FlagDifference, _Mapping]]] = ..., moved_share: _Optional[float] = ...) -> None: ...

class FlagDifference(_message.Message):
    __slots__ = ("context_index", "before_variant", "after_variant", "before", "after")
    CONTEXT_INDEX_FIELD_NUMBER: _ClassVar[int]
    BEFORE_VARIANT_FIELD_NUMBER: _ClassVar[int]
    AFTER_VARIANT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    context_index: int
    before_variant: str
    after_variant: str
    before: _struct_pb2.Value
    after: _struct_pb2.Value
    def __init__(self, context_index: _Optional[int] = ..., before_variant: _Optional[str] = ..., after_variant: _Optional[str] = ..., before: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., after: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class EmergencyFlag(_message.Message):
    __slots__ = ("key", "set", "cause", "actor", "time")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    key: str
    set: bool
    cause: str
    actor: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., set: _Optional[bool] = ..., cause: _Optional[str] = ..., actor: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SetEmergencyFlagRequest(_message.Message):
    __slots__ = ("request_id", "key", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key: str
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., key: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class SetEmergencyFlagResponse(_message.Message):
    __slots__ = ("flag",)
    FLAG_FIELD_NUMBER: _ClassVar[int]
    flag: EmergencyFlag
    def __init__(self, flag: _Optional[_Union[EmergencyFlag, _Mapping]] = ...) -> None: ...

class ClearEmergencyFlagRequest(_message.Message):
    __slots__ = ("request_id", "key", "cause")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key: str
    cause: str
    def __init__(self, request_id: _Optional[str] = ..., key: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class ClearEmergencyFlagResponse(_message.Message):
    __slots__ = ("flag",)
    FLAG_FIELD_NUMBER: _ClassVar[int]
    flag: EmergencyFlag
    def __init__(self, flag: _Optional[_Union[EmergencyFlag, _Mapping]] = ...) -> None: ...

class ListAuditEntriesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "oldest_first", "key")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    oldest_first: bool
    key: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., oldest_first: _Optional[bool] = ..., key: _Optional[str] = ...) -> None: ...

class ListAuditEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token", "head_sequence", "head_hash")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HEAD_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HEAD_HASH_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AuditEntry]
    next_page_token: str
    head_sequence: int
    head_hash: str
    def __init__(self, entries: _Optional[_Iterable[_Union[AuditEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., head_sequence: _Optional[int] = ..., head_hash: _Optional[str] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("sequence", "hash", "previous_hash", "content", "time", "actor", "action", "key", "cause", "version", "before_json", "after_json", "correlation_id")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_HASH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BEFORE_JSON_FIELD_NUMBER: _ClassVar[int]
    AFTER_JSON_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    hash: str
    previous_hash: str
    content: bytes
    time: _timestamp_pb2.Timestamp
    actor: str
    action: str
    key: str
    cause: str
    version: int
    before_json: str
    after_json: str
    correlation_id: str
    def __init__(self, sequence: _Optional[int] = ..., hash: _Optional[str] = ..., previous_hash: _Optional[str] = ..., content: _Optional[bytes] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., action: _Optional[str] = ..., key: _Optional[str] = ..., cause: _Optional[str] = ..., version: _Optional[int] = ..., before_json: _Optional[str] = ..., after_json: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...
