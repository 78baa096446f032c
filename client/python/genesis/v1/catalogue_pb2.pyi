import datetime

from genesis.v1 import common_pb2 as _common_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Catalogue(_message.Message):
    __slots__ = ("agents", "tools")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[AgentCard]
    tools: _containers.RepeatedCompositeFieldContainer[Tool]
    def __init__(self, agents: _Optional[_Iterable[_Union[AgentCard, _Mapping]]] = ..., tools: _Optional[_Iterable[_Union[Tool, _Mapping]]] = ...) -> None: ...

class AgentCard(_message.Message):
    __slots__ = ("id", "name", "description", "version", "skills", "models", "max_concurrent_tasks", "region", "max_data_class")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SKILLS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_TASKS_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    MAX_DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    description: str
    version: str
    skills: _containers.RepeatedCompositeFieldContainer[Skill]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    max_concurrent_tasks: int
    region: str
    max_data_class: _common_pb2.DataClass
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., version: _Optional[str] = ..., skills: _Optional[_Iterable[_Union[Skill, _Mapping]]] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., max_concurrent_tasks: _Optional[int] = ..., region: _Optional[str] = ..., max_data_class: _Optional[_Union[_common_pb2.DataClass, str]] = ...) -> None: ...

class Skill(_message.Message):
    __slots__ = ("id", "name", "description", "tags", "examples", "inputs", "outputs", "expected_duration")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DURATION_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    description: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    examples: _containers.RepeatedScalarFieldContainer[str]
    inputs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    outputs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    expected_duration: _duration_pb2.Duration
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., examples: _Optional[_Iterable[str]] = ..., inputs: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., expected_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("id", "input_price_per_million_tokens", "output_price_per_million_tokens", "success_prior")
    ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_PRICE_PER_MILLION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_PRICE_PER_MILLION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_PRIOR_FIELD_NUMBER: _ClassVar[int]
    id: str
    input_price_per_million_tokens: _common_pb2.Money
    output_price_per_million_tokens: _common_pb2.Money
    success_prior: float
    def __init__(self, id: _Optional[str] = ..., input_price_per_million_tokens: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., output_price_per_million_tokens: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., success_prior: _Optional[float] = ...) -> None: ...

class Tool(_message.Message):
    __slots__ = ("name", "description", "examples", "inputs", "outputs", "cost_per_call", "expected_duration")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    COST_PER_CALL_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DURATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    examples: _containers.RepeatedScalarFieldContainer[str]
    inputs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    outputs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Artefact]
    cost_per_call: _common_pb2.Money
    expected_duration: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., examples: _Optional[_Iterable[str]] = ..., inputs: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[_common_pb2.Artefact, _Mapping]]] = ..., cost_per_call: _Optional[_Union[_common_pb2.Money, _Mapping]] = ..., expected_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
