//! Connecting, and the stubs over the connection.

use std::time::Duration;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::admin::flag_admin_service_client::FlagAdminServiceClient;
use crate::admin::policy_service_client::PolicyServiceClient;
use crate::error::Error;
use crate::health::HealthCheckRequest;
use crate::health::health_check_response::ServingStatus;
use crate::health::health_client::HealthClient;
use crate::options::Options;
use crate::transport::Transport;
use crate::v1::agent_service_client::AgentServiceClient;
use crate::v1::orchestrator_service_client::OrchestratorServiceClient;

const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const USER_AGENT: &str = concat!("genesis-rust/", env!("CARGO_PKG_VERSION"));

/// A client of one server, or of several that do the same. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    max_message_bytes: usize,
}

/// A client of the server at `target`: `host:port`, or several of them with commas between, which get the calls in turn.
///
/// Connections are made with the first call and again when they break, so that no server need be there yet. It has to be called inside
/// a Tokio runtime. It fails when the target or the options are wrong.
pub fn connect(target: &str, options: Options) -> Result<Client, Error> {
    let target = target.strip_prefix("dns:///").unwrap_or(target);
    let hosts: Vec<&str> = target.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
    if hosts.is_empty() {
        return Err(Error::wrong("the address is empty: name a server, for example 127.0.0.1:50051"));
    }
    options.check(&hosts)?;
    let servers: Vec<Channel> = hosts.iter().map(|host| channel(host, &options)).collect::<Result<_, _>>()?;
    let max_message_bytes = options.max_message_bytes;
    Ok(Client { transport: Transport::new(servers, options)?, max_message_bytes })
}

fn channel(host: &str, options: &Options) -> Result<Channel, Error> {
    let scheme = if options.tls { "https" } else { "http" };
    let wrong = |error: tonic::transport::Error| Error::wrong(format!("cannot connect to {host:?} like this: {error}"));
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{host}"))
        .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
        .map_err(wrong)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT);
    if options.tls {
        let mut tls = match &options.ca {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let Some((certificate, key)) = &options.identity {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        if let Some(name) = &options.server_name {
            tls = tls.domain_name(name);
        }
        endpoint = endpoint.tls_config(tls).map_err(wrong)?;
    }
    Ok(endpoint.connect_lazy())
}

macro_rules! stub {
    ($(#[$text:meta])* $name:ident: $kind:ident) => {
        $(#[$text])*
        pub fn $name(&self) -> $kind<Transport> {
            $kind::new(self.transport.clone())
                .max_decoding_message_size(self.max_message_bytes)
                .max_encoding_message_size(self.max_message_bytes)
        }
    };
}

impl Client {
    stub! {
        /// Goals, plans, routes, verdicts, flags and reports.
        orchestrator: OrchestratorServiceClient
    }

    stub! {
        /// Agents and their workers.
        agents: AgentServiceClient
    }

    stub! {
        /// The rulebook, breakers and security events, for administrators.
        policy: PolicyServiceClient
    }

    stub! {
        /// Flags, for administrators.
        flags: FlagAdminServiceClient
    }

    stub! {
        /// The standard health service; [`Client::health`] asks it for a status.
        health_service: HealthClient
    }

    /// What the standard health service says of a service: "" for the whole server, "liveness", "readiness", or a service of the
    /// contract by its full name. A service the server does not know is an error `NotFound`.
    pub async fn health(&self, service: &str) -> Result<ServingStatus, Error> {
        let answer = self.health_service().check(HealthCheckRequest { service: service.into() }).await?;
        Ok(answer.into_inner().status())
    }
}
