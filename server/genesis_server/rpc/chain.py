"""The layers around a call by name, outermost first; each may count on those before it.

Correlation gives the call its ids; metrics sees every refusal inside it; errors turns everything raised inside it into a status; tracing
records spans; limits refuses floods before signatures are checked; security notes the refusals inside it that should not have happened;
authentication says who calls; authorization whether they may; flags what is on for them, and whether an emergency forbids the call;
constraints whether the request is sound; idempotency answers repeated requests from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.rpc.interceptors.constraints import ConstraintsInterceptor
from genesis_server.rpc.interceptors.correlation import CorrelationInterceptor
from genesis_server.rpc.interceptors.errors import ErrorsInterceptor
from genesis_server.rpc.interceptors.flags import FlagsInterceptor
from genesis_server.rpc.interceptors.idempotency import IdempotencyInterceptor
from genesis_server.rpc.interceptors.layer import Layer
from genesis_server.rpc.interceptors.limits import LimitsInterceptor
from genesis_server.rpc.interceptors.metrics import MetricsInterceptor
from genesis_server.rpc.interceptors.security import SecurityInterceptor
from genesis_server.rpc.interceptors.tracing import TracingInterceptor

ORDER = (
    "correlation",
    "metrics",
    "errors",
    "tracing",
    "limits",
    "security",
    "authentication",
    "authorization",
    "flags",
    "constraints",
    "idempotency",
)

AROUND_UNKNOWN = frozenset({"correlation", "metrics", "errors"})
"""Layers that a call to a method that does not exist meets: it is counted, logged and answered."""
AROUND_PROBES = frozenset({"correlation", "metrics", "errors", "constraints"})
"""Layers on a port that only tells health: it is open to everybody."""

Chain = list[tuple[str, Layer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """One for each name."""

    correlation: CorrelationInterceptor
    metrics: MetricsInterceptor
    errors: ErrorsInterceptor
    tracing: TracingInterceptor
    limits: LimitsInterceptor
    security: SecurityInterceptor
    authentication: Layer
    authorization: Layer
    flags: FlagsInterceptor
    constraints: ConstraintsInterceptor
    idempotency: IdempotencyInterceptor

    def chain(self) -> Chain:
        """The layers in the order of the house."""
        return [(name, getattr(self, name)) for name in ORDER]
