//! What a failed call says.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};

use crate::rpc;

const CORRELATION: &str = "x-correlation-id";

/// A call failed. Its facts are those of [`Failure`]: `error.code`, `error.reason` and so on.
///
/// Every `tonic::Status` turns into one, so that `?` does it in a function that returns this error.
#[derive(Clone, Debug)]
pub struct Error(Box<Failure>);

/// The facts of a failed call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The gRPC code.
    pub code: Code,
    /// Name of a `genesis.v1.ErrorReason` without its prefix, for example `PLAN_NOT_FOUND`; empty when no server gave one.
    pub reason: String,
    /// What is wrong and what to do, in words; it may change between versions, unlike the reason.
    pub message: String,
    /// Facts about the failure; which keys there are depends on the reason.
    pub metadata: BTreeMap<String, String>,
    /// Every field that is wrong, when the request is.
    pub field_violations: Vec<FieldViolation>,
    /// How long to wait before another try helps; None when the server named no time.
    pub retry_after: Option<Duration>,
    /// Finds the call in the server's logs and traces; empty when no server was reached.
    pub correlation_id: String,
}

/// A field of the request that breaks a constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldViolation {
    /// Path in the request, for example `plan.tasks[2].id`.
    pub field: String,
    /// What is wrong and what to do.
    pub description: String,
    /// Id of the constraint, for example `STRING_MIN_LEN`; empty when none is named.
    pub rule: String,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            code,
            reason: String::new(),
            message: message.into(),
            metadata: BTreeMap::new(),
            field_violations: Vec::new(),
            retry_after: None,
            correlation_id: String::new(),
        }))
    }

    /// An error in what the caller gave, found before any call.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    fn read_details(&mut self, details: &[prost_types::Any]) {
        for detail in details {
            let bytes = detail.value.as_slice();
            match detail.type_url.rsplit('/').next() {
                Some("google.rpc.ErrorInfo") => {
                    if let Ok(info) = rpc::ErrorInfo::decode(bytes) {
                        self.0.reason = info.reason;
                        self.0.metadata = info.metadata;
                    }
                }
                Some("google.rpc.BadRequest") => {
                    let found = rpc::BadRequest::decode(bytes).unwrap_or_default();
                    self.0.field_violations = found.field_violations.into_iter().map(FieldViolation::from).collect();
                }
                Some("google.rpc.RetryInfo") => {
                    let found = rpc::RetryInfo::decode(bytes).ok().and_then(|info| info.retry_delay);
                    self.0.retry_after = found.and_then(|delay| Duration::try_from(delay).ok());
                }
                _ => {}
            }
        }
        if let Some(id) = self.0.metadata.get("correlation_id") {
            self.0.correlation_id = id.clone();
        }
    }
}

impl From<rpc::bad_request::FieldViolation> for FieldViolation {
    fn from(found: rpc::bad_request::FieldViolation) -> Self {
        Self { field: found.field, description: found.description, rule: found.reason }
    }
}

impl From<Status> for Error {
    /// Details that cannot be read are left out.
    fn from(status: Status) -> Self {
        // What tonic itself says of a message over its limit; gRPC says RESOURCE_EXHAUSTED. No server sends this code without trailers.
        let too_large = status.code() == Code::OutOfRange && status.metadata().is_empty();
        let code = if too_large { Code::ResourceExhausted } else { status.code() };
        let mut error = Self::new(code, status.message());
        if error.message.is_empty() {
            error.0.message = format!("the call failed: {}", code.description());
        }
        if let Some(id) = status.metadata().get(CORRELATION).and_then(|id| id.to_str().ok()) {
            error.0.correlation_id = id.into();
        }
        error.read_details(&rpc::Status::decode(status.details()).unwrap_or_default().details);
        error
    }
}

impl From<rpc::Status> for Error {
    fn from(status: rpc::Status) -> Self {
        let mut error = Self::new(Code::from(status.code), status.message);
        error.read_details(&status.details);
        error
    }
}

impl Deref for Error {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() { out.write_str(&self.message) } else { write!(out, "{}: {}", self.reason, self.message) }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(name: &str, message: &impl Message) -> prost_types::Any {
        prost_types::Any { type_url: format!("type.googleapis.com/google.rpc.{name}"), value: message.encode_to_vec() }
    }

    fn details() -> rpc::Status {
        let info = rpc::ErrorInfo {
            reason: "INVALID_FIELD".into(),
            domain: "genesis".into(),
            metadata: BTreeMap::from([("correlation_id".into(), "c-1".into()), ("field".into(), "goal".into())]),
        };
        let violation = rpc::bad_request::FieldViolation {
            field: "goal".into(),
            description: "is empty".into(),
            reason: "STRING_MIN_LEN".into(),
            ..Default::default()
        };
        let delay = prost_types::Duration { seconds: 1, nanos: 500_000_000 };
        rpc::Status {
            code: Code::InvalidArgument as i32,
            message: "give a goal".into(),
            details: vec![
                any("ErrorInfo", &info),
                any("BadRequest", &rpc::BadRequest { field_violations: vec![violation] }),
                any("RetryInfo", &rpc::RetryInfo { retry_delay: Some(delay) }),
                prost_types::Any { type_url: "type.googleapis.com/google.rpc.BadRequest.v9".into(), value: vec![0xff] },
            ],
        }
    }

    #[test]
    fn a_failed_call_tells_reason_facts_fields_wait_and_correlation_id() {
        let sent = details();
        let status = Status::with_details(Code::InvalidArgument, "give a goal", sent.encode_to_vec().into());
        for error in [Error::from(status), Error::from(sent)] {
            assert_eq!(
                (error.code, error.reason.as_str(), error.message.as_str()),
                (Code::InvalidArgument, "INVALID_FIELD", "give a goal")
            );
            assert_eq!(error.metadata["field"], "goal");
            assert_eq!(error.field_violations[0].field, "goal");
            assert_eq!(error.field_violations[0].rule, "STRING_MIN_LEN");
            assert_eq!(error.retry_after, Some(Duration::from_millis(1500)));
            assert_eq!(error.correlation_id, "c-1");
            assert_eq!(error.to_string(), "INVALID_FIELD: give a goal");
        }
    }

    #[test]
    fn an_error_without_readable_details_keeps_code_message_and_trailer() {
        let mut status = Status::with_details(Code::Internal, "oh", vec![0xff, 0xff].into());
        status.metadata_mut().insert(CORRELATION, "c-2".parse().unwrap());
        let error = Error::from(status);
        assert_eq!((error.code, error.message.as_str(), error.reason.as_str()), (Code::Internal, "oh", ""));
        assert_eq!(error.correlation_id, "c-2");
    }

    #[test]
    fn an_answer_over_the_limit_is_resource_exhausted_as_in_every_client() {
        assert_eq!(Error::from(Status::out_of_range("message length too large")).code, Code::ResourceExhausted);
    }
}
