//! Getting a report to the server: on the stream, else by a call, until it was answered.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tonic::Code;

use super::backoff;
use super::outcome::failed;
use crate::client::Client;
use crate::error::Error;
use crate::v1::report_request::Outcome;
use crate::v1::work_reported::Result as Answer;
use crate::v1::work_request::Message;
use crate::v1::{ReportRequest, WorkReported, WorkRequest};

const ANSWER_TIME: Duration = Duration::from_secs(30);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const FINAL: [Code; 4] = [Code::AlreadyExists, Code::InvalidArgument, Code::NotFound, Code::PermissionDenied];
const FINAL_REASONS: [&str; 4] = ["LEASE_LOST", "TASK_ENDED", "PLAN_ENDED", "MESSAGE_TOO_LARGE"];

/// What the worker says on the stream that is open now, if one is.
#[derive(Default)]
pub(super) struct Outbox(Mutex<Open>);

#[derive(Default)]
struct Open {
    sender: Option<mpsc::UnboundedSender<WorkRequest>>,
    asked: HashMap<String, oneshot::Sender<WorkReported>>,
}

impl Outbox {
    fn open_now(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream opens; what it is to send.
    pub(super) fn open(&self, first: Message) -> mpsc::UnboundedReceiver<WorkRequest> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.open_now() = Open { sender: Some(sender), asked: HashMap::new() };
        self.say(first);
        receiver
    }

    /// The stream is over; reports without an answer have none.
    pub(super) fn close(&self) {
        *self.open_now() = Open::default();
    }

    /// Say something, if a stream is open.
    pub(super) fn say(&self, message: Message) {
        if let Some(sender) = &self.open_now().sender {
            // A stream that just broke is found out by whoever reads it.
            let _ = sender.send(WorkRequest { message: Some(message) });
        }
    }

    /// Say a report; what will have its answer, or the news that the stream ended before it. None when no stream is open.
    fn report(&self, request: ReportRequest) -> Option<oneshot::Receiver<WorkReported>> {
        let mut open = self.open_now();
        let (answer, answered) = oneshot::channel();
        let lease_id = request.lease.as_ref().map_or("", |lease| &lease.lease_id).to_owned();
        open.sender.as_ref()?.send(WorkRequest { message: Some(Message::Report(request)) }).ok()?;
        open.asked.insert(lease_id, answer);
        Some(answered)
    }

    /// The server answered a report.
    pub(super) fn reported(&self, answer: WorkReported) {
        if let Some(asked) = self.open_now().asked.remove(&answer.lease_id) {
            // Whoever asked may have given up waiting.
            let _ = asked.send(answer);
        }
    }
}

/// What to do after a report was refused.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Nothing more: it was the last word.
    Stop,
    /// Say that the task failed for good, with the server's words: its outputs are unfit.
    Fail,
    /// Tell it again.
    Again,
}

/// A refusal of a report is the last word when the server gives a reason that a repeat cannot change, or when the lease is known to be gone.
pub(super) fn next(error: &Error, done: bool, lost: bool) -> Next {
    let refused = !error.reason.is_empty();
    let last = refused && (FINAL.contains(&error.code) || FINAL_REASONS.contains(&error.reason.as_str()));
    if last && done && (error.code == Code::InvalidArgument || error.reason == "MESSAGE_TOO_LARGE") {
        Next::Fail
    } else if last || refused && lost {
        Next::Stop
    } else {
        Next::Again
    }
}

/// Send a report until the server took it or refused it for good. A report under a lease can be told again without harm, so that no
/// answer means: once more.
///
/// With `lost` true, the lease is known to be gone, and any answer of the server is the last word.
pub(super) async fn deliver(client: &Client, outbox: &Outbox, mut report: ReportRequest, lost: impl Fn() -> bool) {
    let mut failures = 0;
    while let Err(error) = told(client, outbox, &report).await {
        let (plan_id, task_id) = (&report.plan_id, &report.task_id);
        match next(&error, matches!(report.outcome, Some(Outcome::Done(_))), lost()) {
            Next::Stop => {
                tracing::warn!(plan_id, task_id, %error, "a report was refused");
                return;
            }
            Next::Fail => {
                tracing::error!(plan_id, task_id, %error, "the outputs were refused");
                report.outcome = Some(failed(&error.to_string(), true));
            }
            Next::Again => {
                tracing::info!(plan_id, task_id, %error, "a report is told again");
                sleep(backoff(failures, FIRST_WAIT).max(error.retry_after.unwrap_or_default())).await;
                failures += 1;
            }
        }
    }
}

/// Tell it once; fine when it was taken, now or before.
async fn told(client: &Client, outbox: &Outbox, report: &ReportRequest) -> Result<(), Error> {
    if let Some(answered) = outbox.report(report.clone())
        && let Ok(Ok(answer)) = timeout(ANSWER_TIME, answered).await
    {
        return match answer.result {
            Some(Answer::Refused(status)) => Err(status.into()),
            _ => Ok(()),
        };
    }
    client.orchestrator().report(report.clone()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::rpc;

    fn refusal(code: Code, reason: &str) -> Error {
        let info = rpc::ErrorInfo { reason: reason.into(), ..Default::default() };
        let detail = prost_types::Any { type_url: "type.googleapis.com/google.rpc.ErrorInfo".into(), value: info.encode_to_vec() };
        let details = if reason.is_empty() { vec![] } else { vec![detail] };
        rpc::Status { code: code as i32, message: "no".into(), details }.into()
    }

    #[test]
    fn outputs_the_server_finds_unfit_make_the_task_fail() {
        assert_eq!(next(&refusal(Code::InvalidArgument, "OUTPUT_MISMATCH"), true, false), Next::Fail);
        assert_eq!(next(&refusal(Code::ResourceExhausted, "MESSAGE_TOO_LARGE"), true, false), Next::Fail);
        assert_eq!(next(&refusal(Code::InvalidArgument, "INVALID_FIELD"), false, false), Next::Stop);
    }

    #[test]
    fn a_lease_that_is_over_ends_the_telling() {
        assert_eq!(next(&refusal(Code::FailedPrecondition, "LEASE_LOST"), true, false), Next::Stop);
        assert_eq!(next(&refusal(Code::Unavailable, "SHUTTING_DOWN"), true, true), Next::Stop);
    }

    #[test]
    fn no_answer_means_once_more() {
        assert_eq!(next(&refusal(Code::Unavailable, ""), true, true), Next::Again);
        assert_eq!(next(&refusal(Code::ResourceExhausted, "STORAGE_FULL"), true, false), Next::Again);
    }

    #[tokio::test]
    async fn a_report_whose_stream_ends_has_no_answer() {
        let outbox = Outbox::default();
        assert!(outbox.report(ReportRequest::default()).is_none());
        let mut sent = outbox.open(Message::Slots(Default::default()));
        let answered = outbox.report(ReportRequest::default()).unwrap();
        assert!(sent.recv().await.is_some() && sent.recv().await.is_some());
        outbox.close();
        assert!(answered.await.is_err());
        assert!(sent.recv().await.is_none());
    }
}
