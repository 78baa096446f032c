//! Messages as JSON, by the contract's descriptors.

use genesis_client::DESCRIPTORS;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::{Map, Value};

use crate::Fault;

/// The contract, to find methods and messages by name.
pub struct Contract(DescriptorPool);

impl Contract {
    pub fn new() -> Result<Self, Fault> {
        Ok(Self(DescriptorPool::decode(DESCRIPTORS)?))
    }

    /// A method by `package.Service/Method`.
    pub fn method(&self, name: &str) -> Result<MethodDescriptor, Fault> {
        let found = name.split_once('/').and_then(|(service, method)| {
            let service = self.0.get_service_by_name(service)?;
            service.methods().find(|found| found.name() == method)
        });
        found.ok_or_else(|| format!("the contract has no method {name}").into())
    }
}

/// A request in JSON as bytes.
pub fn request(method: &MethodDescriptor, value: &Value) -> Result<Vec<u8>, Fault> {
    let given = if value.is_null() { &Value::Object(Map::new()) } else { value };
    let message =
        DynamicMessage::deserialize(method.input(), given).map_err(|error| format!("a request is not of the contract: {error}"))?;
    Ok(prost_reflect::prost::Message::encode_to_vec(&message))
}

/// The bytes of an answer as JSON.
pub fn answer(method: &MethodDescriptor, bytes: &[u8]) -> Result<Value, Fault> {
    let message = DynamicMessage::decode(method.output(), bytes)?;
    Ok(serde_json::to_value(message)?)
}

/// The value at a path of names and indexes with dots between.
pub fn at(value: &Value, path: &str) -> Option<Value> {
    let step = |value: &Value, name: &str| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?).cloned(),
        _ => value.get(name).cloned(),
    };
    path.split('.').try_fold(value.clone(), |value, name| step(&value, name))
}

/// A step with `${name}` replaced by what was saved under the name, in every text.
pub fn filled(value: &Value, saved: &Map<String, Value>) -> Result<Value, Fault> {
    Ok(match value {
        Value::String(text) => Value::String(filled_text(text, saved)?),
        Value::Array(items) => items.iter().map(|item| filled(item, saved)).collect::<Result<_, _>>()?,
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok::<_, Fault>((name.clone(), filled(value, saved)?)));
            Value::Object(fields.collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

fn filled_text(text: &str, saved: &Map<String, Value>) -> Result<String, Fault> {
    let Some((before, rest)) = text.split_once("${") else { return Ok(text.into()) };
    let (name, after) = rest.split_once('}').ok_or_else(|| format!("{text} has no end of the name"))?;
    let value = match saved.get(name) {
        Some(Value::String(value)) => value.clone(),
        Some(value) => value.to_string(),
        None => return Err(format!("nothing was saved as {name}").into()),
    };
    Ok(format!("{before}{value}{}", filled_text(after, saved)?))
}
