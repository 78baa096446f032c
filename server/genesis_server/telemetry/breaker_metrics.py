"""Metrics of circuit breakers: those in front of the server's parts, and those in front of agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from genesis_server.telemetry import names

BREAKER_STATES: Mapping[str, int] = {"closed": 0, "half-open": 1, "open": 2}
OTHER_AGENT = "agent:other"


class NamedBreaker(Protocol):
    """A breaker, as far as its metrics need it."""

    name: str


class BreakerMetrics:
    """State and transitions. Agents of the same id in several tenants share a series: its state is the worst of theirs."""

    def __init__(self, registry: CollectorRegistry, *, learn: Callable[[str], None]) -> None:
        """Make the families, and the series of agents without a label of their own; `learn` is told of agents and may call `know_agent`."""
        self._learn = learn
        self._state = Gauge(names.BREAKER_STATE, "0 closed, 1 half-open, 2 open; of agents the worst.", ("breaker",), registry=registry)
        self._transitions = Counter(
            names.BREAKER_TRANSITIONS, "Transitions of breakers, by the new state.", ("breaker", "to"), registry=registry
        )
        self._agents: dict[str, dict[tuple[str, str], int]] = {}
        """By label: the breakers that are not closed, by tenant and agent."""
        self._know_label(OTHER_AGENT)

    def know(self, name: str) -> None:
        """A breaker that was made, closed."""
        self._state.labels(name).set(0)
        for state in BREAKER_STATES:
            self._transitions.labels(name, state)

    def know_agent(self, agent_id: str) -> None:
        """An agent that gets a label of its own; who calls bounds how many."""
        self._know_label(f"agent:{agent_id}")

    def changed(self, breaker: NamedBreaker, old: str, new: str) -> None:
        """A breaker's `on_transition`."""
        del old
        self._state.labels(breaker.name).set(BREAKER_STATES[new])
        self._transitions.labels(breaker.name, new).inc()

    def agent_changed(self, tenant: str, agent_id: str, old: str, new: str) -> None:
        """The breaker in front of an agent changed its state."""
        del old
        label = f"agent:{agent_id}"
        if label not in self._agents:
            self._learn(agent_id)
        label = label if label in self._agents else OTHER_AGENT
        states = self._agents[label]
        if BREAKER_STATES[new]:
            states[tenant, agent_id] = BREAKER_STATES[new]
        else:
            states.pop((tenant, agent_id), None)
        self._state.labels(label).set(max(states.values(), default=0))
        self._transitions.labels(label, new).inc()

    def _know_label(self, label: str) -> None:
        if label not in self._agents:
            self._agents[label] = {}
            self.know(label)
