//! One step of a scenario, and what came of it.

use std::time::{Duration, Instant};

use genesis_client::{Client, Code, Error, Request};
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};

use crate::calls::{self, Messages};
use crate::{Contract, Fault, messages};

/// Run a step; fails when the step itself is wrong.
pub async fn run(contract: &Contract, client: &Client, step: &Value) -> Result<Value, Fault> {
    let began = Instant::now();
    let mut result = match step["health"].as_str() {
        Some(service) => match client.health(service).await {
            Ok(status) => json!({"status": "OK", "answer": {"status": status.as_str_name()}}),
            Err(error) => failure(&error),
        },
        None => {
            let name = step["call"].as_str().ok_or("a step has neither a call nor a health")?;
            called(&contract.method(name)?, name, client, step).await?
        }
    };
    result["seconds"] = json!((began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0);
    Ok(result)
}

async fn called(method: &MethodDescriptor, name: &str, client: &Client, step: &Value) -> Result<Value, Fault> {
    if method.is_client_streaming() {
        return exchange(method, client, step).await;
    }
    let request = with_options(messages::request(method, &step["request"])?, step)?;
    if method.is_server_streaming() {
        let most = step["stop_after_messages"].as_u64().unwrap_or(u64::MAX) as usize;
        let mut found = Vec::new();
        return Ok(match calls::stream(client, name, request).await? {
            Ok(mut news) => read(method, &mut news, most, &mut found).await?,
            Err(error) => streamed(Some(&error), &found),
        });
    }
    let call = calls::unary(client, name, request);
    let answered = match seconds(&step["cancel_after_seconds"])? {
        None => call.await?,
        // A call that is dropped is cancelled.
        Some(time) => match tokio::time::timeout(time, call).await {
            Ok(answered) => answered?,
            Err(_) => return Ok(json!({"status": "CANCELLED", "message": "the caller gave up", "error": null})),
        },
    };
    Ok(match answered {
        Ok(bytes) => json!({"status": "OK", "answer": messages::answer(method, &bytes)?}),
        Err(error) => failure(&error),
    })
}

/// Both sides of a stream in the order that the step says.
async fn exchange(method: &MethodDescriptor, client: &Client, step: &Value) -> Result<Value, Fault> {
    let (sender, mut news) = calls::work(client, with_options((), step)?);
    let mut sender = Some(sender);
    let mut found = Vec::new();
    for part in step["exchange"].as_array().ok_or("a call with a stream of requests has no exchange")? {
        let most = if !part["send"].is_null() {
            let bytes = messages::request(method, &part["send"])?;
            // When the stream is over already, what is read next says so.
            let _ = sender.as_ref().ok_or("something is sent after the close")?.send(calls::decoded(&bytes)?);
            continue;
        } else if part["receive"] == true {
            found.len() + 1
        } else {
            sender = None;
            usize::MAX
        };
        let result = read(method, &mut news, most, &mut found).await?;
        if result["status"] != "OK" || found.len() < most {
            return Ok(result);
        }
    }
    Ok(streamed(None, &found))
}

/// Read messages until there are so many, or the stream ends.
async fn read(method: &MethodDescriptor, news: &mut Messages, most: usize, found: &mut Vec<Value>) -> Result<Value, Fault> {
    while found.len() < most {
        match news.recv().await {
            Some(Ok(bytes)) => found.push(messages::answer(method, &bytes)?),
            Some(Err(error)) => return Ok(streamed(Some(&error), found)),
            None => break,
        }
    }
    Ok(streamed(None, found))
}

fn streamed(error: Option<&Error>, messages: &[Value]) -> Value {
    let mut result = error.map_or_else(|| json!({"status": "OK"}), failure);
    result["messages"] = messages.into();
    result
}

fn failure(error: &Error) -> Value {
    let violations: Vec<Value> =
        error.field_violations.iter().map(|one| json!({"field": one.field, "description": one.description})).collect();
    json!({
        "status": name(error.code),
        "message": error.message,
        "error": {
            "reason": error.reason,
            "metadata": error.metadata,
            "violations": violations,
            "retry_after_seconds": error.retry_after.map(|time| time.as_secs_f64()),
        },
    })
}

/// The name of a code as gRPC has it: `NOT_FOUND`.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn with_options<T>(message: T, step: &Value) -> Result<Request<T>, Fault> {
    let mut request = Request::new(message);
    if let Some(time) = seconds(&step["timeout_seconds"])? {
        request.set_timeout(time);
    }
    for (name, value) in step["metadata"].as_object().into_iter().flatten() {
        let name: tonic::metadata::MetadataKey<_> = name.parse()?;
        request.metadata_mut().insert(name, value.as_str().ok_or("a header is no text")?.parse()?);
    }
    Ok(request)
}

fn seconds(value: &Value) -> Result<Option<Duration>, Fault> {
    Ok(value.as_f64().map(Duration::try_from_secs_f64).transpose()?)
}
