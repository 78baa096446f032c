"""How the server treats connections."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.rpc.deserialisation import MEBIBYTE


@dataclass(frozen=True, slots=True)
class ChannelOptions:
    """C-core's channel arguments, with defaults for services between data centres; the meaning is in gRPC's `channel_arg_names.h`."""

    keepalive_seconds: float = 60.0
    """A quiet connection is pinged after this time, so that a dead peer is noticed (default of gRPC: two hours)."""
    keepalive_timeout_seconds: float = 20.0
    """A connection that does not answer a ping for this time is closed."""
    min_client_ping_seconds: float = 30.0
    """Clients that ping more often are cut off with ENHANCE_YOUR_CALM (default of gRPC: five minutes)."""
    max_connection_age_seconds: float = 1800.0
    """Connections are renewed after this time (with jitter), so that clients spread over new servers."""
    max_connection_age_grace_seconds: float = 60.0
    """Calls on an old connection may finish within this time."""
    max_connection_idle_seconds: float = 900.0
    """Connections without calls are closed after this time."""
    max_concurrent_streams: int = 1000
    """Calls at once on one connection."""
    max_pending_calls: int = 10_000
    """Calls that wait to be accepted; above it C-core drops at random with a bare CANCELLED."""
    handshake_seconds: float = 10.0
    """A connection that has not finished its handshake by then is closed."""
    max_send_bytes: int = 64 * MEBIBYTE
    """The largest answer."""

    def arguments(self, *, max_receive_bytes: int, reuse_port: bool) -> list[tuple[str, int]]:
        """The arguments for `grpc.aio.server`."""
        return [
            ("grpc.keepalive_time_ms", _milliseconds(self.keepalive_seconds)),
            ("grpc.keepalive_timeout_ms", _milliseconds(self.keepalive_timeout_seconds)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", _milliseconds(self.min_client_ping_seconds)),
            ("grpc.max_connection_age_ms", _milliseconds(self.max_connection_age_seconds)),
            ("grpc.max_connection_age_grace_ms", _milliseconds(self.max_connection_age_grace_seconds)),
            ("grpc.max_connection_idle_ms", _milliseconds(self.max_connection_idle_seconds)),
            ("grpc.max_concurrent_streams", self.max_concurrent_streams),
            ("grpc.server.max_pending_requests", self.max_pending_calls),
            ("grpc.server.max_pending_requests_hard_limit", self.max_pending_calls),
            ("grpc.server_handshake_timeout_ms", _milliseconds(self.handshake_seconds)),
            ("grpc.max_receive_message_length", max_receive_bytes),
            ("grpc.max_send_message_length", self.max_send_bytes),
            ("grpc.so_reuseport", int(reuse_port)),
        ]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
