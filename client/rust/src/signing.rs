//! Signed calls: how an agent proves with a shared secret that a request is its own, and new.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use ring::{digest, hmac};

use crate::random;

const SCHEME: &str = "Genesis-HMAC-SHA256";

/// The signature of one request in lower-case hexadecimal: HMAC-SHA256 over a text of eight lines.
///
/// The lines are the name of the scheme, everything else that is given here in this order, and the SHA-256 of the body in hexadecimal,
/// with one line feed between them. `time` is in seconds since 1970, `nonce` at least 16 random bytes in URL-safe base64, good for one
/// request, and `body` the request's bytes on the wire, none for a stream of requests. Calls of a client with
/// [`Options::agent_key`](crate::Options::agent_key) are signed by themselves.
#[allow(clippy::too_many_arguments)]
pub fn agent_signature(secret: &str, method: &str, tenant: &str, agent: &str, key: &str, time: u64, nonce: &str, body: &[u8]) -> String {
    let hash = hex(digest::digest(&digest::SHA256, body).as_ref());
    let text = format!("genesis-hmac-sha256\n{method}\n{tenant}\n{agent}\n{key}\n{time}\n{nonce}\n{hash}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Signs the calls of one agent with one key.
#[derive(Clone)]
pub(crate) struct Signer {
    tenant: String,
    agent: String,
    key: String,
    secret: String,
}

impl Signer {
    /// The signer with a key given as `key-id:secret`; else what is wrong with it.
    pub(crate) fn new(agent_key: &str, agent: &str, tenant: &str) -> Result<Self, String> {
        let (key, secret) = agent_key
            .split_once(':')
            .filter(|(key, secret)| !key.is_empty() && !secret.is_empty())
            .ok_or("the agent key is not of the form 'key-id:secret'")?;
        for (name, value) in [("tenant", tenant), ("agent", agent), ("key id", key)] {
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic() && !b",=\"".contains(&byte)) {
                return Err(format!(
                    "the {name} of a signed call is {value:?}: give a word without blanks, commas, quotes and equals signs"
                ));
            }
        }
        Ok(Self { tenant: tenant.into(), agent: agent.into(), key: key.into(), secret: secret.into() })
    }

    /// The `authorization` of a request: a fresh one each time, for the server takes each once.
    pub(crate) fn header(&self, method: &str, body: &[u8]) -> String {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let nonce = random::nonce();
        let Self { tenant, agent, key, secret } = self;
        let signature = agent_signature(secret, method, tenant, agent, key, time, &nonce, body);
        format!("{SCHEME} tenant={tenant},agent={agent},key={key},time={time},nonce={nonce},signature={signature}")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({}, {}, {})", self.tenant, self.agent, self.key)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::*;

    #[test]
    fn signatures_are_those_every_client_makes() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/signing.json");
        let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap().to_owned();
            let body = STANDARD.decode(text("body_base64")).unwrap();
            let time = case["time"].as_u64().unwrap();
            let found = agent_signature(
                &text("secret"),
                &text("method"),
                &text("tenant"),
                &text("agent"),
                &text("key"),
                time,
                &text("nonce"),
                &body,
            );
            assert_eq!(found, text("signature"), "{case}");
        }
    }

    #[test]
    fn a_header_names_the_key_and_never_the_secret() {
        let signer = Signer::new("k1:very-secret", "writer", "default").unwrap();
        let header = signer.header("/genesis.v1.AgentService/Register", b"");
        assert!(header.starts_with("Genesis-HMAC-SHA256 tenant=default,agent=writer,key=k1,time="));
        assert!(!format!("{header}{signer:?}").contains("very-secret"));
        assert_ne!(header, signer.header("/genesis.v1.AgentService/Register", b""));
    }

    #[test]
    fn keys_and_names_that_cannot_be_sent_are_refused() {
        for key in ["", "k1", "k1:", ":secret"] {
            assert!(Signer::new(key, "writer", "default").is_err(), "{key}");
        }
        for agent in ["", "two words", "a,b", "ä"] {
            assert!(Signer::new("k1:secret", agent, "default").is_err(), "{agent}");
        }
    }
}
