"""Does the routing keep to the catalogue, the load, the budget and the deadline?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from genesis_server.model.catalogue import AgentCard
from genesis_server.model.money import Money
from genesis_server.model.routing import Assignment, RoutingConstraints, Target, TargetKind, TaskRoute, UnassignedReason
from genesis_server.model.validation import Finding, FindingKind, Principle, Reallocate, Severity
from genesis_server.validation.fitness import Fitness
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.schedule import NANOS_PER_SECOND, Timetable

_NOT_FOR_US = frozenset({UnassignedReason.BUDGET, UnassignedReason.DEADLINE, UnassignedReason.UNHEALTHY})
"""Reasons that another target does not take away, as far as a verdict can tell."""


@dataclass(frozen=True, slots=True)
class RoutingCheck:
    """What the routing is judged with."""

    graph: PlanGraph
    routes: Sequence[TaskRoute]
    assigned: Mapping[int, Assignment]
    fitness: Fitness
    constraints: RoutingConstraints
    threshold: float
    unjudged: frozenset[int]
    """Rows that nobody can do, or whose words were not compared: their lack of an assignment is no fault of the routing."""
    times: Timetable | None
    goal: str = ""
    """The words of the whole: a target that fits them may fit a task whose own words say too little."""

    def findings(self) -> Iterator[Finding]:
        """Everything wrong with the routing."""
        yield from _dangling(self)
        by_id = first_routes(self.routes)
        for row in self.graph.work:
            assignment = self.assigned.get(row)
            if assignment is not None:
                yield from _target(self, row, assignment)
            elif row not in self.unjudged:
                yield _unassigned(self, row, by_id.get(self.graph.tasks.ids[row]))
        yield from _overload(self, self.assigned)
        yield from _budget(self, self.assigned)
        yield from _deadline(self)


def first_routes(routes: Sequence[TaskRoute]) -> dict[str, TaskRoute]:
    """Routes by task; of several for one task the first counts."""
    return {route.task_id: route for route in reversed(routes)}


def assignments(graph: PlanGraph, routes: Mapping[str, TaskRoute]) -> dict[int, Assignment]:
    """Assignments of primitive tasks, by row in the plan's order."""
    found: dict[int, Assignment] = {}
    for row in graph.work if routes else ():
        route = routes.get(graph.tasks.ids[row])
        if route is not None and route.assignment is not None:
            found[row] = route.assignment
    return found


def load_of(assigned: Mapping[int, Assignment]) -> Counter[str]:
    """How many tasks each agent has."""
    return Counter(assignment.target.id for assignment in assigned.values() if assignment.target.kind is not TargetKind.TOOL)


def _error(kind: FindingKind, message: str, *task_ids: str, fix: Reallocate | None = None) -> Finding:
    return Finding(kind, Principle.ROUTING, Severity.ERROR, message, task_ids=task_ids, fix=fix)


def _dangling(check: RoutingCheck) -> Iterator[Finding]:
    known = set(check.graph.tasks.ids)
    seen: set[str] = set()
    for route in check.routes:
        name = route.task_id
        if name not in known:
            yield _error(FindingKind.DANGLING_REFERENCE, f"a route is for task '{name}', which is not in the plan; take it out", name)
        elif name in seen:
            yield _error(FindingKind.DUPLICATE_TASK_ID, f"more than one route is for task '{name}'; the first counts; keep one", name)
        seen.add(name)


def _target(check: RoutingCheck, row: int, assignment: Assignment) -> Iterator[Finding]:
    graph, fitness, target = check.graph, check.fitness, assignment.target
    name, capability = graph.tasks.ids[row], graph.tasks.capabilities[row]
    owner = fitness.owner(target)
    kind, wrong = FindingKind.UNKNOWN_TARGET, ""
    if owner is None:
        wrong = f"there is no {'tool' if target.kind is TargetKind.TOOL else 'agent'} '{target.id}'"
    elif isinstance(owner, AgentCard) and (missing := _missing_part(fitness, target)):
        wrong = missing
    elif refused := fitness.refusal(row, owner) or _unable(check, row, target):
        kind, wrong = FindingKind.UNFIT_TARGET, refused
    elif forbidden := fitness.forbidden(row, owner):
        kind, wrong = FindingKind.FORBIDDEN_DATA_CLASS, forbidden
    elif target.id in fitness.unhealthy:
        kind, wrong = FindingKind.UNHEALTHY_TARGET, "it is not healthy"
    if wrong:
        other = fitness.alternative(row)
        fix = Reallocate(name, other) if other is not None and other != target else None
        advice = f"; '{fix.target.id}' could do it" if fix is not None else "" if row in check.unjudged else "; nobody else could do it"
        wants = f" (it needs '{capability}')" if capability else ""
        yield _error(kind, f"task '{name}'{wants} cannot go to '{target.id}': {wrong}{advice}", name, fix=fix)
    limits = graph.tasks.constraints.get(row)
    if limits is not None and limits.max_cost is not None and assignment.expected_cost.nanos > limits.max_cost.nanos:
        message = f"task '{name}' costs {assignment.expected_cost}, at most {limits.max_cost} is allowed; choose a cheaper one"
        yield _error(FindingKind.OVER_BUDGET, message, name)


