"""Metrics of calls: go-grpc-prometheus's names, with every series there from the start.

A series that appears with its first failure hides that failure from `rate()`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from genesis_server.telemetry import names
from genesis_server.telemetry.created_series import tells_creation
from genesis_server.telemetry.error_rate import ErrorRate
from genesis_server.telemetry.method_tally import MethodTally

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


class RpcMetrics:
    """Everything counted per call; a Prometheus collector."""

    def __init__(
        self, registry: CollectorRegistry, *, methods: Iterable[MethodNames], codes: Iterable[str], clock: Callable[[], float]
    ) -> None:
        """Begin at 0 for all `methods` × status `codes`; `clock` (monotonic, seconds) drives the window of the error rate."""
        self._created = time.time()
        codes = tuple(codes)
        methods = tuple(methods)
        self._unknown = MethodTally(codes, SECONDS_BUCKETS)
        self._tallies = {method.full_name: MethodTally(codes, SECONDS_BUCKETS) for method in methods}
        self._labelled = [((method.kind, method.service, method.name), self._tallies[method.full_name]) for method in methods]
        self._labelled.append(((UNKNOWN, UNKNOWN, UNKNOWN), self._unknown))
        self._durations = [
            (f"{method.service.rsplit('.', 1)[-1]}/{method.name}", self._tallies[method.full_name])
            for method in methods
            if method.kind == "unary" and _is_own(method.service)
        ]
        """Unary methods of Genesis's own services by label: the latency the service levels speak of."""
        self._judged = {method.full_name for method in methods if _is_own(method.service)}
        self._calls = 0
        self._faults = 0
        self._error_rate = ErrorRate(clock)
        registry.register(self)
        registry.register(self._error_rate)

    def of(self, method: str) -> MethodTally:
        """The numbers of a method by full name; those of "unknown" for methods nobody serves."""
        return self._tallies.get(method, self._unknown)

    def judges(self, method: str) -> bool:
        """Whether a method counts for the error rate: Genesis's own services do."""
        return method in self._judged

    def count_outcome(self, *, fault: bool) -> None:
        """A call that counts for the error rate ended, in a fault of the server or not."""
        self._calls += 1
        self._faults += fault
        self._error_rate.count(fault=fault)

    def collect(self) -> Iterator[Metric]:
        """The families, for the registry."""
        created = self._created if tells_creation() else None
        yield self._per_method(names.GRPC_SERVER_STARTED, "Calls started on the server.", lambda tally: tally.started, created)
        handled = CounterMetricFamily(names.GRPC_SERVER_HANDLED, "Calls completed, whatever the status.", labels=(*_LABELS, "grpc_code"))
        for labels, tally in self._labelled:
            for code, count in tally.handled.items():
                handled.add_metric((*labels, code), count, created=created)
        yield handled
        yield self._histogram(names.GRPC_SERVER_HANDLING_SECONDS, "Time until a call was completed.", _LABELS, self._labelled, created)
        yield self._per_method(names.GRPC_SERVER_MSG_RECEIVED, "Messages received.", lambda tally: tally.received, created)
        yield self._per_method(names.GRPC_SERVER_MSG_SENT, "Messages sent.", lambda tally: tally.sent, created)
        durations = [((label,), tally) for label, tally in self._durations]
        yield self._histogram(names.REQUEST_DURATION, "Time of unary calls to Genesis.", ("method",), durations, created)
        told = "Calls that count for the error rate."
        yield CounterMetricFamily(names.CALLS_COUNTED, told, value=self._calls, created=created)
        told = "Calls that ended in a fault of the server."
        yield CounterMetricFamily(names.SERVER_FAULTS, told, value=self._faults, created=created)
        in_flight = sum(tally.in_flight for _, tally in self._labelled)
        yield GaugeMetricFamily(names.CALLS_IN_FLIGHT, "Calls being served.", value=in_flight)

    def _per_method(self, name: str, text: str, number: Callable[[MethodTally], int], created: float | None) -> CounterMetricFamily:
        family = CounterMetricFamily(name, text, labels=_LABELS)
        for labels, tally in self._labelled:
            family.add_metric(labels, number(tally), created=created)
        return family

    def _histogram(
        self,
        name: str,
        text: str,
        label_names: tuple[str, ...],
        tallies: Iterable[tuple[tuple[str, ...], MethodTally]],
        created: float | None,
    ) -> HistogramMetricFamily:
        family = HistogramMetricFamily(name, text, labels=label_names)
        for labels, tally in tallies:
            family.add_metric(labels, tally.buckets(), tally.seconds)
            if created is not None:
                family.samples.append(Sample(f"{name}_created", dict(zip(label_names, labels, strict=True)), created))
        return family


def _is_own(service: str) -> bool:
    return service.startswith(f"{names.SERVICE_NAME}.")
