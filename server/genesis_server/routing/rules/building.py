"""From a plan, its tasks, a caller and a catalogue to the facts rules read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from genesis_server.model.caller import Caller
from genesis_server.model.catalogue import DEFAULT_SKILL_SECONDS, AgentCard, Catalogue, DataClass, Model, Skill, Tool
from genesis_server.model.plan import DEFAULT_DIFFICULTY, Plan, Task, TaskConstraints, TaskKind
from genesis_server.model.routing import RoutingConstraints
from genesis_server.routing.rules.facts import TASK_FACTS, WEEKDAYS, CandidateFacts, FactValue, TaskFacts
from genesis_server.routing.sharing import once_each
from genesis_server.text.words import stem_set

_DAY_SECONDS = 86_400


_OWN = tuple([name for name, kind in TASK_FACTS.items() if kind.scope == "task"])
"""The facts of the task itself, which stand first."""
_NOTHING = frozenset[str]()
_CLASS_NAMES = tuple([data_class.name.lower() for data_class in DataClass])

_Limits: TypeAlias = "tuple[str, float | None, float | None, frozenset[str]]"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What all tasks of a call share; `of_tasks` adds what is a task's own."""

    constraints: RoutingConstraints
    shared: tuple[FactValue | None, ...]
    """The facts of plan, caller and time, in the order of TASK_FACTS."""
    now: float

    def of_tasks(self, tasks: Sequence[Task]) -> list[TaskFacts]:
        """The facts of each task."""
        limits = once_each([task.constraints for task in tasks], self._of_limits)
        return [self._of_task(task, own) for task, own in zip(tasks, limits, strict=True)]

    def _of_limits(self, own: TaskConstraints) -> _Limits:
        """Data class, cost, deadline and regions of a task with these limits."""
        return (
            _CLASS_NAMES[(own.data_class or self.constraints.data_class).effective],
            own.max_cost.units if own.max_cost is not None else None,
            own.deadline_seconds,
            _common(own.regions, self.constraints.regions),
        )

    def _of_task(self, task: Task, limits: _Limits) -> TaskFacts:
        data_class, max_cost, deadline_seconds, regions = limits
        inputs, outputs = task.inputs, task.outputs
        # In the order of TASK_FACTS.
        own = (
            task.id,
            task.goal.lower() or None,
            stem_set(task.goal),
            task.capability or None,
            "compound" if task.kind is TaskKind.COMPOUND else "primitive",
            DEFAULT_DIFFICULTY if task.difficulty is None else task.difficulty,
            float(task.depth),
            data_class,
            max_cost,
            deadline_seconds,
            task.expected_seconds,
            regions,
            frozenset([artefact.name for artefact in inputs]) if inputs else _NOTHING,
            frozenset([artefact.name for artefact in outputs]) if outputs else _NOTHING,
            frozenset([each.type.lower() for each in inputs if each.type]) if inputs else _NOTHING,
            (task.origin.method_id or None) if task.origin is not None else None,
        )
        return TaskFacts(own + self.shared, self.now)


def facts_of_call(plan: Plan, *, constraints: RoutingConstraints, caller: Caller | None, now: float, live_agents: int = 0) -> CallFacts:
    """What all tasks of a call share; `now` in seconds since the epoch. Without a caller the facts about it are missing."""
    values: dict[str, FactValue | None] = {
        "plan.goal": plan.goal.lower() or None,
        "plan.task_count": float(len(plan.tasks)),
        "plan.depth": float(max((task.depth for task in plan.tasks), default=0)),
        "plan.budget": constraints.budget.units if constraints.budget is not None else None,
        "plan.deadline_seconds": constraints.deadline_seconds,
        "plan.regions": frozenset(constraints.regions),
        "plan.live_agents": float(live_agents),
        "plan.data_class": _CLASS_NAMES[constraints.data_class] if constraints.data_class else None,
        **time_facts(now),
    }
    if caller is not None:
        values["caller.tenant"] = caller.tenant or None
        values["caller.subject"] = caller.subject or None
        values["caller.roles"] = frozenset([role.value for role in caller.roles])
        values["caller.anonymous"] = caller.anonymous
    return CallFacts(constraints, tuple([values.get(name) for name in TASK_FACTS][len(_OWN) :]), now)


def time_facts(now: float) -> dict[str, FactValue]:
    """The facts of time at a moment, seconds since the epoch."""
    moment = datetime.fromtimestamp(now, UTC)
    return {
        "time.now": now,
        "time.date": now // _DAY_SECONDS * _DAY_SECONDS,
        "time.hour": float(moment.hour),
        "time.weekday": WEEKDAYS[moment.weekday()],
    }


def candidate_facts(owner: AgentCard | Tool, skill: Skill | None = None, model: Model | None = None) -> CandidateFacts:
    """The facts of an agent with one of its skills and models, or of a tool."""
    if isinstance(owner, Tool):
        return CandidateFacts.of(
            {
                "agent.id": owner.name,
                "agent.kind": "tool",
                "agent.skill": owner.name,
                "agent.skills": frozenset({owner.name}),
                "agent.tags": frozenset[str](),
                "agent.models": frozenset[str](),
                "agent.has_model": False,
                "agent.call_price": owner.cost_per_call.units,
                "agent.expected_seconds": owner.expected_seconds,
                "agent.live": False,
            }
        )
    values: dict[str, FactValue | None] = {
        "agent.id": owner.id,
        "agent.kind": "agent",
        "agent.version": owner.version or None,
        "agent.region": owner.region or None,
        "agent.max_data_class": _CLASS_NAMES[owner.max_data_class.effective],
        "agent.skill": skill.id if skill is not None else None,
        "agent.skills": frozenset([each.id for each in owner.skills]),
        "agent.tags": frozenset(skill.tags if skill is not None else ()),
        "agent.has_model": model is not None,
        "agent.models": frozenset([each.id for each in owner.models]),
        "agent.max_concurrent_tasks": float(owner.max_concurrent_tasks),
        "agent.expected_seconds": skill.expected_seconds if skill is not None else DEFAULT_SKILL_SECONDS,
        "agent.live": owner.live,
    }
    if model is not None:
        values["agent.model"] = model.id
        values["agent.input_price"] = model.input_price.units
        values["agent.output_price"] = model.output_price.units
        values["agent.success_prior"] = model.success_prior
    return CandidateFacts.of(values)


def catalogue_candidates(catalogue: Catalogue) -> tuple[CandidateFacts, ...]:
    """Everybody a catalogue offers: each agent with each skill and each model, then the tools."""
    found: list[CandidateFacts] = []
    for agent in catalogue.agents:
        models: Sequence[Model | None] = agent.models or (None,)
        found += [candidate_facts(agent, skill, model) for skill in agent.skills for model in models]
    return (*found, *[candidate_facts(tool) for tool in catalogue.tools])


def _common(own: Sequence[str], general: Sequence[str]) -> frozenset[str]:
    """The regions both allow, where an empty list allows any."""
    if own and general:
        return frozenset(own) & frozenset(general)
    return frozenset(own or general) if own or general else _NOTHING
