"""Metrics exist from the start at 0, and are fed by what really happens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task
from genesis_server.model.provenance import DegradationLevel, TripwireHit
from genesis_server.model.routing import Assignment, BudgetSummary, Routing, Target, TargetKind, TaskRoute, Unassigned, UnassignedReason
from genesis_server.model.span import Span
from genesis_server.model.validation import QualityTerms, Verdict
from genesis_server.resilience.breakers import Breaker
from genesis_server.telemetry.error_rate import ErrorRate
from genesis_server.telemetry.metrics import MAX_AGENT_LABELS, Metrics
from genesis_server.telemetry.storage_timing import timed_store


@dataclass
class Method:
    full_name: str = "/genesis.v1.S/M"
    service: str = "genesis.v1.S"
    name: str = "M"
    kind: str = "unary"


def make(**options: object) -> Metrics:
    return Metrics(methods=[Method()], codes=["OK", "INTERNAL"], clock=lambda: 0.0, version="1.2.3", **options)  # type: ignore[arg-type]


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_everything_known_is_there_at_zero() -> None:
    metrics = make(security_families=["role_forgery"])
    labels = {"grpc_type": "unary", "grpc_service": "genesis.v1.S", "grpc_method": "M"}
    assert sample(metrics, "grpc_server_handled_total", grpc_code="INTERNAL", **labels) == 0
    assert sample(metrics, "grpc_server_handling_seconds_count", **labels) == 0
    assert sample(metrics, "genesis_request_duration_seconds_count", method="S/M") == 0
    assert sample(metrics, "genesis_errors_total", category="llm") == 0
    assert sample(metrics, "genesis_phase_duration_seconds_count", phase="route") == 0
    assert sample(metrics, "genesis_plans_total", level="MINIMAL") == 0
    assert sample(metrics, "genesis_validation_verdicts_total", principle="ROUTING", verdict="fail") == 0
    assert sample(metrics, "genesis_security_events_total", kind="role_forgery", action="blocked") == 0
    assert sample(metrics, "genesis_storage_operation_duration_seconds_count", operation="put") == 0
    assert sample(metrics, "genesis_spans_exported_total", result="refused") == 0
    assert sample(metrics, "genesis_error_rate") is None
    assert metrics.registry.get_sample_value("process_resident_memory_bytes") or True
    assert b'genesis_build_info{python_version="' in metrics.expose("")[0]


def assignment(agent: str) -> Assignment:
    return Assignment(Target(TargetKind.AGENT, agent), 1.0, 1.0, Money(), 1.0, "")


def test_the_work_is_counted() -> None:
    metrics = make()
    metrics.know_agents(["qa"])
    plan = Plan("g", tuple(Task(id=str(n), goal="t") for n in range(3)))
    metrics.planned(plan, DegradationLevel.HEURISTIC)
    unassigned = Unassigned(UnassignedReason.NO_CAPABILITY, "nobody")
    routes = (
        TaskRoute("0", assignment("qa")),
        TaskRoute("1", assignment("stranger")),
        TaskRoute("2", unassigned=unassigned),
    )
    metrics.routed(Routing(routes, BudgetSummary(Money(), Money(), None, met=True)))
    metrics.phase("plan", 0.2)
    metrics.phase("something new", 0.2)
    metrics.error("routing")
    metrics.error("no category")
    metrics.spans("failed", 3)
    assert sample(metrics, "genesis_plans_total", level="HEURISTIC") == 1
    assert sample(metrics, "genesis_tasks_planned_total", level="HEURISTIC") == 3
    assert sample(metrics, "genesis_tasks_routed_total") == 2
    assert sample(metrics, "genesis_tasks_unassigned_total") == 1
    assert sample(metrics, "genesis_routing_decisions_total", agent="qa") == 1
    assert sample(metrics, "genesis_routing_decisions_total", agent="other") == 1
    assert sample(metrics, "genesis_phase_duration_seconds_count", phase="plan") == 1
    assert sample(metrics, "genesis_phase_duration_seconds_count", phase="other") == 1
    assert sample(metrics, "genesis_errors_total", category="routing") == 1
    assert sample(metrics, "genesis_spans_exported_total", result="failed") == 3


def test_principles_that_were_not_judged_count_nowhere() -> None:
    metrics = make()
    verdict = Verdict(
        passed=False,
        structure_passed=True,
        solvability_passed=False,
        completeness_passed=None,
        non_redundancy_passed=True,
        routing_passed=None,
        quality_score=0.5,
        quality_terms=QualityTerms(),
        findings=(),
        finding_count=0,
        not_judged=(),
        schedule=None,
    )
    metrics.judged(verdict)
    metrics.judged(replace(verdict, solvability_passed=True))
    assert sample(metrics, "genesis_validation_verdicts_total", principle="SOLVABILITY", verdict="fail") == 1
    assert sample(metrics, "genesis_validation_verdicts_total", principle="SOLVABILITY", verdict="pass") == 1
    assert sample(metrics, "genesis_validation_verdicts_total", principle="COMPLETENESS", verdict="pass") == 0
    assert sample(metrics, "genesis_validation_verdicts_total", principle="COMPLETENESS", verdict="fail") == 0


@pytest.mark.parametrize(("blocked", "action"), [(False, "annotated"), (True, "blocked")])
def test_suspicious_texts_are_counted_by_family(*, blocked: bool, action: str) -> None:
    metrics = make()
    metrics.suspected((TripwireHit("role_forgery", "goal", Span(0, 1, "x")),), blocked=blocked)
    assert sample(metrics, "genesis_security_events_total", kind="role_forgery", action=action) == 1


def test_agents_beyond_the_bound_share_a_label() -> None:
    metrics = make()
    metrics.know_agents(str(n) for n in range(1000))
    assert len(metrics._agents) == MAX_AGENT_LABELS + 1


def test_a_snapshot_replaces_the_one_before() -> None:
    metrics = make()
    for snapshot in ("a1", "a1", "a2"):
        metrics.know_snapshot("agents", snapshot)
    assert sample(metrics, "genesis_snapshot_info", kind="agents", id="a1") is None
    assert sample(metrics, "genesis_snapshot_info", kind="agents", id="a2") == 1


def test_a_breaker_shows_its_state_and_its_transitions() -> None:
    metrics, now = make(), [0.0]
    metrics.know_breaker("storage")
    breaker = Breaker("storage", clock=lambda: now[0], is_fault=lambda _: True, failures=1, on_transition=metrics.breaker_changed)
    assert sample(metrics, "genesis_breaker_state", breaker="storage") == 0
    with pytest.raises(ZeroDivisionError):
        breaker.run_sync(lambda: 1 / 0)
    assert sample(metrics, "genesis_breaker_state", breaker="storage") == 2
    now[0] += 61
    breaker.run_sync(lambda: None)
    assert sample(metrics, "genesis_breaker_state", breaker="storage") == 0
    assert [sample(metrics, "genesis_breaker_transitions_total", breaker="storage", to=to) for to in ("open", "half-open", "closed")] == [
        1,
        1,
        1,
    ]


def test_the_exposition_is_what_the_scraper_asks_for() -> None:
    metrics = make()
    assert metrics.expose("application/openmetrics-text; version=1.0.0")[0].endswith(b"# EOF\n")
    text, content_type = metrics.expose("text/plain")
    assert content_type.startswith("text/plain")
    assert b"# EOF" not in text


def test_the_error_rate_forgets_what_is_older_than_its_window() -> None:
    now = [0.0]
    rate = ErrorRate(lambda: now[0])
    assert rate.value() is None
    rate.count(fault=True)
    now[0] = 100
    rate.count(fault=False)
    assert rate.value() == 0.5
    now[0] = 301
    assert rate.value() == 0.0
    now[0] = 1000
    assert rate.value() is None
    assert [list(family.samples) for family in rate.collect()] == [[]]


@given(st.lists(st.tuples(st.floats(0, 120), st.booleans()), max_size=60))
def test_the_error_rate_is_the_share_of_faults_among_recent_calls(calls: list[tuple[float, bool]]) -> None:
    now = [0.0]
    rate = ErrorRate(lambda: now[0], window_seconds=60, slot_seconds=5)
    told: list[tuple[float, bool]] = []
    for pause, fault in calls:
        now[0] += pause
        rate.count(fault=fault)
        told.append((now[0], fault))
    slot = now[0] // 5
    recent = [fault for time, fault in told if time // 5 > slot - 12]
    assert rate.value() == (sum(recent) / len(recent) if recent else None)


async def test_storage_operations_are_timed_also_when_they_fail() -> None:
    class Store:
        closed = False

        async def get(self, key: str) -> str:
            return key

        async def put(self, key: str) -> int:
            raise OSError(key)

    seen: list[tuple[str, float]] = []
    ticks = iter(range(10))
    store = timed_store(Store(), lambda name, seconds: seen.append((name, seconds)), clock=lambda: float(next(ticks)))
    assert await store.get("k") == "k"
    with pytest.raises(OSError, match="k"):
        await store.put("k")
    assert seen == [("get", 1.0), ("put", 1.0)]
    assert store.closed is False
    metrics = make()
    metrics.storage("get", 0.1)
    metrics.storage("dance", 0.1)
    assert sample(metrics, "genesis_storage_operation_duration_seconds_count", operation="get") == 1
