"""The registry and the metrics of the work itself: plans, routes, verdicts, and what the server stands on.

One object per process, no global registry. Every child with a known label exists from the start with value 0; labels that come from
data (agents, phases) are bounded, what is beyond the bound counts under "other".
"""

from __future__ import annotations

import collections
import platform
from collections.abc import Callable, Iterable

from prometheus_client import GC_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, Counter, Gauge, Histogram, exposition

from genesis_server.model.plan import Plan
from genesis_server.model.provenance import DegradationLevel, TripwireHit
from genesis_server.model.routing import Routing
from genesis_server.model.validation import Principle, Verdict
from genesis_server.resilience.errors import CATEGORIES
from genesis_server.telemetry import names
from genesis_server.telemetry.breaker_metrics import BreakerMetrics, NamedBreaker
from genesis_server.telemetry.flag_metrics import FlagMetrics
from genesis_server.telemetry.labels import OTHER, counters
from genesis_server.telemetry.rpc_metrics import SECONDS_BUCKETS, MethodNames, RpcMetrics
from genesis_server.telemetry.work_metrics import WorkMetrics

MAX_AGENT_LABELS = 100
PHASES = ("tripwire", "plan", "route", "validate", "store")
STORAGE_OPERATIONS = ("get", "put", "put_all", "delete", "list", "append", "read", "acquire", "renew", "release", "check")
STORAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
CACHES = ("request_catalogue",)
SECURITY_REASONS = (
    "CREDENTIALS_INVALID",
    "CREDENTIALS_EXPIRED",
    "CREDENTIALS_REPLAYED",
    "PERMISSION_DENIED",
    "AGENT_MISMATCH",
    "LEASE_FOREIGN",
    "LEASE_LOST",
    "INJECTION_SUSPECTED",
)
"""Reasons of the refusals that are security events."""


