"""What is counted of flags."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from genesis_server.flags.snapshot import FlagSnapshot
from genesis_server.telemetry.flag_metrics import MAX_SERIES, FlagMetrics


class Hand:
    """A clock that is moved by hand."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_the_series_of_known_flags_are_there_from_the_start() -> None:
    registry = CollectorRegistry()
    FlagMetrics(registry, clock=Hand()).know([("otel_enabled", ["on", "off"])])
    for variant in ("on", "off"):
        assert value(registry, "genesis_flag_evaluations_total", flag="otel_enabled", variant=variant, reason="STATIC") == 0


def test_evaluations_are_counted_by_flag_variant_and_reason() -> None:
    registry = CollectorRegistry()
    metrics = FlagMetrics(registry, clock=Hand())
    metrics.evaluated(FlagSnapshot().evaluate("otel_enabled"))
    metrics.evaluated(FlagSnapshot().evaluate("otel_enabled"), "somebody")
    assert value(registry, "genesis_flag_evaluations_total", flag="otel_enabled", variant="on", reason="STATIC") == 2


def test_flags_of_users_cannot_fill_the_memory() -> None:
    registry = CollectorRegistry()
    metrics = FlagMetrics(registry, clock=Hand())
    metrics.know((f"flag-{number}", ["on"]) for number in range(MAX_SERIES + 5))
    metrics.evaluated(FlagSnapshot().evaluate("otel_enabled"))
    assert value(registry, "genesis_flag_evaluations_total", flag="other", variant="other", reason="other") == 1
    assert value(registry, "genesis_flag_evaluations_total", flag="otel_enabled", variant="on", reason="STATIC") is None


def test_the_age_begins_anew_with_each_change_and_the_version_is_told() -> None:
    hand, registry = Hand(), CollectorRegistry()
    metrics = FlagMetrics(registry, clock=hand)
    hand.now += 7
    assert value(registry, "genesis_flag_definition_age_seconds") == 7
    metrics.changed(12)
    assert value(registry, "genesis_flag_definition_age_seconds") == 0
    assert value(registry, "genesis_flag_definition_version") == 12


def test_propagation_and_emergency_flags_are_told() -> None:
    registry = CollectorRegistry()
    metrics = FlagMetrics(registry, clock=Hand())
    metrics.propagated(0.02)
    metrics.emergency("read_only_mode", on=True)
    assert value(registry, "genesis_flag_propagation_seconds_count") == 1
    assert value(registry, "genesis_flag_propagation_seconds_sum") == 0.02
    assert value(registry, "genesis_emergency_flag", flag="read_only_mode") == 1
