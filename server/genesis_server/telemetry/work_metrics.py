"""Metrics of the work that agents do: hand-outs, attempts, reports, budgets, load."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from genesis_server.model.work import AttemptOutcome
from genesis_server.telemetry import names
from genesis_server.telemetry.labels import OTHER, counters

REPORT_RESULTS = ("accepted", "duplicate", "refused")
BUDGET_PARTS = ("cost", "tokens", "tasks", "time")
DELAY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""A task can wait for an agent as long as it likes: the long ones tell apart a busy moment and nobody there."""


class WorkMetrics:
    """What the dispatcher tells; its DispatchObserver."""

    def __init__(self, registry: CollectorRegistry, *, learn: Callable[[str], None]) -> None:
        """Make every child at 0; `learn` is told of agents that were not known and may call `know_agent`."""
        self._learn = learn
        self._dispatched = Counter(names.TASKS_DISPATCHED, "Tasks handed to agents, once for each attempt.", registry=registry)
        ends = [outcome.name for outcome in AttemptOutcome if outcome not in {AttemptOutcome.UNSPECIFIED, AttemptOutcome.RUNNING}]
        self._attempts = counters(registry, names.TASK_ATTEMPTS, "Attempts that ended, by how.", "outcome", ends)
        self._completed = Counter(names.TASKS_COMPLETED, "Tasks that agents completed.", registry=registry)
        self._failed = Counter(names.TASKS_FAILED, "Tasks given up after their attempts.", registry=registry)
        self._dead_letters = Counter(names.DEAD_LETTERS, "Tasks put aside for good, with a reason.", registry=registry)
        self._leases = Gauge(names.LEASES, "Leases out: tasks that agents hold.", registry=registry)
        self._delay = Histogram(
            names.DISPATCH_DELAY, "Time from a task being ready to its hand-out.", registry=registry, buckets=DELAY_BUCKETS
        )
        self._reports = counters(registry, names.REPORTS, "Reports, by what became of them.", "result", REPORT_RESULTS)
        self._budget = counters(
            registry, names.BUDGET_REFUSALS, "Tasks held back because of a run's budget, by its part.", "part", BUDGET_PARTS
        )
        self._live = Gauge(names.AGENTS_LIVE, "Agents with a worker that is there.", registry=registry)
        self._lost = Counter(names.WORKERS_LOST, "Workers that fell silent; every server process hears of each.", registry=registry)
        self._running_tasks = Gauge(
            names.AGENT_RUNNING_TASKS, "Tasks an agent holds; agents beyond the bound are 'other'.", ("agent",), registry=registry
        )
        self._running = {OTHER: self._running_tasks.labels(OTHER)}
        self._others: dict[str, int] = {}

    def know_agent(self, agent_id: str) -> None:
        """An agent that gets a label of its own; who calls bounds how many."""
        if agent_id not in self._running:
            self._running[agent_id] = self._running_tasks.labels(agent_id)

    def handed_out(self, agent_id: str, delay_seconds: float) -> None:
        """A task was handed to an agent so long after it was ready."""
        if agent_id not in self._running:
            self._learn(agent_id)
        self._dispatched.inc()
        self._delay.observe(delay_seconds)

    def attempt_ended(self, agent_id: str, outcome: AttemptOutcome) -> None:
        """An attempt ended."""
        del agent_id
        self._attempts[outcome.name].inc()

    def task_completed(self) -> None:
        """A task succeeded."""
        self._completed.inc()

    def task_failed(self) -> None:
        """A task was given up as it is."""
        self._failed.inc()

    def dead_lettered(self) -> None:
        """A task was put aside for good."""
        self._dead_letters.inc()

    def reported(self, result: str) -> None:
        """A report was one of `REPORT_RESULTS`."""
        self._reports[result].inc()

    def budget_refused(self, part: str) -> None:
        """A task was held back because of one of `BUDGET_PARTS`."""
        self._budget[part].inc()

    def leases(self, count: int) -> None:
        """So many leases are out now."""
        self._leases.set(count)

    def live_agents(self, count: int) -> None:
        """So many agents are live now."""
        self._live.set(count)

    def worker_lost(self) -> None:
        """A worker fell silent: it did not say that it leaves."""
        self._lost.inc()

    def running(self, agent_id: str, count: int) -> None:
        """An agent has so many tasks in hand now."""
        if agent_id not in self._running:
            self._learn(agent_id)
        if agent_id in self._running:
            self._running[agent_id].set(count)
            return
        if count:
            self._others[agent_id] = count
        else:
            self._others.pop(agent_id, None)
        self._running[OTHER].set(sum(self._others.values()))
