"""A plan with the work on it, as it was last heard of: the sum of a stored plan and the changes that came since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from genesis.v1 import orchestrator_service_pb2, plan_pb2, update_pb2, work_pb2
from genesis_server.cli.drawing.graph import PlanGraph

ENDED = frozenset({plan_pb2.PLAN_STATE_DONE, plan_pb2.PLAN_STATE_FAILED, plan_pb2.PLAN_STATE_CANCELLED})
"""States a plan does not leave."""


@dataclass(frozen=True, slots=True)
class RunPicture:
    """What is known of a plan; never changed, so that it can be drawn while the next one is made."""

    graph: PlanGraph
    runs: Mapping[str, work_pb2.TaskRun]
    """The work on tasks, by task id."""
    balance: work_pb2.RunBalance | None
    routed: Mapping[str, str]
    """Whom tasks were routed to, by task id."""
    dispatched: bool

    @classmethod
    def of(cls, stored: orchestrator_service_pb2.GetPlanResponse) -> Self:
        """The picture of a stored plan."""
        return cls(
            graph=PlanGraph(stored.plan),
            runs={run.task_id: run for run in stored.runs},
            balance=stored.balance if stored.HasField("balance") else None,
            routed={route.task_id: route.assignment.target.id for route in stored.routes if route.HasField("assignment")},
            dispatched=stored.HasField("dispatch"),
        )

    @property
    def plan(self) -> plan_pb2.Plan:
        """The plan."""
        return self.graph.plan

    @property
    def ended(self) -> bool:
        """Whether nothing more happens."""
        return self.plan.state in ENDED

    def run_of(self, task_id: str) -> work_pb2.TaskRun | None:
        """The work on a task."""
        return self.runs.get(task_id)

    def moving(self) -> bool:
        """Whether something happens by itself: a task is worked on, or waits for the time of its next attempt."""
        return any(
            run.waiting_for == work_pb2.WAITING_FOR_RETRY or (run.attempts and run.attempts[-1].outcome == work_pb2.ATTEMPT_OUTCOME_RUNNING)
            for run in self.runs.values()
        )

    def cannot_pay(self) -> bool:
        """Whether nothing happens by itself any more because the budget is too small for all that is ready."""
        waiting = [run.waiting_for for run in self.runs.values() if run.waiting_for]
        return bool(waiting) and not self.ended and not self.moving() and all(one == work_pb2.WAITING_FOR_BUDGET for one in waiting)

    def after(self, change: update_pb2.WatchPlanResponse) -> Self:
        """The picture after a change; versions that are in it already change nothing but the work on tasks."""
        graph = self.graph
        if change.version > self.plan.version:
            graph = PlanGraph(_changed(self.plan, change))
        return replace(
            self,
            graph=graph,
            runs={**self.runs, **{run.task_id: run for run in change.runs}} if change.runs else self.runs,
            balance=change.balance if change.HasField("balance") else self.balance,
        )


def _changed(plan: plan_pb2.Plan, change: update_pb2.WatchPlanResponse) -> plan_pb2.Plan:
    diff = change.diff
    tasks = {task.id: task for task in (*plan.tasks, *diff.changed_tasks, *diff.added_tasks)}
    for task_id in diff.removed_task_ids:
        tasks.pop(task_id, None)
    edges = {_ends(edge): edge for edge in (*plan.edges, *diff.added_edges)}
    for ends in map(_ends, diff.removed_edges):
        edges.pop(ends, None)
    changed = plan_pb2.Plan(id=plan.id, version=change.version, goal=plan.goal, tasks=tasks.values(), edges=edges.values())
    changed.state = change.state
    return changed


def _ends(edge: plan_pb2.Edge) -> tuple[str, str]:
    return edge.from_task_id, edge.to_task_id


def counts(words: Iterable[str]) -> str:
    """`4 done, 2 running, 1 waiting`: how many tasks are how far, in the order that one reads them."""
    order = ("done", "running", "waiting", "awaiting approval", "pending", "failed", "skipped", "cancelled")
    all_words = list(words)
    return ", ".join(f"{all_words.count(word)} {word}" for word in order if word in all_words)
