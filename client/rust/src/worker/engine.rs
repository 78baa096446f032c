//! A worker at work: joins, takes tasks, runs them, reports, leaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Request, Status};

use super::context::TaskContext;
use super::heartbeat::{beat, session_gone};
use super::leases::{End, Held, Leases};
use super::outcome::{declined, failed, reported};
use super::reporting::{Outbox, deliver};
use super::{Function, Outputs, TaskError, backoff, duration};
use crate::client::Client;
use crate::error::Error;
use crate::v1::report_request::Outcome;
use crate::v1::work_request::Message as Said;
use crate::v1::work_response::Message as Heard;
use crate::v1::{AgentCard, Artefact, DeregisterRequest, LeaseNotice, LeaseNoticeKind, RegisterRequest, RegisterResponse, ReportRequest};
use crate::v1::{WorkAcknowledgement, WorkAssignment, WorkOpen, WorkSlots};

const FAREWELL: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const REFUSED_FOR_GOOD: [Code; 4] = [Code::InvalidArgument, Code::PermissionDenied, Code::Unauthenticated, Code::Unimplemented];

/// How a worker is to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stop {
    /// Not yet.
    No,
    /// Finish what is held within the grace time, and leave.
    Finish,
    /// Hand back what is held, and leave.
    Hurry,
}

/// Serves one agent from one process, over one client.
pub(super) struct Engine {
    client: Client,
    card: AgentCard,
    functions: HashMap<String, Function>,
    grace: Duration,
    stop: watch::Receiver<Stop>,
    leases: Leases,
    outbox: Outbox,
    news: Arc<Notify>,
    joined: AtomicBool,
    session: watch::Sender<RegisterResponse>,
    jobs: Mutex<JoinSet<()>>,
}

impl Engine {
    pub(super) fn new(
        client: Client,
        card: AgentCard,
        functions: HashMap<String, Function>,
        grace: Duration,
        stop: watch::Receiver<Stop>,
    ) -> Arc<Self> {
        let leases = Leases::new(card.max_concurrent_tasks.max(1) as usize);
        Arc::new(Self {
            client,
            card,
            functions,
            grace,
            stop,
            leases,
            outbox: Outbox::default(),
            news: Arc::default(),
            joined: AtomicBool::new(false),
            session: watch::Sender::new(RegisterResponse::default()),
            jobs: Mutex::default(),
        })
    }

    /// Work until told to stop; fails when the server refuses the worker for good before it ever joined.
    pub(super) async fn run(self: Arc<Self>) -> Result<(), Error> {
        let mut serving = JoinSet::new();
        serving.spawn(Arc::clone(&self).serve());
        let ended = tokio::select! {
            ended = serving.join_next() => ended,
            () = self.told(Stop::Finish) => None,
        };
        if let Some(Ok(result)) = ended {
            result?;
        }
        self.leave().await;
        self.leases.finish_all(End::Lost);
        self.jobs.lock().await.shutdown().await;
        serving.shutdown().await;
        Ok(())
    }

