from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FlagLayer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLAG_LAYER_UNSPECIFIED: _ClassVar[FlagLayer]
    FLAG_LAYER_BUILT_IN: _ClassVar[FlagLayer]
    FLAG_LAYER_FILE: _ClassVar[FlagLayer]
    FLAG_LAYER_WRITTEN: _ClassVar[FlagLayer]
    FLAG_LAYER_PIN: _ClassVar[FlagLayer]
    FLAG_LAYER_ENVIRONMENT: _ClassVar[FlagLayer]
    FLAG_LAYER_GROUP: _ClassVar[FlagLayer]
    FLAG_LAYER_EMERGENCY: _ClassVar[FlagLayer]
FLAG_LAYER_UNSPECIFIED: FlagLayer
FLAG_LAYER_BUILT_IN: FlagLayer
FLAG_LAYER_FILE: FlagLayer
FLAG_LAYER_WRITTEN: FlagLayer
FLAG_LAYER_PIN: FlagLayer
FLAG_LAYER_ENVIRONMENT: FlagLayer
FLAG_LAYER_GROUP: FlagLayer
FLAG_LAYER_EMERGENCY: FlagLayer

class FlagExplanation(_message.Message):
    __slots__ = ("layer", "steps", "buckets", "text")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    layer: FlagLayer
    steps: _containers.RepeatedCompositeFieldContainer[FlagStep]
    buckets: _containers.RepeatedCompositeFieldContainer[FlagBucket]
    text: str
    def __init__(self, layer: _Optional[_Union[FlagLayer, str]] = ..., steps: _Optional[_Iterable[_Union[FlagStep, _Mapping]]] = ..., buckets: _Optional[_Iterable[_Union[FlagBucket, _Mapping]]] = ..., text: _Optional[str] = ...) -> None: ...

class FlagStep(_message.Message):
    __slots__ = ("path", "operation", "arguments", "result")
    PATH_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    path: str
    operation: str
    arguments: str
    result: str
    def __init__(self, path: _Optional[str] = ..., operation: _Optional[str] = ..., arguments: _Optional[str] = ..., result: _Optional[str] = ...) -> None: ...

class FlagBucket(_message.Message):
    __slots__ = ("path", "bucketed_by", "hash", "bucket", "total_weight", "variant", "lower", "upper", "distance", "generation")
    PATH_FIELD_NUMBER: _ClassVar[int]
    BUCKETED_BY_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    TOTAL_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    path: str
    bucketed_by: str
    hash: int
    bucket: int
    total_weight: int
    variant: str
    lower: int
    upper: int
    distance: float
    generation: str
    def __init__(self, path: _Optional[str] = ..., bucketed_by: _Optional[str] = ..., hash: _Optional[int] = ..., bucket: _Optional[int] = ..., total_weight: _Optional[int] = ..., variant: _Optional[str] = ..., lower: _Optional[int] = ..., upper: _Optional[int] = ..., distance: _Optional[float] = ..., generation: _Optional[str] = ...) -> None: ...

class FlagContext(_message.Message):
    __slots__ = ("targeting_key", "attributes")
    TARGETING_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    targeting_key: str
    attributes: _struct_pb2.Struct
    def __init__(self, targeting_key: _Optional[str] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
