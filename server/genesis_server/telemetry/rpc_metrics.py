"""Metrics of calls: go-grpc-prometheus's names, with every child made at the start and bound.

A child that appears with its first failure hides that failure from `rate()`, and looking a child up by its labels costs more than
counting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from genesis_server.telemetry import names
from genesis_server.telemetry.error_rate import ErrorRate

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The conventions' buckets for RPCs, with every threshold of the service levels among them."""

UNKNOWN = "unknown"
"""Service and method of calls to methods that do not exist: their names come from callers and are not labels."""

_LABELS = ("grpc_type", "grpc_service", "grpc_method")


class MethodNames(Protocol):
    """A method by name, as `rpc/methods.py` has it."""

    @property
    def full_name(self) -> str: ...  # noqa: D102
    @property
    def service(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class MethodMetrics:
    """The bound children of one method."""

    started: Counter
    handled: dict[str, Counter]
    """By name of the status code."""
    seconds: Histogram
    received: Counter
    sent: Counter
    duration: Histogram | None
    """For unary methods of Genesis's own services: the latency the service levels speak of."""
    judged: bool
    """Whether the method counts for the error rate: Genesis's own services do."""


class RpcMetrics:
    """Everything counted per call."""

    def __init__(
        self, registry: CollectorRegistry, *, methods: Iterable[MethodNames], codes: Iterable[str], clock: Callable[[], float]
    ) -> None:
        """Make all children of `methods` × status `codes`; `clock` (monotonic, seconds) drives the window of the error rate."""
        self._codes = tuple(codes)
        self._started = Counter(names.GRPC_SERVER_STARTED, "Calls started on the server.", _LABELS, registry=registry)
        self._handled = Counter(
            names.GRPC_SERVER_HANDLED, "Calls completed, whatever the status.", (*_LABELS, "grpc_code"), registry=registry
        )
        self._seconds = Histogram(
            names.GRPC_SERVER_HANDLING_SECONDS, "Time until a call was completed.", _LABELS, registry=registry, buckets=SECONDS_BUCKETS
        )
        self._received = Counter(names.GRPC_SERVER_MSG_RECEIVED, "Messages received.", _LABELS, registry=registry)
        self._sent = Counter(names.GRPC_SERVER_MSG_SENT, "Messages sent.", _LABELS, registry=registry)
        self._duration = Histogram(
            names.REQUEST_DURATION, "Time of unary calls to Genesis.", ("method",), registry=registry, buckets=SECONDS_BUCKETS
        )
        self._calls = Counter(names.CALLS_COUNTED, "Calls that count for the error rate.", registry=registry)
        self._faults = Counter(names.SERVER_FAULTS, "Calls that ended in a fault of the server.", registry=registry)
        self.in_flight = Gauge(names.CALLS_IN_FLIGHT, "Calls being served.", registry=registry)
        self.error_rate = ErrorRate(clock)
        registry.register(self.error_rate)
        self._methods = {method.full_name: self._children(method.kind, method.service, method.name) for method in methods}
        self._unknown = self._children(UNKNOWN, UNKNOWN, UNKNOWN)

    def of(self, method: str) -> MethodMetrics:
        """The children of a method by full name; those of "unknown" for methods nobody serves."""
        return self._methods.get(method, self._unknown)

    def count_outcome(self, *, fault: bool) -> None:
        """A call that counts for the error rate ended, in a fault of the server or not."""
        self._calls.inc()
        if fault:
            self._faults.inc()
        self.error_rate.count(fault=fault)

    def _children(self, kind: str, service: str, name: str) -> MethodMetrics:
        labels = (kind, service, name)
        own = service.startswith(f"{names.SERVICE_NAME}.")
        return MethodMetrics(
            started=self._started.labels(*labels),
            handled={code: self._handled.labels(*labels, code) for code in self._codes},
            seconds=self._seconds.labels(*labels),
            received=self._received.labels(*labels),
            sent=self._sent.labels(*labels),
            duration=self._duration.labels(f"{service.rsplit('.', 1)[-1]}/{name}") if own and kind == "unary" else None,
            judged=own,
        )
