//! The tasks a worker holds, and the slots they take.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::context::TaskContext;

/// Why a task is let go before its function ended; the first reason stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// Its lease was taken back, or the plan does not need it any more: a report would be refused.
    Lost,
    /// The worker stops.
    Stopping,
    /// No sign of life was answered for as long as a lease lasts.
    Silence,
}

impl End {
    /// What the server is told when the task is handed back; None when it is not.
    pub(super) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Lost => None,
            Self::Stopping => Some("the worker stops"),
            Self::Silence => Some("no sign of life was answered for as long as a lease lasts"),
        }
    }
}

/// A task under a lease of this worker.
pub(super) struct Held {
    pub context: TaskContext,
    end: watch::Sender<Option<End>>,
}

impl Held {
    pub(super) fn new(context: TaskContext) -> Arc<Self> {
        Arc::new(Self { context, end: watch::Sender::new(None) })
    }

    pub(super) fn lease_id(&self) -> &str {
        self.context.lease.as_ref().map_or("", |lease| &lease.lease_id)
    }

    pub(super) fn task_id(&self) -> &str {
        self.context.task.as_ref().map_or("", |task| &task.id)
    }

    /// Let it go.
    pub(super) fn finish(&self, end: End) {
        self.end.send_if_modified(|found| {
            let first = found.is_none();
            found.get_or_insert(end);
            first
        });
    }

    /// Why it was let go, as soon as it is.
    pub(super) async fn let_go(&self) -> End {
        // The sender lives as long as the task.
        let mut ends = self.end.subscribe();
        let found = ends.wait_for(Option::is_some).await.ok().and_then(|found| *found);
        found.unwrap_or(End::Lost)
    }

    pub(super) fn is_lost(&self) -> bool {
        *self.end.borrow() == Some(End::Lost)
    }
}

/// What a worker holds. A slot is taken while a function runs, even one whose lease is gone and that does not stop.
pub(super) struct Leases {
    slots: usize,
    state: Mutex<State>,
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    held: HashMap<String, Arc<Held>>,
    running: HashSet<String>,
}

impl Leases {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots, state: Mutex::default(), count: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, lease_id: &str) -> Option<Arc<Held>> {
        self.state().held.get(lease_id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Held>> {
        self.state().held.values().cloned().collect()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.state().held.keys().cloned().collect()
    }

    /// Whether another function can run.
    pub(super) fn has_room(&self) -> bool {
        self.state().running.len() < self.slots
    }

    /// How many tasks can be held at once, less the functions that run on without a lease.
    pub(super) fn slots(&self) -> u32 {
        let state = self.state();
        let astray = state.running.iter().filter(|id| !state.held.contains_key(*id)).count();
        self.slots.saturating_sub(astray) as u32
    }

    /// How busy the worker is, 0 to 1.
    pub(super) fn load(&self) -> f64 {
        (self.state().running.len() as f64 / self.slots as f64).min(1.0)
    }

    /// A task has come, and its function starts.
    pub(super) fn add(&self, held: &Arc<Held>) {
        let mut state = self.state();
        state.running.insert(held.lease_id().into());
        state.held.insert(held.lease_id().into(), Arc::clone(held));
        self.count.send_replace(state.held.len());
    }

    /// Its function has ended; whether its lease is over already.
    pub(super) fn ended(&self, lease_id: &str) -> bool {
        let mut state = self.state();
        state.running.remove(lease_id);
        !state.held.contains_key(lease_id)
    }

    /// Its lease is over; whether its function runs on.
    pub(super) fn release(&self, lease_id: &str) -> bool {
        let mut state = self.state();
        state.held.remove(lease_id);
        self.count.send_replace(state.held.len());
        state.running.contains(lease_id)
    }

    /// Let everything go.
    pub(super) fn finish_all(&self, end: End) {
        self.all().iter().for_each(|held| held.finish(end));
    }

    /// Ready while nothing is held.
    pub(super) async fn idle(&self) {
        // The sender lives as long as the worker.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{LeaseToken, WorkAssignment};

    fn held(id: &str) -> Arc<Held> {
        let lease = Some(LeaseToken { lease_id: id.into(), token: 1 });
        Held::new(TaskContext::new(WorkAssignment { lease, ..Default::default() }, Arc::default()))
    }

    #[test]
    fn a_function_that_runs_on_without_a_lease_keeps_its_slot() {
        let leases = Leases::new(2);
        leases.add(&held("a"));
        leases.add(&held("b"));
        assert!(!leases.has_room());
        assert_eq!(leases.slots(), 2);
        assert!(leases.release("a"));
        assert_eq!((leases.slots(), leases.has_room(), leases.load()), (1, false, 1.0));
        assert!(leases.ended("a"));
        assert_eq!((leases.slots(), leases.has_room(), leases.load()), (2, true, 0.5));
    }

    #[tokio::test]
    async fn the_first_reason_to_let_a_task_go_stands() {
        let one = held("a");
        one.finish(End::Lost);
        one.finish(End::Stopping);
        assert_eq!(one.let_go().await, End::Lost);
        assert!(one.is_lost());
    }

    #[tokio::test]
    async fn the_worker_is_idle_when_the_last_lease_is_over() {
        let leases = Leases::new(1);
        leases.idle().await;
        leases.add(&held("a"));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), leases.idle()).await.is_err());
        leases.release("a");
        leases.idle().await;
    }
}
