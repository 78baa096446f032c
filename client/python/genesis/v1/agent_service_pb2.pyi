from genesis.v1 import catalogue_pb2 as _catalogue_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AgentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENT_STATE_UNSPECIFIED: _ClassVar[AgentState]
    AGENT_STATE_DECLARED: _ClassVar[AgentState]
AGENT_STATE_UNSPECIFIED: AgentState
AGENT_STATE_DECLARED: AgentState

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
    __slots__ = ("card", "state")
    CARD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    card: _catalogue_pb2.AgentCard
    state: AgentState
    def __init__(self, card: _Optional[_Union[_catalogue_pb2.AgentCard, _Mapping]] = ..., state: _Optional[_Union[AgentState, str]] = ...) -> None: ...
