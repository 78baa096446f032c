"""The work of agents in numbers, with labels that cannot grow without bound."""

from __future__ import annotations

from genesis.v1.errors_pb2 import ErrorReason
from genesis_server.model.work import AttemptOutcome
from genesis_server.orchestration.dispatching.observer import DispatchObserver
from genesis_server.telemetry.metrics import MAX_AGENT_LABELS, SECURITY_REASONS, Metrics


def make() -> Metrics:
    return Metrics(methods=[], codes=["OK"], clock=lambda: 0.0, version="1")


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_everything_known_is_there_at_zero() -> None:
    metrics = make()
    metrics.know_agents(["qa"])
    for name in ("tasks_dispatched", "tasks_completed", "tasks_failed", "dead_letters", "workers_lost"):
        assert sample(metrics, f"genesis_{name}_total") == 0
    assert sample(metrics, "genesis_task_attempts_total", outcome="LOST") == 0
    assert sample(metrics, "genesis_task_attempts_total", outcome="RUNNING") is None
    assert sample(metrics, "genesis_reports_total", result="refused") == 0
    assert sample(metrics, "genesis_budget_refusals_total", part="cost") == 0
    assert sample(metrics, "genesis_security_events_total", kind="LEASE_FOREIGN", action="refused") == 0
    assert sample(metrics, "genesis_agent_running_tasks", agent="qa") == 0
    assert sample(metrics, "genesis_breaker_transitions_total", breaker="agent:qa", to="open") == 0
    assert sample(metrics, "genesis_breaker_state", breaker="agent:other") == 0


def test_what_the_dispatcher_tells_is_counted() -> None:
    metrics = make()
    work: DispatchObserver = metrics.work
    work.handed_out("qa", 0.02)
    work.attempt_ended("qa", AttemptOutcome.TIMED_OUT)
    work.task_completed()
    work.task_failed()
    work.dead_lettered()
    work.reported("duplicate")
    work.budget_refused("tokens")
    work.leases(7)
    work.live_agents(3)
    work.worker_lost()
    work.running("qa", 2)
    assert sample(metrics, "genesis_tasks_dispatched_total") == 1
    assert sample(metrics, "genesis_dispatch_delay_seconds_sum") == 0.02
    assert sample(metrics, "genesis_task_attempts_total", outcome="TIMED_OUT") == 1
    assert sample(metrics, "genesis_tasks_completed_total") == 1
    assert sample(metrics, "genesis_tasks_failed_total") == 1
    assert sample(metrics, "genesis_dead_letters_total") == 1
    assert sample(metrics, "genesis_reports_total", result="duplicate") == 1
    assert sample(metrics, "genesis_budget_refusals_total", part="tokens") == 1
    assert sample(metrics, "genesis_leases") == 7
    assert sample(metrics, "genesis_agents_live") == 3
    assert sample(metrics, "genesis_workers_lost_total") == 1
    assert sample(metrics, "genesis_agent_running_tasks", agent="qa") == 2


def test_agents_beyond_the_bound_are_one() -> None:
    """A thousand agents make a hundred series; the load of the rest is told together."""
    metrics = make()
    for number in range(MAX_AGENT_LABELS + 3):
        metrics.work.running(f"agent{number}", 2)
    assert sample(metrics, "genesis_agent_running_tasks", agent="agent5") == 2
    assert sample(metrics, "genesis_agent_running_tasks", agent=f"agent{MAX_AGENT_LABELS}") is None
    assert sample(metrics, "genesis_agent_running_tasks", agent="other") == 6
    metrics.work.running(f"agent{MAX_AGENT_LABELS}", 0)
    assert sample(metrics, "genesis_agent_running_tasks", agent="other") == 4


def test_the_breakers_of_agents_show_the_worst_of_a_label() -> None:
    """Two tenants may name an agent the same, and strangers share a label: an open one is not hidden by a closed one."""
    metrics = make()
    metrics.know_agents(["qa", *(f"agent{number}" for number in range(MAX_AGENT_LABELS))])
    changed = metrics.breakers.agent_changed
    changed("one", "qa", "closed", "open")
    changed("two", "qa", "closed", "open")
    changed("two", "qa", "open", "half-open")
    changed("two", "qa", "half-open", "closed")
    changed("one", "stranger", "closed", "open")
    assert sample(metrics, "genesis_breaker_state", breaker="agent:qa") == 2
    assert sample(metrics, "genesis_breaker_state", breaker="agent:other") == 2
    assert sample(metrics, "genesis_breaker_transitions_total", breaker="agent:qa", to="open") == 2
    changed("one", "qa", "open", "half-open")
    assert sample(metrics, "genesis_breaker_state", breaker="agent:qa") == 1
    changed("one", "qa", "half-open", "closed")
    assert sample(metrics, "genesis_breaker_state", breaker="agent:qa") == 0
    assert sample(metrics, "genesis_breaker_state", breaker="agent:stranger") is None


def test_the_breaker_of_an_agent_shows_under_its_name_wherever_it_opened() -> None:
    """Another process may have handed the agent its work: nothing stays behind under another label when the breaker closes."""
    metrics = make()
    metrics.breakers.agent_changed("one", "qa", "closed", "open")
    assert sample(metrics, "genesis_breaker_state", breaker="agent:qa") == 2
    metrics.work.handed_out("qa", 0.1)
    metrics.breakers.agent_changed("one", "qa", "open", "closed")
    assert sample(metrics, "genesis_breaker_state", breaker="agent:qa") == 0
    assert sample(metrics, "genesis_breaker_state", breaker="agent:other") == 0


def test_refused_calls_are_security_events() -> None:
    metrics = make()
    metrics.refused("LEASE_FOREIGN")
    metrics.refused("SOMETHING_NEW")
    assert sample(metrics, "genesis_security_events_total", kind="LEASE_FOREIGN", action="refused") == 1
    assert sample(metrics, "genesis_security_events_total", kind="other", action="refused") == 1
    assert {f"ERROR_REASON_{reason}" for reason in SECURITY_REASONS} <= set(ErrorReason.keys())