class Metrics:
    """Everything counted in one process."""

    def __init__(
        self,
        *,
        methods: Iterable[MethodNames],
        codes: Iterable[str],
        clock: Callable[[], float],
        version: str,
        security_families: Iterable[str] = (),
    ) -> None:
        """Make every child at 0.

        Args:
            methods: the methods served.
            codes: names of the status codes.
            clock: monotonic seconds.
            version: of the server.
            security_families: families of the tripwire's rules.
        """
        self.registry = registry = CollectorRegistry()
        registry.register(PROCESS_COLLECTOR)
        registry.register(GC_COLLECTOR)
        self.rpc = RpcMetrics(registry, methods=methods, codes=codes, clock=clock)
        self._errors = counters(registry, names.ERRORS, "Errors by category.", "category", [c.category for c in CATEGORIES])
        self._phases = Histogram(names.PHASE_DURATION, "Time of a phase.", ("phase",), registry=registry, buckets=SECONDS_BUCKETS)
        self._phase = {name: self._phases.labels(name) for name in (*PHASES, OTHER)}
        levels = [level.name for level in DegradationLevel if level]
        self._plans = counters(registry, names.PLANS, "Plans made, by degradation level used.", "level", levels)
        self._tasks_planned = counters(registry, names.TASKS_PLANNED, "Tasks planned, by degradation level used.", "level", levels)
        self._tasks_routed = Counter(names.TASKS_ROUTED, "Tasks that got an agent or a tool.", registry=registry)
        self._tasks_unassigned = Counter(names.TASKS_UNASSIGNED, "Tasks that got nobody.", registry=registry)
        self._decisions = Counter(
            names.ROUTING_DECISIONS, "Tasks routed, by agent; tools and unknown agents are 'other'.", ("agent",), registry=registry
        )
        self._agents = {OTHER: self._decisions.labels(OTHER)}
        self._recorded = counters(
            registry, names.DECISIONS_RECORDED, "Decisions by whether they could be recorded.", "result", ("recorded", "failed")
        )
        self._verdicts = Counter(names.VALIDATION_VERDICTS, "Verdicts by principle.", ("principle", "verdict"), registry=registry)
        self._verdict = {
            (principle, passed): self._verdicts.labels(principle.name, "pass" if passed else "fail")
            for principle in Principle
            if principle
            for passed in (True, False)
        }
        self._security = Counter(
            names.SECURITY_EVENTS,
            "Texts the tripwire suspected, by family and what was done; calls that were refused, by reason.",
            ("kind", "action"),
            registry=registry,
        )
        self._refusals = {reason: self._security.labels(reason, "refused") for reason in (*SECURITY_REASONS, OTHER)}
        for family in security_families:
            for action in ("annotated", "blocked"):
                self._security.labels(family, action)
        self._storage = Histogram(
            names.STORAGE_DURATION, "Time of a storage operation.", ("operation",), registry=registry, buckets=STORAGE_BUCKETS
        )
        self._operations = {name: self._storage.labels(name) for name in STORAGE_OPERATIONS}
        self.breakers = BreakerMetrics(registry, learn=lambda agent_id: self.know_agents((agent_id,)))
        self.work = WorkMetrics(registry, learn=lambda agent_id: self.know_agents((agent_id,)))
        self._lookups = Counter(
            names.CACHE_LOOKUPS,
            "Looks into what is kept between calls; off: performance_optimizations_enabled is.",
            ("cache", "result"),
            registry=registry,
        )
        for cache in CACHES:
            for result in ("hit", "miss", "off"):
                self._lookups.labels(cache, result)
        self.flags = FlagMetrics(registry, clock=clock)
        self._spans = counters(registry, names.SPANS_EXPORTED, "Spans by what became of them.", "result", ("exported", "failed", "refused"))
        self._snapshots = Gauge(names.SNAPSHOT_INFO, "1 for the snapshot in use.", ("kind", "id"), registry=registry)
        self._snapshot_ids: dict[str, str] = {}
        build = Gauge(
            names.BUILD_INFO, "1, with the version of the server and of Python.", ("version", "python_version"), registry=registry
        )
        build.labels(version, platform.python_version()).set(1)

    def looked_up(self, cache: str, result: str) -> None:
        """Something was looked for in a cache: "hit", "miss" or "off"."""
        self._lookups.labels(cache, result).inc()

    # What the Observer of orchestration/observer.py is told; observing.py hands it on.

    def phase(self, name: str, seconds: float) -> None:
        """A phase ended, well or not."""
        (self._phase.get(name) or self._phase[OTHER]).observe(seconds)

    def planned(self, plan: Plan, level: DegradationLevel) -> None:
        """A plan was made."""
        self._plans[level.name].inc()
        self._tasks_planned[level.name].inc(len(plan.tasks))

    def routed(self, routing: Routing) -> None:
        """A plan was routed."""
        assigned = [route.assignment.target.id for route in routing.routes if route.assignment is not None]
        self._tasks_routed.inc(len(assigned))
        self._tasks_unassigned.inc(len(routing.routes) - len(assigned))
        for agent, count in collections.Counter(assigned).items():
            (self._agents.get(agent) or self._agents[OTHER]).inc(count)

    def decision_recorded(self, result: str) -> None:
        """A decision was recorded, or could not be."""
        self._recorded[result].inc()

    def judged(self, verdict: Verdict) -> None:
        """A plan was judged; principles that were not judged count nowhere."""
        results = {
            Principle.STRUCTURE: verdict.structure_passed,
            Principle.SOLVABILITY: verdict.solvability_passed,
            Principle.COMPLETENESS: verdict.completeness_passed,
            Principle.NON_REDUNDANCY: verdict.non_redundancy_passed,
            Principle.ROUTING: verdict.routing_passed,
        }
        for principle, passed in results.items():
            if passed is not None:
                self._verdict[principle, passed].inc()

    def suspected(self, hits: tuple[TripwireHit, ...], *, blocked: bool) -> None:
        """The tripwire saw something."""
        for hit in hits:
            self._security.labels(hit.family, "blocked" if blocked else "annotated").inc()

    def refused(self, reason: str) -> None:
        """A call was refused, which is a security event: the `observe` of `security/events.py`."""
        (self._refusals.get(reason) or self._refusals[OTHER]).inc()

    # What others tell.

    def error(self, category: str) -> None:
        """A call ended with an error of one of the seven categories."""
        counter = self._errors.get(category)
        if counter is not None:
            counter.inc()

    def storage(self, operation: str, seconds: float) -> None:
        """A storage operation ended; unknown names are not counted."""
        histogram = self._operations.get(operation)
        if histogram is not None:
            histogram.observe(seconds)

    def spans(self, result: str, count: int) -> None:
        """What became of spans: the `observe` of `telemetry/tracing.py`."""
        self._spans[result].inc(count)

    def know_agents(self, ids: Iterable[str]) -> None:
        """Agents of the snapshot in use, each with its own label, as long as there are at most a hundred over the process's life."""
        for agent in ids:
            if agent not in self._agents and len(self._agents) <= MAX_AGENT_LABELS:
                self._agents[agent] = self._decisions.labels(agent)
                self.work.know_agent(agent)
                self.breakers.know_agent(agent)

    def know_snapshot(self, kind: str, snapshot_id: str) -> None:
        """The snapshot of `kind` ("agents", "methods", "flags") now in use."""
        old = self._snapshot_ids.get(kind)
        if old == snapshot_id:
            return
        if old is not None:
            self._snapshots.remove(kind, old)
        self._snapshot_ids[kind] = snapshot_id
        self._snapshots.labels(kind, snapshot_id).set(1)

    def know_breaker(self, name: str) -> None:
        """A breaker that was made, closed."""
        self.breakers.know(name)

    def breaker_changed(self, breaker: NamedBreaker, old: str, new: str) -> None:
        """A breaker's `on_transition`."""
        self.breakers.changed(breaker, old, new)

    def expose(self, accept: str) -> tuple[bytes, str]:
        """The exposition and its content type: OpenMetrics, with exemplars, where `accept` asks for it, else Prometheus's text."""
        encode, content_type = exposition.choose_encoder(accept)
        return encode(self.registry), content_type
