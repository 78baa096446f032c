"""How to reach a server: channel options, service config, credentials. Shared by the sync and the async client."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from genesis._methods import Method
from genesis._signing import Signer
from genesis._tries import Tries
from genesis.options import CallOptions, PemLike, TokenLike
from genesis.retry import Retry

SERVICES = (
    "genesis.v1.OrchestratorService",
    "genesis.v1.AgentService",
    "genesis.admin.v1.PolicyService",
    "genesis.admin.v1.FlagAdminService",
)
# gRPC's own second is longer than a server takes to start again, and the waits between tries would pass unused.
_FIRST_RECONNECT_MS = 200
# gRPC's own two minutes are longer than a lease: a worker would lose its tasks to a server that is back.
_LONGEST_RECONNECT_MS = 5_000
_KEEPALIVE_MS = 60_000
_KEEPALIVE_TIMEOUT_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a server is and how to talk to it (`genesis.options.ConnectOptions`); refuses half-specified settings when made."""

    address: str
    token: TokenLike | None = field(default=None, repr=False)
    insecure_token: bool = False
    agent_key: str | None = field(default=None, repr=False)
    agent: str = ""
    tenant: str = "default"
    tls: bool | None = None
    root_certificates: PemLike | None = None
    client_certificate: PemLike | None = None
    client_key: PemLike | None = field(default=None, repr=False)
    server_name: str | None = None
    timeout: float | None = None
    metadata: Sequence[tuple[str, str]] = field(default=(), repr=False)
    retry: Retry | None = field(default_factory=Retry)
    health_checking: bool = True
    max_message_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if not self.address.strip():
            raise ValueError("the address is empty: name a server, for example 127.0.0.1:50051")
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("a client certificate needs its key: give both or neither")
        if self.tls is False and (self.root_certificates or self.client_certificate or self.server_name):
            raise ValueError("certificates and server_name need TLS: leave tls out, or set it to True")
        if (self.agent_key is None) != (not self.agent):
            raise ValueError("agent_key needs the agent it belongs to: give both or neither")
        if self.agent_key is not None and self.token is not None:
            raise ValueError("a call has a token or is signed with an agent_key: give one of the two")
        self.signer()
        if self.token is not None and not self.secure and not self.insecure_token and not is_loopback(self.address):
            raise ValueError(
                f"the token would travel to {self.address} in plain text: use TLS, or allow an insecure token when the network is private"
            )

    @property
    def secure(self) -> bool:
        """Whether TLS is used."""
        return self.tls or bool(self.root_certificates or self.client_certificate or self.server_name)

    def signer(self) -> Signer | None:
        """What signs the calls; None when they are not signed."""
        return None if self.agent_key is None else Signer.of(self.agent_key, agent=self.agent, tenant=self.tenant)

    def credentials(self) -> grpc.ChannelCredentials | None:
        """The channel's credentials, with the token in them; None for plain text."""
        if not self.secure:
            return None
        channel = grpc.ssl_channel_credentials(_pem(self.root_certificates), _pem(self.client_key), _pem(self.client_certificate))
        if self.token is None:
            return channel
        return grpc.composite_channel_credentials(channel, grpc.metadata_call_credentials(_TokenPlugin(self.token)))

    def options(self) -> list[tuple[str, Any]]:
        """The channel's options."""
        # A signed call is good once: gRPC would send the same signature again, so the client signs and repeats by itself.
        retry = self.retry if self.agent_key is None else None
        options: list[tuple[str, Any]] = [
            ("grpc.service_config", service_config(retry, health_checking=self.health_checking)),
            ("grpc.enable_retries", int(retry is not None)),
            ("grpc.initial_reconnect_backoff_ms", _FIRST_RECONNECT_MS),
            ("grpc.max_reconnect_backoff_ms", _LONGEST_RECONNECT_MS),
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
            ("grpc.max_receive_message_length", self.max_message_bytes),
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.primary_user_agent", "genesis-client"),
        ]
        if is_loopback(self.address):
            # A proxy named in the environment cannot reach this machine's loopback.
            options.append(("grpc.enable_http_proxy", 0))
        if self.server_name:
            options.append(("grpc.ssl_target_name_override", self.server_name))
        return options

    def call_timeout(self, method: Method[Any, Any], call: CallOptions) -> float:
        """The deadline of a call in seconds."""
        asked = call.get("timeout", self.timeout)
        return method.timeout if asked is None else asked

    def tries(self, method: Method[Any, Any], call: CallOptions) -> Tries:
        """The tries of a call that gRPC does not repeat by itself."""
        return Tries(self.retry if self.agent_key is not None else None, self.call_timeout(method, call))

    def call_metadata(self, method: Method[Any, Any], body: bytes, call: CallOptions) -> tuple[tuple[str, str], ...]:
        """The headers of one try of a call; the token is among them only where the channel does not carry it."""
        given = (*self.metadata, *call.get("metadata", ()))
        if (signer := self.signer()) is not None:
            return (*given, ("authorization", signer.header(method.path, body)))
        if self.token is None or self.secure:
            return given
        return (*given, ("authorization", f"Bearer {_current(self.token)}"))


class _TokenPlugin(grpc.AuthMetadataPlugin):
    def __init__(self, token: TokenLike) -> None:
        self._token = token

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:  # noqa: ARG002 (gRPC's)
        # The published type names a metadata class that does not exist; gRPC takes pairs.
        headers: Any = (("authorization", f"Bearer {_current(self._token)}"),)
        callback(headers, None)


def service_config(retry: Retry | None, *, health_checking: bool) -> str:
    """The gRPC service config in JSON: load balancing, health checking, retries.

    Retries are safe because every mutating request carries a request id. See https://github.com/grpc/grpc/blob/master/doc/service_config.md
    """
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if health_checking:
        config["healthCheckConfig"] = {"serviceName": ""}
    if retry is not None:
        config["methodConfig"] = [{"name": [{"service": name} for name in SERVICES]} | retry.policy()]
        config["retryThrottling"] = {"maxTokens": 10, "tokenRatio": 0.1}
    return json.dumps(config)


def is_loopback(address: str) -> bool:
    """Whether a gRPC target is on this machine: `localhost`, a loopback address or a Unix socket."""
    scheme, found, rest = address.partition(":///")
    if not found:
        scheme, found, rest = address.partition(":")
        if scheme not in {"dns", "ipv4", "ipv6", "unix", "unix-abstract"}:
            scheme, rest = "dns", address
    if scheme in {"unix", "unix-abstract"}:
        return True
    return all(_is_loopback_host(_host(part.strip().lstrip("/"))) for part in rest.split(","))


def _host(endpoint: str) -> str:
    if endpoint.startswith("["):
        return endpoint[1:].partition("]")[0]
    return endpoint.partition(":")[0] if endpoint.count(":") == 1 else endpoint


def _is_loopback_host(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _current(token: TokenLike) -> str:
    return token if isinstance(token, str) else token()


def _pem(value: PemLike | None) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else Path(value).read_bytes()
