//! What a worker's function can know of its task, and tell about it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::outcome::TaskError;
use super::{cut, duration};
use crate::v1::artefact_value::Content;
use crate::v1::{ArtefactReference, Money, Usage, WorkAssignment};
use crate::values::to_json;

const MESSAGE_CHARACTERS: usize = 500;
const NANOS: i64 = 1_000_000_000;

/// A task under way, as its function sees it. Cheap to clone, and safe to use from any thread.
///
/// It derefs to the assignment: `task.plan_goal`, `task.traceparent` (W3C trace context of whoever asked for the plan),
/// `task.correlation_id`, `task.attempt`, and `task.task` with the goal, acceptance and declared outputs.
#[derive(Clone)]
pub struct TaskContext(Arc<Inner>);

struct Inner {
    assignment: WorkAssignment,
    inputs: Map<String, Value>,
    references: BTreeMap<String, ArtefactReference>,
    end: Option<Instant>,
    state: watch::Sender<State>,
    told: Mutex<Told>,
    news: Arc<Notify>,
}

#[derive(Clone, Copy, Default)]
struct State {
    cancelled: bool,
    paused: bool,
}

#[derive(Default)]
struct Told {
    progress: Option<(f64, String)>,
    usage: Option<Usage>,
}

impl TaskContext {
    /// `news` is told when there is progress.
    pub(super) fn new(mut assignment: WorkAssignment, news: Arc<Notify>) -> Self {
        let mut inputs = Map::new();
        let mut references = BTreeMap::new();
        for one in std::mem::take(&mut assignment.inputs) {
            match one.content {
                Some(Content::Reference(reference)) => {
                    references.insert(one.name, reference);
                }
                Some(Content::Value(value)) => {
                    inputs.insert(one.name, to_json(value));
                }
                None => {}
            }
        }
        let end = duration(assignment.time_left).and_then(|left| Instant::now().checked_add(left));
        let state = watch::Sender::new(State::default());
        Self(Arc::new(Inner { assignment, inputs, references, end, state, told: Mutex::default(), news }))
    }

    /// The inputs at hand, by name.
    pub fn inputs(&self) -> &Map<String, Value> {
        &self.0.inputs
    }

    /// The inputs that lie elsewhere, by name; fetching them is up to you.
    pub fn references(&self) -> &BTreeMap<String, ArtefactReference> {
        &self.0.references
    }

    /// An input the task cannot be done without; without it the task fails for good.
    pub fn input(&self, name: &str) -> Result<&Value, TaskError> {
        self.0.inputs.get(name).ok_or_else(|| {
            let there: Vec<&str> = self.0.inputs.keys().map(String::as_str).collect();
            TaskError::permanent(format!("input {name:?} is missing; there are: {}", there.join(", ")))
        })
    }

