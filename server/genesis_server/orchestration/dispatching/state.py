"""A plan with its run, as they are stored, and what is asked of them again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from genesis_server.dispatch.retrying import barred, failed
from genesis_server.model.plan import DEFAULT_DIFFICULTY, Plan, Task
from genesis_server.model.routing import Assignment, TargetKind
from genesis_server.model.work import TaskRun, Usage
from genesis_server.orchestration.plan_store import StoredPlan
from genesis_server.orchestration.runs import StoredRun
from genesis_server.planning.update.ids import attempts
from genesis_server.routing.policy import RoutingPolicy


@dataclass(frozen=True)
class State:
    """A plan with its run; immutable."""

    stored: StoredPlan
    run: StoredRun | None
    """None: it has none yet."""
    ready: tuple[Task, ...]
    """Tasks that can be worked on."""

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.stored.plan

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        """Its tasks by id."""
        return {task.id: task for task in self.stored.plan.tasks}

    @cached_property
    def ready_tasks(self) -> Mapping[str, Task]:
        """Those that can be worked on by id."""
        return {task.id: task for task in self.ready}

    @cached_property
    def assignments(self) -> Mapping[str, Assignment]:
        """Who is to do what, by task."""
        routes = self.stored.routing.routes if self.stored.routing is not None else ()
        return {route.task_id: route.assignment for route in routes if route.assignment is not None}

    def then(self, stored: StoredPlan, run: StoredRun | None, ready: tuple[Task, ...]) -> State:
        """The next state; what was looked up for this one and is the same is not looked up again."""
        state = State(stored, run, ready)
        if stored.routing is self.stored.routing:
            state.__dict__["assignments"] = self.assignments
        if stored.plan is self.stored.plan:
            state.__dict__["tasks"] = self.tasks
        return state

    def agent_of(self, task_id: str) -> str:
        """The agent a task is routed to; empty: none."""
        assignment = self.assignments.get(task_id)
        return "" if assignment is None or assignment.target.kind is TargetKind.TOOL else assignment.target.id

    def is_barred(self, task_id: str, agent_id: str) -> bool:
        """Whether an agent must not try a task again even when nobody else can: it declined it, or failed for good."""
        task_run = self.run.run.tasks.get(task_id) if self.run is not None else None
        return task_run is not None and agent_id in barred(task_run)

    def failed_before(self, task_id: str) -> frozenset[str]:
        """The agents that failed at what a task takes the place of."""
        runs: Mapping[str, TaskRun] = {} if self.run is None else self.run.run.tasks
        task = self.tasks.get(task_id)
        earlier = attempts(task, self.plan.tasks) if task is not None else []
        return frozenset[str]().union(*(failed(runs[one.id]) for one in earlier if one.id != task_id and one.id in runs))

    def expected(self, task: Task, policy: RoutingPolicy) -> Usage:
        """What an attempt at a task is expected to use."""
        assignment = self.assignments.get(task.id)
        if assignment is None:
            return Usage(tasks=1)
        difficulty = DEFAULT_DIFFICULTY if task.difficulty is None else task.difficulty
        tokens = sum(policy.expected_tokens(difficulty)) if assignment.target.model_id else 0
        return Usage(assignment.expected_cost, tokens, 1)