def _missing_part(fitness: Fitness, target: Target) -> str:
    """What a target names that its agent has not; empty when it has everything."""
    if target.model_id and fitness.model_price(target) is None:
        return f"the agent has no model '{target.model_id}'"
    if target.skill_id and not fitness.offers(target, target.skill_id):
        return f"the agent has no skill '{target.skill_id}'"
    return ""


def _unable(check: RoutingCheck, row: int, target: Target) -> str:
    """Why a target cannot do a task for lack of the capability; empty when it can."""
    if check.fitness.by_capability(row):
        capability = check.graph.tasks.capabilities[row]
        if not check.fitness.offers(target, capability):
            return "it does not offer that"
        return f"it would use its skill '{target.skill_id}'" if target.skill_id not in {"", capability} else ""
    if row in check.unjudged or check.fitness.similarity(row, target) >= check.threshold / 2:
        return ""
    if check.goal and check.fitness.similarity_with(check.goal, target) >= check.threshold / 2:
        return ""
    return "hardly a word of its skills fits the task"


def _unassigned(check: RoutingCheck, row: int, route: TaskRoute | None) -> Finding:
    name = check.graph.tasks.ids[row]
    unassigned = route.unassigned if route is not None else None
    if unassigned is not None and (unassigned.reason in _NOT_FOR_US or _has_limit_of_cost_or_time(check, row)):
        why = unassigned.message or unassigned.reason.name.lower()
        return _error(FindingKind.UNASSIGNED_TASK, f"task '{name}' has nobody: {why}", name)
    other = check.fitness.alternative(row)
    if other is not None:
        message = f"task '{name}' has nobody, though '{other.id}' could do it"
        return _error(FindingKind.UNASSIGNED_TASK, message, name, fix=Reallocate(name, other))
    why = "; ".join(check.fitness.refusals(row)[:3]) or "everybody is ruled out"
    return _error(FindingKind.UNASSIGNED_TASK, f"task '{name}' has nobody, because of the constraints: {why}", name)


def _has_limit_of_cost_or_time(check: RoutingCheck, row: int) -> bool:
    """Whether a limit binds that only the router can tell of: what another target would cost, and when it would be done."""
    own = check.graph.tasks.constraints.get(row)
    return check.constraints.deadline_seconds is not None or (
        own is not None and (own.max_cost is not None or own.deadline_seconds is not None)
    )


def _overload(check: RoutingCheck, assigned: Mapping[int, Assignment]) -> Iterator[Finding]:
    if check.times is None:
        return
    together: dict[tuple[int, str], list[int]] = {}
    for row, assignment in assigned.items():
        if assignment.target.kind is not TargetKind.TOOL:
            together.setdefault((int(check.times.levels[row]), assignment.target.id), []).append(row)
    for (level, agent_id), rows in together.items():
        agent = check.fitness.owner(assigned[rows[0]].target)
        capacity = agent.max_concurrent_tasks if isinstance(agent, AgentCard) else len(rows)
        if len(rows) > capacity:
            names = tuple(check.graph.tasks.ids[row] for row in rows)
            other = check.fitness.another(rows[-1], agent_id)
            fix = Reallocate(names[-1], other) if other is not None else None
            advice = f"'{other.id}' could take '{names[-1]}'" if other is not None else "some wait, and nobody else has room"
            message = f"agent '{agent_id}' has {len(rows)} tasks at level {level + 1}, but takes {capacity} at once; {advice}"
            yield Finding(FindingKind.OVERLOAD, Principle.ROUTING, Severity.WARNING, message, task_ids=names[:100], fix=fix)


def _budget(check: RoutingCheck, assigned: Mapping[int, Assignment]) -> Iterator[Finding]:
    budget = check.constraints.budget
    if budget is None:
        return
    total = Money(sum(assignment.expected_cost.nanos for assignment in assigned.values()), budget.currency)
    if total.nanos > budget.nanos:
        yield _error(FindingKind.OVER_BUDGET, f"the assignments cost {total} together, the budget is {budget}; raise it or route again")


def _deadline(check: RoutingCheck) -> Iterator[Finding]:
    if check.times is None:
        return
    times, tasks = check.times, check.graph.tasks
    limit = check.constraints.deadline_seconds
    if limit is not None and times.makespan > round(limit * NANOS_PER_SECOND):
        path = tuple(tasks.ids[row] for row in times.critical_path[:100])
        seconds = times.makespan / NANOS_PER_SECOND
        message = f"the critical path takes {seconds:g} s, the deadline is {limit:g} s; shorten it or give more time"
        yield _error(FindingKind.OVER_DEADLINE, message, *path)
    for row, own in tasks.constraints.items():
        if own.deadline_seconds is not None and times.ends[row] > round(own.deadline_seconds * NANOS_PER_SECOND):
            message = (
                f"task '{tasks.ids[row]}' ends {times.ends[row] / NANOS_PER_SECOND:g} s after the start, "
                f"its deadline is {own.deadline_seconds:g} s"
            )
            yield _error(FindingKind.OVER_DEADLINE, message, tasks.ids[row])
