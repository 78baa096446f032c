//! Signs of life: they renew the leases and tell how far the tasks are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::{Code, Request};

use super::leases::{End, Leases};
use super::{backoff, duration};
use crate::client::Client;
use crate::error::Error;
use crate::v1::{HeartbeatRequest, LeaseProgress, RegisterResponse};

const SOONEST: Duration = Duration::from_millis(500);
const LONGEST_CALL: Duration = Duration::from_secs(10);
const MOST_NEWS: usize = 1000;

/// Whether an error says that the server does not know the session any more.
pub(super) fn session_gone(error: &Error) -> bool {
    error.code == Code::NotFound && error.reason == "SESSION_NOT_FOUND"
}

/// Give signs of life until the session is gone: as often as the server asked for, sooner when there is news, at most twice a second.
///
/// When none was answered for as long as a lease lasts, by the worker's own clock, what it holds is let go: others may have it by now.
pub(super) async fn beat(client: &Client, session: &RegisterResponse, leases: &Leases, news: &Arc<Notify>) {
    let interval = duration(session.heartbeat_interval).unwrap_or(Duration::from_secs(10));
    let mut lasts = duration(session.lease_duration).unwrap_or(3 * interval);
    let mut answered = Instant::now();
    let mut failures = 0;
    loop {
        let began = Instant::now();
        if failures > 0 {
            sleep(backoff(failures, SOONEST).min(interval)).await;
        } else {
            // Either is a reason to go on.
            let _ = timeout(interval, news.notified()).await;
        }
        sleep_until(began + SOONEST).await;
        let told: Vec<_> = leases.all().into_iter().filter_map(|held| held.context.take_progress().map(|told| (held, told))).collect();
        let (now, later) = told.split_at(told.len().min(MOST_NEWS));
        later.iter().for_each(|(held, told)| held.context.put_back(told.clone()));
        let progress = now.iter().map(|(held, (fraction, message))| LeaseProgress {
            plan_id: held.context.plan_id.clone(),
            task_id: held.task_id().into(),
            lease: held.context.lease.clone(),
            fraction: *fraction,
            message: message.clone(),
        });
        let request = HeartbeatRequest { session_id: session.session_id.clone(), load: leases.load(), progress: progress.collect() };
        let mut request = Request::new(request);
        let sent = Instant::now();
        let left = (answered + lasts).saturating_duration_since(sent);
        request.set_timeout(LONGEST_CALL.min(if left.is_zero() { interval } else { left }));
        match client.agents().heartbeat(request).await.map_err(Error::from) {
            Ok(answer) => {
                if failures > 0 {
                    tracing::warn!("signs of life are answered again");
                }
                (answered, failures) = (sent, 0);
                lasts = duration(answer.into_inner().lease_duration).unwrap_or(lasts);
            }
            Err(error) if session_gone(&error) => return,
            Err(error) => {
                // Once is enough for whoever reads it; the rest is for those who look closer.
                if failures == 0 {
                    tracing::warn!(%error, "no answer to a sign of life");
                } else {
                    tracing::info!(%error, "no answer to a sign of life");
                }
                failures += 1;
                now.iter().for_each(|(held, told)| held.context.put_back(told.clone()));
                if answered.elapsed() >= lasts {
                    leases.finish_all(End::Silence);
                }
            }
        }
    }
}