    /// Ready when the worker is to stop like this, or faster.
    async fn told(&self, least: Stop) {
        let wanted = |found: &Stop| matches!((least, found), (_, Stop::Hurry) | (Stop::Finish, Stop::Finish));
        if self.stop.clone().wait_for(wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    async fn leave(&self) {
        self.tell_slots();
        tokio::select! {
            () = self.leases.idle() => {}
            () = self.told(Stop::Hurry) => {}
            () = sleep(self.grace) => {}
        }
        self.leases.finish_all(End::Stopping);
        // What cannot be handed back in time is given out anew when the session has ended.
        let _ = timeout(FAREWELL, self.leases.idle()).await;
        let session_id = self.session.borrow().session_id.clone();
        if session_id.is_empty() {
            return;
        }
        let mut request = Request::new(DeregisterRequest { session_id });
        request.set_timeout(FAREWELL);
        if let Err(status) = self.client.agents().deregister(request).await {
            tracing::info!(error = %Error::from(status), "could not say farewell");
        }
    }

    async fn serve(self: Arc<Self>) -> Result<(), Error> {
        loop {
            let session = self.join().await?;
            self.session.send_replace(session.clone());
            self.joined.store(true, Ordering::Relaxed);
            tokio::select! {
                () = beat(&self.client, &session, &self.leases, &self.news) => {}
                () = self.streams(&session.session_id) => {}
            }
            self.outbox.close();
            self.leases.finish_all(End::Lost);
            if self.stopping() {
                return Ok(());
            }
            tracing::warn!("the server does not know this worker any more; it joins again");
        }
    }

    async fn join(&self) -> Result<RegisterResponse, Error> {
        let mut failures = 0;
        loop {
            let request = RegisterRequest { request_id: String::new(), card: Some(self.card.clone()) };
            let error = match self.client.agents().register(request).await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => Error::from(status),
            };
            let for_good = REFUSED_FOR_GOOD.contains(&error.code) && !error.reason.is_empty();
            if for_good && !self.joined.load(Ordering::Relaxed) {
                return Err(error);
            }
            tracing::warn!(%error, "cannot join");
            sleep(backoff(failures, FIRST_WAIT).max(error.retry_after.unwrap_or_default())).await;
            failures += 1;
        }
    }

    /// One stream after the other, until the session is gone.
    async fn streams(self: &Arc<Self>, session_id: &str) {
        let mut failures = 0;
        loop {
            let open = WorkOpen { session_id: session_id.into(), slots: self.slots(), held_lease_ids: self.leases.ids() };
            let sent = self.outbox.open(Said::Open(open));
            let mut heard = false;
            let ended = self.listen(UnboundedReceiverStream::new(sent), &mut heard).await;
            self.outbox.close();
            if heard {
                failures = 0;
            }
            match ended.map_err(Error::from) {
                Ok(true) if heard => continue,
                Err(error) if session_gone(&error) => return,
                Err(error) => tracing::info!(%error, "the stream of work broke"),
                Ok(_) => {}
            }
            sleep(backoff(failures, FIRST_WAIT)).await;
            failures += 1;
        }
    }

    /// Hear what comes on one stream until it ends; whether the server asked to move to another one.
    async fn listen(self: &Arc<Self>, sent: UnboundedReceiverStream<crate::v1::WorkRequest>, heard: &mut bool) -> Result<bool, Status> {
        let mut answers = self.client.agents().work(sent).await?.into_inner();
        while let Some(answer) = answers.message().await? {
            match answer.message {
                Some(Heard::Move(_)) => return Ok(true),
                Some(Heard::Assignment(assignment)) => self.take(assignment).await,
                Some(Heard::Notice(notice)) => self.notice(&notice),
                Some(Heard::Reported(reported)) => self.outbox.reported(reported),
                None => tracing::info!("the server said something this client does not know"),
            }
            *heard = true;
        }
        Ok(false)
    }

    fn notice(&self, notice: &LeaseNotice) {
        let Some(held) = self.leases.get(&notice.lease_id) else { return };
        match notice.kind() {
            LeaseNoticeKind::Paused => held.context.pause(true),
            LeaseNoticeKind::Resumed => held.context.pause(false),
            _ => {
                tracing::info!(plan_id = held.context.plan_id, why = notice.message, "a task is not wanted any more");
                held.finish(End::Lost);
            }
        }
    }

    async fn take(self: &Arc<Self>, assignment: WorkAssignment) {
        let lease_id = assignment.lease.as_ref().map_or("", |lease| &lease.lease_id).to_owned();
        if self.leases.get(&lease_id).is_some() {
            self.outbox.say(Said::Acknowledge(WorkAcknowledgement { lease_id }));
            return;
        }
        let skill_id = self.skill_of(&assignment);
        let held = Held::new(TaskContext::new(assignment, Arc::clone(&self.news)));
        let mut jobs = self.jobs.lock().await;
        while jobs.try_join_next().is_some() {}
        let Some(function) = self.functions.get(&skill_id) else {
            let refusal = declined(&format!("the agent has no skill {skill_id:?}"), false);
            jobs.spawn(Arc::clone(self).refuse(held, refusal));
            return;
        };
        if self.stopping() || !self.leases.has_room() {
            let reason = if self.stopping() { "the worker stops" } else { "the worker has no free slot" };
            jobs.spawn(Arc::clone(self).refuse(held, declined(reason, true)));
            return;
        }
        self.outbox.say(Said::Acknowledge(WorkAcknowledgement { lease_id }));
        self.leases.add(&held);
        jobs.spawn(Arc::clone(self).carry_out(held, skill_id, Arc::clone(function)));
    }

    /// The skill a task was routed to, else the capability it asks for, else the worker's only one.
    fn skill_of(&self, assignment: &WorkAssignment) -> String {
        let routed = assignment.target.as_ref().map(|target| target.skill_id.as_str());
        let asked = assignment.task.as_ref().map(|task| task.capability.as_str());
        let named = [routed, asked].into_iter().flatten().find(|id| !id.is_empty());
        let only = || if self.functions.len() == 1 { self.functions.keys().next().map(String::as_str) } else { None };
        named.or_else(only).unwrap_or_default().to_owned()
    }

    async fn refuse(self: Arc<Self>, held: Arc<Held>, outcome: Outcome) {
        self.deliver(&held, outcome, || true).await;
    }

    async fn carry_out(self: Arc<Self>, held: Arc<Held>, skill_id: String, function: Function) {
        let running = Running { engine: Arc::clone(&self), lease_id: held.lease_id().into() };
        let context = held.context.clone();
        let mut work = JoinSet::new();
        work.spawn(async move {
            let _running = running;
            function(context).await
        });
        tokio::select! {
            result = work.join_next() => {
                let outcome = self.outcome(&held, &skill_id, result);
                self.deliver(&held, outcome, || held.is_lost()).await;
            }
            end = held.let_go() => {
                self.cancel(&held, &mut work);
                if let Some(reason) = end.reason() {
                    self.deliver(&held, declined(reason, true), || true).await;
                }
            }
            () = over(&held.context) => {
                self.cancel(&held, &mut work);
                // The server says itself that the time is over, and until then the lease is not one to be given away.
                let lasts = duration(self.session.borrow().lease_duration).unwrap_or_default();
                let _ = timeout(lasts, held.let_go()).await;
            }
        }
        if self.leases.release(held.lease_id()) {
            self.tell_slots();
        }
    }

    fn cancel(&self, held: &Held, work: &mut JoinSet<Result<Outputs, TaskError>>) {
        held.context.cancel();
        work.abort_all();
        // Its slot is free when it has ended, which it tells itself.
        work.detach_all();
    }

    fn outcome(&self, held: &Held, skill_id: &str, result: Option<Result<Result<Outputs, TaskError>, JoinError>>) -> Outcome {
        let names = |artefacts: &[Artefact]| artefacts.iter().map(|one| one.name.clone()).collect::<Vec<String>>();
        let declared = held.context.task.as_ref().map(|task| names(&task.outputs)).unwrap_or_default();
        let own = self.card.skills.iter().find(|skill| skill.id == skill_id).map(|skill| names(&skill.outputs)).unwrap_or_default();
        match result {
            Some(Ok(result)) => reported(result, &declared, &own),
            Some(Err(error)) if error.is_panic() => {
                let cause = error.into_panic();
                let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| cause.downcast_ref::<String>().cloned());
                failed(&format!("the function panicked: {}", text.unwrap_or_default()), false)
            }
            _ => failed("the function was cancelled", false),
        }
    }

    async fn deliver(&self, held: &Held, outcome: Outcome, lost: impl Fn() -> bool) {
        let report = ReportRequest {
            plan_id: held.context.plan_id.clone(),
            task_id: held.task_id().into(),
            lease: held.context.lease.clone(),
            usage: held.context.used(),
            outcome: Some(outcome),
            ..Default::default()
        };
        deliver(&self.client, &self.outbox, report, lost).await;
    }

    fn slots(&self) -> u32 {
        if self.stopping() { 0 } else { self.leases.slots() }
    }

    fn tell_slots(&self) {
        self.outbox.say(Said::Slots(WorkSlots { slots: self.slots() }));
    }
}

/// A function that runs; gone when it has ended, however that was.
struct Running {
    engine: Arc<Engine>,
    lease_id: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.engine.leases.ended(&self.lease_id) {
            self.engine.tell_slots();
        }
    }
}

/// Ready when the attempt's time is over.
async fn over(context: &TaskContext) {
    match context.end() {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}