    /// How long the attempt may still take; None: it has no end.
    pub fn time_left(&self) -> Option<Duration> {
        self.0.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// Tell how far the task is, 0 to 1, and what it does just now; it shows within half a second.
    pub fn progress(&self, fraction: f64, message: impl AsRef<str>) {
        let fraction = if fraction > 0.0 { fraction.min(1.0) } else { 0.0 };
        self.told().progress = Some((fraction, cut(message.as_ref(), MESSAGE_CHARACTERS)));
        self.0.news.notify_one();
    }

    /// Add to what the task used; told with its result. What is never told counts as what was expected. Fails, and adds nothing, when
    /// the cost is in another currency than before.
    pub fn usage(&self, cost: Option<Money>, tokens: u64) -> Result<(), TaskError> {
        let mut told = self.told();
        let before = told.usage.clone().unwrap_or_default();
        let cost = match (before.cost, cost) {
            (Some(one), Some(more)) if one.currency_code != more.currency_code => {
                return Err(TaskError::failed(format!(
                    "the cost is in {}, and what was told before in {}",
                    more.currency_code, one.currency_code
                )));
            }
            (Some(one), Some(more)) => {
                let nanos = i64::from(one.nanos) + i64::from(more.nanos);
                let units = one.units + more.units + nanos / NANOS;
                Some(Money { currency_code: one.currency_code, units, nanos: (nanos % NANOS) as i32 })
            }
            (one, more) => one.or(more),
        };
        told.usage = Some(Usage { cost, tokens: before.tokens + tokens, tasks: 0 });
        Ok(())
    }

    /// Whether nobody wants the task any more: its plan was cancelled, its lease lost, its time is over, or the worker stops.
    ///
    /// The function itself is dropped then; this is for what it began in threads and tasks of its own.
    pub fn is_cancelled(&self) -> bool {
        self.0.state.borrow().cancelled
    }

    /// Ready when nobody wants the task any more.
    pub async fn cancelled(&self) {
        // The sender lives as long as the context.
        let _ = self.0.state.subscribe().wait_for(|state| state.cancelled).await;
    }

    /// Whether the plan is paused: hold on where you can.
    pub fn is_paused(&self) -> bool {
        self.0.state.borrow().paused
    }

    pub(super) fn cancel(&self) {
        self.0.state.send_modify(|state| state.cancelled = true);
    }

    pub(super) fn pause(&self, paused: bool) {
        self.0.state.send_modify(|state| state.paused = paused);
    }

    pub(super) fn end(&self) -> Option<Instant> {
        self.0.end
    }

    /// The last progress that was not taken yet.
    pub(super) fn take_progress(&self) -> Option<(f64, String)> {
        self.told().progress.take()
    }

    /// Progress that could not be told; what came meanwhile stands.
    pub(super) fn put_back(&self, progress: (f64, String)) {
        self.told().progress.get_or_insert(progress);
    }

    pub(super) fn used(&self) -> Option<Usage> {
        self.told().usage.clone()
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for TaskContext {
    type Target = WorkAssignment;

    fn deref(&self) -> &WorkAssignment {
        &self.0.assignment
    }
}

impl fmt::Debug for TaskContext {
    /// Without the lease, which is a secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.task.as_ref().map_or("", |task| &task.id);
        write!(out, "TaskContext({} of {}, attempt {})", id, self.plan_id, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::v1::ArtefactValue;
    use crate::values::to_proto;

    fn context() -> TaskContext {
        let value = ArtefactValue { name: "notes".into(), content: Some(Content::Value(to_proto(json!(["a"])))) };
        let elsewhere = ArtefactReference { uri: "s3://a".into(), ..Default::default() };
        let elsewhere = ArtefactValue { name: "page".into(), content: Some(Content::Reference(elsewhere)) };
        TaskContext::new(WorkAssignment { inputs: vec![value, elsewhere], ..Default::default() }, Arc::default())
    }

    fn dollars(units: i64, nanos: i32) -> Option<Money> {
        Some(Money { currency_code: "USD".into(), units, nanos })
    }

    #[test]
    fn inputs_are_json_values_and_references_by_name() {
        let task = context();
        assert_eq!(task.input("notes").unwrap(), &json!(["a"]));
        assert_eq!(task.references()["page"].uri, "s3://a");
        assert!(matches!(task.input("page"), Err(TaskError::Failed { permanent: true, .. })));
    }

    #[test]
    fn usage_adds_up_in_one_currency() {
        let task = context();
        task.usage(dollars(1, 600_000_000), 5).unwrap();
        task.usage(dollars(0, 500_000_000), 7).unwrap();
        assert!(task.usage(Some(Money { currency_code: "EUR".into(), ..Default::default() }), 9).is_err());
        assert_eq!(task.used(), Some(Usage { cost: dollars(2, 100_000_000), tokens: 12, tasks: 0 }));
    }

    #[test]
    fn progress_is_told_once_and_the_last_word_stands() {
        let task = context();
        task.progress(0.25, "one");
        task.progress(7.0, "two");
        let told = task.take_progress().unwrap();
        assert_eq!(told, (1.0, "two".into()));
        assert_eq!(task.take_progress(), None);
        task.put_back(told);
        assert!(task.take_progress().is_some());
    }

    #[tokio::test]
    async fn a_cancelled_task_wakes_whoever_waits_for_it() {
        let task = context();
        let waiting = tokio::spawn({
            let task = task.clone();
            async move { task.cancelled().await }
        });
        task.cancel();
        waiting.await.unwrap();
        assert!(task.is_cancelled());
    }
}
