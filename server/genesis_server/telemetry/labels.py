"""Label values that are known beforehand: a child for each, at 0 from the start."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

OTHER = "other"
"""What is beyond the values a label may have."""


def counters(registry: CollectorRegistry, name: str, text: str, label: str, values: Iterable[str]) -> dict[str, Counter]:
    """A counter's children by the value of its only label."""
    counter = Counter(name, text, (label,), registry=registry)
    return {value: counter.labels(value) for value in values}
