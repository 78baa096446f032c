//! Deadlines: the header `grpc-timeout`, and bodies that end with it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderValue;
use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

pub(crate) const HEADER: &str = "grpc-timeout";
const MOST: u128 = 99_999_999;

/// The time a header `grpc-timeout` gives; None when it cannot be read.
pub(crate) fn parse(header: &HeaderValue) -> Option<Duration> {
    let text = header.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number.checked_mul(3600)?),
        "M" => Duration::from_secs(number.checked_mul(60)?),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// The header for a time: at most eight digits, in the finest unit that fits.
pub(crate) fn header(time: Duration) -> HeaderValue {
    let units = [(time.as_micros(), 'u'), (time.as_millis(), 'm')];
    let (number, unit) = units.into_iter().find(|(number, _)| *number <= MOST).unwrap_or((u128::from(time.as_secs()).min(MOST), 'S'));
    HeaderValue::try_from(format!("{number}{unit}")).expect("digits and a letter are a header")
}

/// The error of a call whose time is over.
pub(crate) fn exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before there was an answer")
}

/// An answer's body that ends with the deadline, and says `UNAVAILABLE` when the connection breaks.
pub(crate) struct TimedBody {
    inner: Body,
    end: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl TimedBody {
    pub(crate) fn new(inner: Body, deadline: Option<Instant>) -> Self {
        Self { inner, end: deadline.map(|deadline| Box::pin(sleep_until(deadline))), over: false }
    }
}

impl http_body::Body for TimedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let this = self.as_mut().get_mut();
        let found = match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Pending => match this.end.as_mut().map(|end| end.as_mut().poll(context)) {
                Some(Poll::Ready(())) => Some(Err(exceeded())),
                _ => return Poll::Pending,
            },
            Poll::Ready(found) => found.map(|frame| frame.map_err(|error| crate::transport::broken(&error))),
        };
        this.over = !matches!(found, Some(Ok(_)));
        if this.over {
            this.inner = Body::empty();
        }
        Poll::Ready(found)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_from_their_header() {
        for time in [Duration::from_micros(1), Duration::from_millis(500), Duration::from_secs(30), Duration::from_secs(86_400 * 30)] {
            assert_eq!(parse(&header(time)), Some(time));
        }
        assert_eq!(header(Duration::MAX), "99999999S");
    }

    #[test]
    fn every_unit_of_the_protocol_is_read_and_anything_else_is_not() {
        let read = |text: &'static str| parse(&HeaderValue::from_static(text));
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("2M"), Some(Duration::from_secs(120)));
        assert_eq!(read("7S"), Some(Duration::from_secs(7)));
        assert_eq!(read("7n"), Some(Duration::from_nanos(7)));
        for wrong in ["", "S", "7", "7x", "-7S"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
