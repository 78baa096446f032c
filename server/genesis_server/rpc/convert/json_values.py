"""JSON values, both ways. Protobuf knows floating point only, so whole numbers that it holds exactly come back as whole numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value

from genesis_server.resilience.errors import invalid_field

MAX_EXACT = 2**53
"""Whole numbers up to this one are exact in floating point."""


def json_from_proto(value: Value, field: str) -> Any:
    """The value. Raises ValidationError INVALID_FIELD for a number that JSON does not know, and for a value that is none."""
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return _number(value.number_value, field)
        case "bool_value":
            return value.bool_value
        case "null_value":
            return None
        case "struct_value":
            return struct_from_proto(value.struct_value, field)
        case "list_value":
            return [json_from_proto(one, field) for one in value.list_value.values]
        case _:
            raise invalid_field(field, "needs a value", "required")


def struct_from_proto(struct: Struct, field: str) -> dict[str, Any]:
    """JSON values by name. Raises as `json_from_proto`."""
    return {name: json_from_proto(value, field) for name, value in struct.fields.items()}


def _number(number: float, field: str) -> int | float:
    if not math.isfinite(number):
        raise invalid_field(field, "numbers must be finite, as JSON has them", "finite")
    return int(number) if number.is_integer() and abs(number) <= MAX_EXACT else number


def json_to_proto(value: Any) -> Value:
    """The value; a whole number beyond what floating point holds exactly is rounded."""
    match value:
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            return Value(struct_value=Struct(fields={name: json_to_proto(one) for name, one in fields.items()}))
        case _:
            return Value(list_value=ListValue(values=[json_to_proto(one) for one in value]))
