//! When and how often a call is repeated.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const JITTER: f64 = 0.2;
const MOST_TOKENS: f64 = 10.0;
const TOKEN_RATIO: f64 = 0.1;

/// Repeats calls that found no server (`UNAVAILABLE`) with growing, jittered waits, by the rules of gRFC A6. The defaults wait about 3 s in
/// all, so that a server that is started again is not noticed.
///
/// Only calls that change nothing when they come twice are repeated: those that read, and those with a request id, which the client
/// fills in.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Tries in all; less than 2 means one.
    pub attempts: u32,
    /// The wait before the second try, give or take a fifth.
    pub initial_backoff: Duration,
    /// The longest wait.
    pub max_backoff: Duration,
    /// How much longer each wait is than the one before.
    pub multiplier: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, initial_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(2), multiplier: 3.0 }
    }
}

/// What a server said about another try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pushback {
    /// Nothing.
    None,
    /// Not again.
    Never,
    /// After this time.
    After(Duration),
}

impl Pushback {
    /// Reads the header `grpc-retry-pushback-ms`; what is no number of milliseconds means "not again".
    pub(crate) fn parse(header: Option<&str>) -> Self {
        match header.map(str::parse) {
            None => Self::None,
            Some(Ok(milliseconds)) => Self::After(Duration::from_millis(milliseconds)),
            Some(Err(_)) => Self::Never,
        }
    }
}

impl Retry {
    /// How long to wait before another try after `made` tries; None when there is none.
    ///
    /// `draw` is a number from 0 to 1, `time_left` the time until the call's deadline; None: it has no end.
    pub(crate) fn wait(&self, made: u32, pushback: Pushback, draw: f64, time_left: Option<Duration>) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let wait = match pushback {
            Pushback::Never => return None,
            Pushback::After(wait) => wait,
            Pushback::None => {
                let grown = self.initial_backoff.as_secs_f64() * self.multiplier.powi(made as i32 - 1);
                let backoff = grown.min(self.max_backoff.as_secs_f64());
                Duration::from_secs_f64(backoff * (1.0 - JITTER + 2.0 * JITTER * draw))
            }
        };
        time_left.is_none_or(|left| wait < left).then_some(wait)
    }
}

/// Keeps many calls from repeating at once when servers are down: each failure takes a token, each success gives back a tenth, and
/// with half of them gone nothing is repeated.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<f64>);

impl Default for Throttle {
    fn default() -> Self {
        Self(Mutex::new(MOST_TOKENS))
    }
}

impl Throttle {
    /// A server answered.
    pub(crate) fn succeeded(&self) {
        self.change(TOKEN_RATIO);
    }

    /// No server answered; whether a repeat is allowed.
    pub(crate) fn failed(&self) -> bool {
        self.change(-1.0) > MOST_TOKENS / 2.0
    }

    fn change(&self, by: f64) -> f64 {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + by).clamp(0.0, MOST_TOKENS);
        *tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Option<Duration> = Some(Duration::from_secs(86_400));

    fn waits(draw: f64) -> Vec<u128> {
        let retry = Retry::default();
        (1..).map_while(|made| retry.wait(made, Pushback::None, draw, DAY)).map(|wait| wait.as_millis()).collect()
    }

    #[test]
    fn there_are_five_tries_with_growing_jittered_waits() {
        assert_eq!(waits(0.5), [100, 300, 900, 2000]);
        assert_eq!(waits(0.0), [80, 240, 720, 1600]);
        assert_eq!(waits(1.0), [120, 360, 1080, 2400]);
    }

    #[test]
    fn no_wait_is_longer_than_the_longest() {
        let retry = Retry { attempts: 10, ..Retry::default() };
        assert_eq!(retry.wait(9, Pushback::None, 0.5, DAY), Some(Duration::from_secs(2)));
    }

    #[test]
    fn the_servers_word_replaces_the_clients_own_wait() {
        let retry = Retry::default();
        assert_eq!(retry.wait(1, Pushback::parse(Some("1500")), 0.5, DAY), Some(Duration::from_millis(1500)));
        assert_eq!(retry.wait(1, Pushback::parse(Some("-1")), 0.5, DAY), None);
        assert_eq!(retry.wait(1, Pushback::parse(Some("soon")), 0.5, DAY), None);
        assert_eq!(Pushback::parse(None), Pushback::None);
    }

    #[test]
    fn there_is_no_try_that_could_only_begin_after_the_deadline() {
        let retry = Retry::default();
        assert_eq!(retry.wait(1, Pushback::None, 0.5, Some(Duration::from_millis(99))), None);
        assert!(retry.wait(1, Pushback::None, 0.5, None).is_some());
    }

    #[test]
    fn repeats_stop_when_too_many_calls_fail_and_come_back_with_successes() {
        let throttle = Throttle::default();
        let allowed: Vec<bool> = (0..6).map(|_| throttle.failed()).collect();
        assert_eq!(allowed, [true, true, true, true, false, false]);
        (0..30).for_each(|_| throttle.succeeded());
        assert!(throttle.failed());
    }
}
