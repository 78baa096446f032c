//! What every call goes through: credentials, request ids, deadlines, and another try when no server answered.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;
use http_body_util::{BodyExt, Full};
use prost::bytes::{BufMut, Bytes, BytesMut};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower_service::Service;

use crate::error::Error;
use crate::methods::{Method, with_request_id};
use crate::options::{Options, TokenSource};
use crate::random;
use crate::retry::{Pushback, Retry, Throttle};
use crate::signing::Signer;
use crate::timeout::{self, TimedBody};

const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// Flag and length before each message.
const PREFIX_BYTES: usize = 5;
/// How long a server nobody can connect to is asked only when the others are no better.
const AVOIDED: Duration = Duration::from_secs(5);

type Answer = http::Response<Body>;

/// What the stubs of a [`Client`](crate::Client) call through. Cheap to clone.
#[derive(Clone)]
pub struct Transport(Arc<Shared>);

struct Shared {
    servers: Vec<Server>,
    next: AtomicUsize,
    headers: Vec<(HeaderName, HeaderValue)>,
    credentials: Credentials,
    timeout: Duration,
    retry: Option<Retry>,
    throttle: Throttle,
}

struct Server {
    channel: Channel,
    avoid_until: Mutex<Option<Instant>>,
}

enum Credentials {
    None,
    Token(TokenSource),
    Signature(Signer),
}

impl Transport {
    pub(crate) fn new(servers: Vec<Channel>, options: Options) -> Result<Self, Error> {
        let credentials = match (&options.agent_key, options.token) {
            (Some(key), _) => Credentials::Signature(Signer::new(key, &options.agent, &options.tenant).map_err(Error::wrong)?),
            (None, Some(source)) => Credentials::Token(source),
            (None, None) => Credentials::None,
        };
        let header = |(name, value): &(String, String)| Some((name.parse().ok()?, value.parse().ok()?));
        let headers: Option<Vec<_>> = options.metadata.iter().map(header).collect();
        Ok(Self(Arc::new(Shared {
            servers: servers.into_iter().map(|channel| Server { channel, avoid_until: Mutex::default() }).collect(),
            next: AtomicUsize::new(0),
            headers: headers.ok_or_else(|| Error::wrong("a header of the metadata has a name or a value that cannot be sent"))?,
            credentials,
            timeout: options.timeout,
            retry: options.retry,
            throttle: Throttle::default(),
        })))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Transport({} servers)", self.0.servers.len())
    }
}

impl Service<http::Request<Body>> for Transport {
    type Response = Answer;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.call(request).await })
    }
}

impl Shared {
    async fn call(&self, request: http::Request<Body>) -> Result<Answer, Status> {
        let (mut parts, body) = request.into_parts();
        for (name, value) in &self.headers {
            parts.headers.entry(name).or_insert_with(|| value.clone());
        }
        let method = Method::find(parts.uri.path());
        let streams = method.is_some_and(|method| method.client_streaming || method.server_streaming);
        let asked = parts.headers.get(timeout::HEADER).map(timeout::parse);
        let time = match asked {
            Some(None) => return Err(Status::invalid_argument("the deadline of the call cannot be read")),
            Some(asked) => asked,
            None => (!streams).then_some(self.timeout),
        };
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let answer = match method {
            Some(method) if !method.client_streaming => self.tried(method, parts, body, deadline).await?,
            _ => {
                let server = self.in_turn()[0];
                server.answer(self.signed(&parts, b"", deadline)?, body, deadline).await.map_err(|failed| failed.status)?
            }
        };
        Ok(answer.map(|body| Body::new(TimedBody::new(body, deadline))))
    }

    /// Call a method with one request, again when no server answers and it can be repeated.
    async fn tried(&self, method: &Method, parts: Parts, body: Body, deadline: Option<Instant>) -> Result<Answer, Status> {
        let frame = body.collect().await?.to_bytes();
        if frame.len() < PREFIX_BYTES || frame[0] != 0 {
            return Err(Status::unimplemented("compressed requests cannot be signed or repeated: send them as they are"));
        }
        let message = with_request_id(method, frame.slice(PREFIX_BYTES..), random::uuid);
        let frame = framed(&message);
        let mut made = 0;
        loop {
            let outcome = self.once(&parts, &message, &frame, deadline).await;
            made += 1;
            let pushback = match &outcome {
                Ok(answer) if code(answer) == Some(Code::Unavailable) => {
                    Pushback::parse(answer.headers().get(PUSHBACK).map(|header| header.to_str().unwrap_or_default()))
                }
                Err(status) if status.code() == Code::Unavailable => Pushback::None,
                _ => {
                    if outcome.as_ref().is_ok_and(|answer| matches!(code(answer), None | Some(Code::Ok))) {
                        self.throttle.succeeded();
                    }
                    return outcome;
                }
            };
            let allowed = self.throttle.failed() && method.repeatable();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let retry = self.retry.as_ref().filter(|_| allowed);
            match retry.and_then(|retry| retry.wait(made, pushback, random::uniform(0.0, 1.0), left)) {
                Some(wait) => sleep(wait).await,
                None => return outcome,
            }
        }
    }

