//! JSON values as protobuf has them.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Proto};
use serde_json::{Map, Number, Value};

/// The largest number below which every whole one is a number of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A JSON value as a protobuf value; whole numbers of more than 53 bits are rounded, for protobuf has doubles only.
pub fn to_proto(value: Value) -> Proto {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().unwrap_or_default()),
        Value::String(value) => Kind::StringValue(value),
        Value::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(to_proto).collect() }),
        Value::Object(fields) => Kind::StructValue(to_struct(fields)),
    };
    Proto { kind: Some(kind) }
}

/// A JSON object as a protobuf struct.
pub fn to_struct(fields: Map<String, Value>) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name, to_proto(value))).collect() }
}

/// A protobuf value as JSON; whole numbers become integers, and what JSON cannot have (NaN, infinity) null.
pub fn to_json(value: Proto) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => value.into(),
        Some(Kind::NumberValue(value)) if value.fract() == 0.0 && value.abs() < EXACT => (value as i64).into(),
        Some(Kind::NumberValue(value)) => Number::from_f64(value).into(),
        Some(Kind::StringValue(value)) => value.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(to_json).collect(),
        Some(Kind::StructValue(fields)) => fields.fields.into_iter().map(|(name, value)| (name, to_json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_come_back_as_they_were_sent() {
        let value =
            json!({"text": "ä 🎉", "whole": -3, "part": 0.5, "yes": true, "none": null, "list": [1, [], {"x": ""}], "none at all": {}});
        assert_eq!(to_json(to_proto(value.clone())), value);
    }

    #[test]
    fn what_json_cannot_have_is_null() {
        assert_eq!(to_json(Proto { kind: Some(Kind::NumberValue(f64::NAN)) }), Value::Null);
        assert_eq!(to_json(Proto { kind: None }), Value::Null);
    }

    #[test]
    fn large_numbers_stay_numbers() {
        assert_eq!(to_json(to_proto(json!(1e300))), json!(1e300));
    }
}
