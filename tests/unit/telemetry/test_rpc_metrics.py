"""Calls are counted in plain numbers, and told as prometheus-client's own counters and histograms would tell them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    enable_created_metrics,
    exposition,
)
from prometheus_client.openmetrics import exposition as openmetrics

from genesis_server.telemetry.method_tally import MethodTally
from genesis_server.telemetry.rpc_metrics import SECONDS_BUCKETS, RpcMetrics

CODES = ("OK", "INTERNAL")
LABELS = ("grpc_type", "grpc_service", "grpc_method")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass(frozen=True)
class Method:
    """A method by name."""

    full_name: str
    service: str
    name: str
    kind: str


PLAN = Method("/genesis.v1.S/Plan", "genesis.v1.S", "Plan", "unary")
WATCH = Method("/genesis.v1.S/Watch", "genesis.v1.S", "Watch", "server_stream")
CHECK = Method("/grpc.health.v1.Health/Check", "grpc.health.v1.Health", "Check", "unary")
METHODS = (PLAN, WATCH, CHECK)
UNKNOWN = ("unknown", "unknown", "unknown")


def reference(calls: list[tuple[int, str, float, bool]]) -> CollectorRegistry:
    """The same families by prometheus-client."""
    registry = CollectorRegistry()
    started = Counter("grpc_server_started", "Calls started on the server.", LABELS, registry=registry)
    handled = Counter("grpc_server_handled", "Calls completed, whatever the status.", (*LABELS, "grpc_code"), registry=registry)
    took = Histogram("grpc_server_handling_seconds", "Time until a call was completed.", LABELS, registry=registry, buckets=SECONDS_BUCKETS)
    received = Counter("grpc_server_msg_received", "Messages received.", LABELS, registry=registry)
    sent = Counter("grpc_server_msg_sent", "Messages sent.", LABELS, registry=registry)
    duration = Histogram(
        "genesis_request_duration_seconds", "Time of unary calls to Genesis.", ("method",), registry=registry, buckets=SECONDS_BUCKETS
    )
    Counter("genesis_calls", "Calls that count for the error rate.", registry=registry).inc(len(calls))
    faults = Counter("genesis_server_faults", "Calls that ended in a fault of the server.", registry=registry)
    Gauge("genesis_calls_in_flight", "Calls being served.", registry=registry)
    for labels in (*((method.kind, method.service, method.name) for method in METHODS), UNKNOWN):
        for family in (started, received, sent, took):
            family.labels(*labels)
        for code in CODES:
            handled.labels(*labels, code)
    duration.labels("S/Plan")
    for number, code, seconds, traced in calls:
        labels = (METHODS[number].kind, METHODS[number].service, METHODS[number].name) if number < len(METHODS) else UNKNOWN
        started.labels(*labels).inc()
        received.labels(*labels).inc()
        sent.labels(*labels).inc()
        handled.labels(*labels, code).inc()
        exemplar = {"trace_id": TRACE} if traced else None
        took.labels(*labels).observe(seconds, exemplar)
        if number == 0:
            duration.labels("S/Plan").observe(seconds, exemplar)
        if code != "OK":
            faults.inc()
    return registry


def text(registry: CollectorRegistry, encode: Callable[[CollectorRegistry], bytes]) -> list[str]:
    """What is told, without times of day."""
    told = encode(registry).decode()
    told = re.sub(r"(_created\S*(?:\{.*\})?) \S+", r"\1 then", told)
    return [re.sub(r"(# \{trace_id=\S+ \S+) \S+", r"\1 then", line) for line in told.splitlines() if "genesis_error_rate" not in line]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(CODES), st.floats(0, 20) | st.sampled_from(SECONDS_BUCKETS), st.booleans())))
def test_what_is_told_is_what_prometheus_client_would_tell(calls: list[tuple[int, str, float, bool]]) -> None:
    registry = CollectorRegistry()
    metrics = RpcMetrics(registry, methods=METHODS, codes=CODES, clock=lambda: 0.0)
    for number, code, seconds, traced in calls:
        tally = metrics.of(METHODS[number].full_name if number < len(METHODS) else "/nobody/knows")
        tally.started += 1
        tally.received += 1
        tally.sent += 1
        tally.ended(code, seconds, TRACE if traced else "")
        metrics.count_outcome(fault=code != "OK")
    expected = reference(calls)
    for encode in (exposition.generate_latest, openmetrics.generate_latest):
        assert text(registry, encode) == text(expected, encode)


def test_when_series_were_created_is_told_where_prometheus_client_tells_it() -> None:
    registry = CollectorRegistry()
    RpcMetrics(registry, methods=METHODS, codes=CODES, clock=lambda: 0.0)
    expected = reference([])
    disable_created_metrics()
    try:
        for encode in (exposition.generate_latest, openmetrics.generate_latest):
            told = text(registry, encode)
            assert told == text(expected, encode)
            assert not any("_created" in line for line in told)
    finally:
        enable_created_metrics()


def test_only_genesis_own_methods_count_for_the_error_rate() -> None:
    metrics = RpcMetrics(CollectorRegistry(), methods=METHODS, codes=CODES, clock=lambda: 0.0)
    assert [metrics.judges(method.full_name) for method in METHODS] == [True, True, False]
    assert not metrics.judges("/nobody/knows")


def test_calls_that_run_are_those_that_began_and_did_not_end() -> None:
    tally = MethodTally(CODES, SECONDS_BUCKETS)
    tally.started += 2
    tally.ended("INTERNAL", 0.1)
    assert tally.in_flight == 1
    with pytest.raises(KeyError):
        tally.ended("NOBODY_KNOWS", 0.1)
