import { fromJson, toJson, type JsonValue } from "@bufbuild/protobuf";
import { ValueSchema, type Value } from "@bufbuild/protobuf/wkt";

/** Any JSON value as the contract carries it. */
export function value(given: JsonValue): Value {
  return fromJson(ValueSchema, given);
}

/** What such a value is in JSON. */
export function json(given: Value): JsonValue {
  return toJson(ValueSchema, given);
}
