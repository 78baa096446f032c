"""Metrics of feature flags, and their events on spans."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from genesis_server.telemetry import names
from genesis_server.telemetry.context import current_call
from genesis_server.telemetry.labels import OTHER

MAX_SERIES = 2_000
"""Combinations of flag, variant and reason with a series of their own; what is beyond counts under "other"."""
PROPAGATION_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Word(Protocol):
    """A member of an enumeration."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


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
    def reason(self) -> Word:
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


class FlagMetrics:
    """What is counted of flags."""

    def __init__(self, registry: CollectorRegistry, *, clock: Callable[[], float]) -> None:
        """Make the families; `clock` gives monotonic seconds."""
        self._clock = clock
        self._since = clock()
        self._evaluations = Counter(
            names.FLAG_EVALUATIONS,
            "Flags evaluated: those that Flag was asked for, and those that steer calls, once a call.",
            ("flag", "variant", "reason"),
            registry=registry,
        )
        self._other = self._evaluations.labels(OTHER, OTHER, OTHER)
        self._series: dict[tuple[str, str, str], Counter] = {}
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
        for key, variants in flags:
            for variant in variants:
                self._child(key, variant, "STATIC")

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
        self._child(evaluation.key, evaluation.variant, evaluation.reason.name).inc()
        call = current_call()
        if call is not None and call.sampled:
            _add_event(evaluation, targeting_key)

    def _child(self, key: str, variant: str, reason: str) -> Counter:
        labels = (key, variant, reason)
        child = self._series.get(labels)
        if child is None:
            if len(self._series) >= MAX_SERIES:
                return self._other
            child = self._series[labels] = self._evaluations.labels(*labels)
        return child


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
