"""Metrics of feature flags, and their events on spans."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from genesis_server.model.flags import FlagReason
from genesis_server.telemetry import names
from genesis_server.telemetry.context import current_call
from genesis_server.telemetry.created_series import tells_creation
from genesis_server.telemetry.labels import OTHER

MAX_SERIES = 2_000
"""Combinations of flag, variant and reason with a series of their own; what is beyond counts under "other"."""
PROPAGATION_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Evaluated(Protocol):
    """An evaluation, as far as it is counted."""

    @property
    def key(self) -> str:
        """The flag."""
        ...

    @property
    def variant(self) -> str:
        """Name of the variant; empty for none."""
        ...

    @property
    def reason(self) -> FlagReason:
        """Why."""
        ...

    @property
    def version(self) -> int:
        """Version of the written definition."""
        ...

    @property
    def error(self) -> str:
        """What went wrong."""
        ...


@dataclass(slots=True)
class _Series:
    """How often a flag was evaluated with one result."""

    created: float
    """Seconds since the epoch."""
    count: int = 0


class FlagMetrics:
    """What is counted of flags; a Prometheus collector. Any thread may count."""

    def __init__(self, registry: CollectorRegistry, *, clock: Callable[[], float]) -> None:
        """Make the families; `clock` gives monotonic seconds."""
        self._clock = clock
        self._since = clock()
        self._lock = threading.Lock()
        self._series: dict[tuple[str, str, FlagReason], _Series] = {}
        self._other = _Series(time.time())
        registry.register(self)
        self._version = Gauge(
            names.FLAG_VERSION, "Sum of the versions of all written definitions in use: it grows with every write.", registry=registry
        )
        age = Gauge(names.FLAG_AGE, "Time since the definitions in use changed in this process.", registry=registry)
        age.set_function(lambda: self._clock() - self._since)
        self._propagation = Histogram(
            names.FLAG_PROPAGATION, "Time from the write of a definition to its use.", registry=registry, buckets=PROPAGATION_BUCKETS
        )
        self._emergency = Gauge(names.EMERGENCY_FLAG, "1 while an emergency flag is on.", ("flag",), registry=registry)

    def know(self, flags: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Flags with their variants, so that their series exist before they are asked for."""
        with self._lock:
            for key, variants in flags:
                for variant in variants:
                    self._counted((key, variant, FlagReason.STATIC))

    def changed(self, version: int) -> None:
        """Other definitions are in use."""
        self._since = self._clock()
        self._version.set(version)

    def propagated(self, seconds: float) -> None:
        """A definition that was written so long ago came into use."""
        self._propagation.observe(seconds)

    def emergency(self, key: str, *, on: bool) -> None:
        """How an emergency flag is."""
        self._emergency.labels(key).set(on)

    def evaluated(self, evaluation: Evaluated, targeting_key: str = "") -> None:
        """A flag was evaluated, for `targeting_key`; told on the call's span where there is one."""
        # In plain numbers, because it is done with every call; a counter of prometheus-client takes several times as long.
        labels = (evaluation.key, evaluation.variant, evaluation.reason)
        with self._lock:
            series = self._series.get(labels) or self._counted(labels)
            series.count += 1
        call = current_call()
        if call is not None and call.sampled:
            _add_event(evaluation, targeting_key)

    def collect(self) -> Iterator[Metric]:
        """How often each flag was evaluated, for the registry."""
        text = "Flags evaluated: those that Flag was asked for, and those that steer calls, once a call."
        family = CounterMetricFamily(names.FLAG_EVALUATIONS, text, labels=("flag", "variant", "reason"))
        dated = tells_creation()
        with self._lock:
            known = [((key, variant, reason.name), series) for (key, variant, reason), series in self._series.items()]
        for labels, series in [((OTHER, OTHER, OTHER), self._other), *known]:
            family.add_metric(labels, series.count, created=series.created if dated else None)
        yield family

    def _counted(self, labels: tuple[str, str, FlagReason]) -> _Series:
        """The series of these labels, made when there is still room for it; the lock is held."""
        if labels not in self._series and len(self._series) >= MAX_SERIES:
            return self._other
        return self._series.setdefault(labels, _Series(time.time()))


def _add_event(evaluation: Evaluated, targeting_key: str) -> None:
    found = {
        names.ATTR_FLAG_KEY: evaluation.key,
        names.ATTR_FLAG_REASON: evaluation.reason.name.lower(),
        names.ATTR_FLAG_PROVIDER: names.SERVICE_NAME,
        names.ATTR_FLAG_VARIANT: evaluation.variant,
        names.ATTR_FLAG_VERSION: str(evaluation.version) if evaluation.version else "",
        names.ATTR_FLAG_CONTEXT_ID: targeting_key,
        names.ATTR_ERROR_MESSAGE: evaluation.error,
    }
    attributes = {name: value for name, value in found.items() if value}
    trace.get_current_span().add_event(names.EVENT_FLAG_EVALUATION, attributes)
