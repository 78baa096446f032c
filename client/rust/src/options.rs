//! How to talk to a server.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::retry::Retry;

const MEGABYTE: usize = 1024 * 1024;

/// Where the bearer token of a call comes from.
pub(crate) type TokenSource = Arc<dyn Fn() -> String + Send + Sync>;

/// How to talk to a server; the default is plain text without credentials.
#[derive(Clone)]
pub struct Options {
    pub(crate) tls: bool,
    pub(crate) ca: Option<Vec<u8>>,
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) server_name: Option<String>,
    pub(crate) token: Option<TokenSource>,
    pub(crate) insecure_token: bool,
    pub(crate) agent_key: Option<String>,
    pub(crate) agent: String,
    pub(crate) tenant: String,
    pub(crate) timeout: Duration,
    pub(crate) retry: Option<Retry>,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) max_message_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: false,
            ca: None,
            identity: None,
            server_name: None,
            token: None,
            insecure_token: false,
            agent_key: None,
            agent: String::new(),
            tenant: "default".into(),
            timeout: Duration::from_secs(30),
            retry: Some(Retry::default()),
            metadata: Vec::new(),
            max_message_bytes: 64 * MEGABYTE,
        }
    }
}

impl Options {
    /// Use TLS, trusting the roots of the system.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Use TLS, trusting these roots (PEM) instead of those of the system.
    pub fn ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(pem.into());
        self.tls()
    }

    /// Use TLS, trusting the roots in this PEM file; fails when it cannot be read.
    pub fn ca_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|error| Error::wrong(format!("{} cannot be read: {error}", path.display())))?;
        Ok(self.ca(pem))
    }

    /// Use mutual TLS: the certificate chain of this client and its private key, both PEM.
    pub fn client_certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((certificate.into(), key.into()));
        self.tls()
    }

    /// Use TLS, and check the server's certificate against this name instead of the address.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self.tls()
    }

    /// Send this bearer token with every call. In plain text it is sent to this machine only.
    pub fn token(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.token_from(move || token.clone())
    }

    /// Send a bearer token with every call, a fresh one from `source` for each try.
    pub fn token_from(mut self, source: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.token = Some(Arc::new(source));
        self
    }

    /// Send the token in plain text to another machine all the same.
    pub fn insecure_token(mut self) -> Self {
        self.insecure_token = true;
        self
    }

    /// Sign every call with an agent's key, `key-id:secret`, instead of a token. The secret itself is not sent.
    pub fn agent_key(mut self, key: impl Into<String>, agent: impl Into<String>) -> Self {
        self.agent_key = Some(key.into());
        self.agent = agent.into();
        self
    }

    /// The tenant of the agent that signs; "default" when left out.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Deadline of unary calls over all tries, 30 s when left out; `Request::set_timeout` replaces it for one call. Streams have none
    /// but their own.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// When to repeat a call that found no server; None: never.
    pub fn retry(mut self, retry: impl Into<Option<Retry>>) -> Self {
        self.retry = retry.into();
        self
    }

    /// A header of every call.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }

    /// The largest message to send or take; 64 MiB when left out.
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// Refuses options that contradict each other.
    pub(crate) fn check(&self, hosts: &[&str]) -> Result<(), Error> {
        if self.agent_key.is_some() && self.token.is_some() {
            return Err(Error::wrong("a call has a token or is signed with an agent key: give one of the two"));
        }
        let exposed = self.token.is_some() && !self.tls && !self.insecure_token;
        match hosts.iter().find(|host| exposed && !is_loopback(host)) {
            Some(host) => Err(Error::wrong(format!(
                "the token would travel to {host} in plain text: use TLS, or allow an insecure token when the network is private"
            ))),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Options {
    /// Without secrets.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("Options");
        shown.field("tls", &self.tls).field("agent", &self.agent).field("tenant", &self.tenant).field("timeout", &self.timeout);
        shown.field("retry", &self.retry).field("max_message_bytes", &self.max_message_bytes).finish_non_exhaustive()
    }
}

/// Whether `host:port` is on this machine.
fn is_loopback(address: &str) -> bool {
    let host = match address.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => address.rsplit_once(':').map_or(address, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leaves_this_machine_under_tls_only_unless_allowed() {
        let options = Options::default().token("t");
        assert!(options.check(&["127.0.0.1:1", "localhost:1", "[::1]:1"]).is_ok());
        assert!(options.check(&["127.0.0.1:1", "genesis.example:443"]).is_err());
        assert!(options.clone().tls().check(&["genesis.example:443"]).is_ok());
        assert!(options.insecure_token().check(&["genesis.example:443"]).is_ok());
    }

    #[test]
    fn a_call_cannot_have_a_token_and_a_signature() {
        assert!(Options::default().token("t").agent_key("k:s", "writer").check(&["127.0.0.1:1"]).is_err());
    }

    #[test]
    fn options_that_are_printed_hold_no_secret() {
        let options = Options::default().token("secret-1").agent_key("k:secret-2", "writer").client_certificate("c", "secret-3");
        assert!(!format!("{options:?}").contains("secret"));
    }
}
