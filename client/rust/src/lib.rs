#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod client;
mod error;
mod methods;
mod options;
mod random;
mod retry;
mod signing;
mod timeout;
mod transport;
pub mod values;
pub mod worker;

pub use client::{Client, connect};
pub use error::{Error, Failure, FieldViolation};
pub use options::Options;
pub use retry::Retry;
pub use signing::agent_signature;
pub use tonic::{Code, Request, Response, Status, Streaming};
pub use transport::Transport;
pub use worker::{Outputs, TaskContext, TaskError, Worker};

#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_docs, rustdoc::all)]
#[path = "gen/mod.rs"]
mod generated;

/// The main contract: `OrchestratorService`, `AgentService` and every message of theirs.
pub use generated::genesis::v1;

/// The contract of administrators: `FlagAdminService` and `PolicyService`.
pub use generated::genesis::admin::v1 as admin;

/// The standard health service, `grpc.health.v1`.
pub use generated::grpc::health::v1 as health;

/// Errors as messages, `google.rpc`.
pub use generated::google::rpc;

/// The contract as a binary `FileDescriptorSet` with every import, for tools that read messages by name.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.binpb");
