//! Workers: functions that take tasks from a Genesis server and do them.

mod context;
mod engine;
mod heartbeat;
mod leases;
mod outcome;
mod reporting;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use context::TaskContext;
pub use outcome::{Outputs, TaskError};

use crate::client::connect;
use crate::error::Error;
use crate::options::Options;
use crate::random;
use crate::v1::{AgentCard, Skill};
use engine::{Engine, Stop};

type Work = Pin<Box<dyn Future<Output = Result<Outputs, TaskError>> + Send>>;
type Function = Arc<dyn Fn(TaskContext) -> Work + Send + Sync>;

/// An agent made of functions. Each process that runs it is one worker of the agent.
pub struct Worker {
    card: AgentCard,
    functions: HashMap<String, Function>,
    grace: Duration,
}

impl Worker {
    /// An agent without skills yet. Its id is, with an agent key, that of the key.
    pub fn new(agent_id: impl Into<String>) -> Self {
        Self::from_card(AgentCard { id: agent_id.into(), ..Default::default() })
    }

    /// An agent with a card of its own: models, prices, region. Skills are added by [`Worker::skill`].
    pub fn from_card(card: AgentCard) -> Self {
        Self { card, functions: HashMap::new(), grace: Duration::from_secs(30) }
    }

    /// What the agent is for.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.card.description = text.into();
        self
    }

    /// How many tasks this worker does at once; 1 when left out.
    pub fn slots(mut self, slots: u32) -> Self {
        self.card.max_concurrent_tasks = slots;
        self
    }

    /// How long tasks under way may go on when the worker stops, before they are handed back; 30 s when left out.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Make an async function a skill of the agent, with this entry on the card. A second skill of the same id takes its place.
    ///
    /// The function is dropped at its next await when nobody wants the task any more.
    pub fn skill<F, R>(mut self, entry: Skill, function: F) -> Self
    where
        F: Fn(TaskContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Outputs, TaskError>> + Send + 'static,
    {
        let id = entry.id.clone();
        self.card.skills.retain(|other| other.id != id);
        self.card.skills.push(entry);
        self.functions.insert(id, Arc::new(move |task| Box::pin(function(task))));
        self
    }

    /// Work until SIGTERM or SIGINT: the first lets tasks finish, the second hands them back at once.
    ///
    /// Fails when the options are wrong, or the server refuses the worker for good before it ever joined.
    pub async fn run(self, target: &str, options: Options) -> Result<(), Error> {
        let (sender, stop) = watch::channel(Stop::No);
        let signals = Signals::new().map_err(|error| Error::wrong(format!("signals cannot be waited for: {error}")))?;
        let listener = tokio::spawn(signals.pass_on(sender));
        let ended = self.work(target, options, stop).await;
        listener.abort();
        ended
    }

    /// Work until `stop` is ready; then let tasks finish within the grace time, and leave.
    ///
    /// Fails as [`Worker::run`] does.
    pub async fn run_until(self, target: &str, options: Options, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let (sender, receiver) = watch::channel(Stop::No);
        let work = self.work(target, options, receiver);
        tokio::pin!(work);
        tokio::select! {
            ended = &mut work => return ended,
            () = stop => sender.send_replace(Stop::Finish),
        };
        work.await
    }

    async fn work(self, target: &str, options: Options, stop: watch::Receiver<Stop>) -> Result<(), Error> {
        if self.functions.is_empty() {
            return Err(Error::wrong("the worker has no skill: add one with Worker::skill"));
        }
        let client = connect(target, options)?;
        Engine::new(client, self.card, self.functions, self.grace, stop).run().await
    }
}

/// SIGTERM and SIGINT of this process; elsewhere than on Unix Ctrl-C alone.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        // Without a handler there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn pass_on(mut self, stop: watch::Sender<Stop>) {
        for step in [Stop::Finish, Stop::Hurry] {
            self.next().await;
            stop.send_replace(step);
        }
        stop.closed().await;
    }
}

/// How long to wait after so many failures in a row, from 0: twice as long each time up to 10 s, half of it drawn ("equal jitter").
fn backoff(failures: u32, first: Duration) -> Duration {
    let whole = (first.as_secs_f64() * 2f64.powi(failures.min(30) as i32)).min(10.0);
    Duration::from_secs_f64(random::uniform(whole / 2.0, whole))
}

/// A duration of the contract; None when it is missing or negative.
fn duration(found: Option<prost_types::Duration>) -> Option<Duration> {
    found.and_then(|found| Duration::try_from(found).ok()).filter(|found| !found.is_zero())
}

/// The first `most` characters of a text.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_ten_seconds_and_at_most_half_of_them_is_drawn() {
        let first = Duration::from_millis(100);
        for (failures, most) in [(0, 0.1), (3, 0.8), (7, 10.0), (1000, 10.0)] {
            let wait = backoff(failures, first).as_secs_f64();
            assert!((most / 2.0..=most).contains(&wait), "{failures}: {wait}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 2), "äö");
    }

    #[tokio::test]
    async fn a_worker_without_skills_says_so() {
        let error = Worker::new("writer").run_until("127.0.0.1:1", Options::default(), std::future::pending()).await.unwrap_err();
        assert!(error.message.contains("no skill"));
    }
}