    /// One try: ask the next server there is a connection to; up to the head of its answer.
    async fn once(&self, parts: &Parts, message: &[u8], frame: &Bytes, deadline: Option<Instant>) -> Result<Answer, Status> {
        let mut outcome = Err(Status::unavailable("no server answered"));
        for server in self.in_turn() {
            let body = Body::new(Full::new(frame.clone()));
            match server.answer(self.signed(parts, message, deadline)?, body, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failed) if failed.sent => return Err(failed.status),
                Err(failed) => outcome = Err(failed.status),
            }
        }
        outcome
    }

    /// The servers in the order they are asked: each call begins with another one, and those that nobody can connect to come last.
    fn in_turn(&self) -> Vec<&Server> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.servers.len();
        let (before, after) = self.servers.split_at(turn);
        let mut found: Vec<&Server> = after.iter().chain(before).collect();
        found.sort_by_key(|server| server.avoided());
        found
    }

    /// The head of one try, with what is left of its time and fresh credentials.
    fn signed(&self, parts: &Parts, message: &[u8], deadline: Option<Instant>) -> Result<Parts, Status> {
        let mut parts = parts.clone();
        if let Some(deadline) = deadline {
            parts.headers.insert(timeout::HEADER, timeout::header(deadline.saturating_duration_since(Instant::now())));
        }
        let value = match &self.credentials {
            Credentials::None => return Ok(parts),
            Credentials::Token(source) => format!("Bearer {}", source()),
            Credentials::Signature(signer) => signer.header(parts.uri.path(), message),
        };
        let mut value =
            HeaderValue::try_from(value).map_err(|_| Status::unauthenticated("the token has characters that no header takes"))?;
        value.set_sensitive(true);
        parts.headers.entry(AUTHORIZATION).or_insert(value);
        Ok(parts)
    }
}

/// A call that got no answer.
struct Unanswered {
    status: Status,
    /// Whether a server may have got it.
    sent: bool,
}

impl Server {
    async fn answer(&self, parts: Parts, body: Body, deadline: Option<Instant>) -> Result<Answer, Unanswered> {
        let mut channel = self.channel.clone();
        let answer = async {
            poll_fn(|context| channel.poll_ready(context)).await?;
            channel.call(http::Request::from_parts(parts, body)).await
        };
        let found = match deadline {
            None => Ok(answer.await),
            Some(deadline) => timeout_at(deadline, answer).await,
        };
        match found {
            Ok(Ok(answer)) => {
                self.avoid_until(None);
                Ok(answer)
            }
            Ok(Err(error)) => {
                let sent = !causes(&error).iter().any(|cause| cause.is::<tonic::ConnectError>());
                if !sent {
                    self.avoid_until(Instant::now().checked_add(AVOIDED));
                }
                Err(Unanswered { status: broken(&error), sent })
            }
            Err(_) => Err(Unanswered { status: timeout::exceeded(), sent: true }),
        }
    }

    fn avoid_until(&self, time: Option<Instant>) {
        *self.avoid_until.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    fn avoided(&self) -> bool {
        self.avoid_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|time| Instant::now() < time)
    }
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

/// The code of an answer that is nothing but an error.
fn code(answer: &Answer) -> Option<Code> {
    answer.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()))
}

/// The error of a call that got no answer, or the half of one, because there is no connection (any more).
pub(crate) fn broken(error: &(dyn StdError + 'static)) -> Status {
    let causes = causes(error);
    // tonic reads the header grpc-timeout as well, and may be a moment faster.
    if causes.iter().any(|cause| cause.is::<tonic::TimeoutExpired>()) {
        return timeout::exceeded();
    }
    Status::unavailable(format!("no server answered: {}", causes[causes.len() - 1]))
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut found = vec![error];
    while let Some(cause) = found[found.len() - 1].source() {
        found.push(cause);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::client::connect;
    use crate::v1::HealthRequest;

    async fn failure(address: &str, options: Options) -> Error {
        let client = connect(address, options).unwrap();
        client.orchestrator().health(HealthRequest {}).await.unwrap_err().into()
    }

    #[tokio::test]
    async fn servers_that_are_not_there_are_unavailable_after_the_tries() {
        let nobody = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let retry = Retry { attempts: 3, initial_backoff: Duration::from_millis(10), ..Retry::default() };
        let began = Instant::now();
        let error = failure(&format!("{},{}", nobody(), nobody()), Options::default().retry(retry)).await;
        assert_eq!((error.code, error.reason.as_str()), (Code::Unavailable, ""));
        assert!(error.message.starts_with("no server answered: "), "{error}");
        assert!(began.elapsed() >= Duration::from_millis(8 + 24));
    }

    #[tokio::test]
    async fn servers_take_turns_and_one_that_nobody_can_connect_to_comes_last() {
        let options = Options::default();
        let channels = (1..=3).map(|port| Channel::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect_lazy()).collect();
        let Transport(shared) = Transport::new(channels, options).unwrap();
        let order = || -> Vec<usize> {
            let place = |one: &Server| shared.servers.iter().position(|other| std::ptr::eq(one, other)).unwrap();
            shared.in_turn().into_iter().map(place).collect()
        };
        assert_eq!([order(), order(), order()], [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
        shared.servers[0].avoid_until(Instant::now().checked_add(AVOIDED));
        assert_eq!([order(), order(), order()], [[1, 2, 0], [1, 2, 0], [2, 1, 0]]);
        shared.servers[0].avoid_until(None);
        assert_eq!(order(), [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_costs_no_more_than_the_deadline() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let error = failure(&address, Options::default().timeout(Duration::from_millis(50))).await;
        assert_eq!(error.code, Code::DeadlineExceeded);
    }

    #[test]
    fn a_message_is_framed_by_flag_and_length() {
        assert_eq!(framed(b"abc").as_ref(), b"\0\0\0\0\x03abc");
    }
}
