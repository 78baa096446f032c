"""A plan as a line of events: each task begins and ends, headings begin before and end after the tasks under them.

An edge from or to a heading means every task under it. Two events for each task keep that as small as the plan itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from genesis_server.model.plan import Plan, TaskKind
from genesis_server.resilience.errors import RoutingError


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events of a plan; event 2n is the begin of task n, event 2n + 1 its end."""

    order: Sequence[int]
    """Every event after all it waits for; ties in the plan's order."""
    before: Sequence[Sequence[int]]
    """For each event the events it waits for."""
    work: Sequence[bool]
    """For each task whether it is primitive."""
    levels: Sequence[int]
    """For each task the longest chain of primitive tasks before it; tasks of one level can run at the same time."""


def timeline_of(plan: Plan) -> Timeline:
    """The events of a plan. Raises RoutingError INVALID_PLAN when the plan is no sound graph."""
    tasks = plan.tasks
    number_of: dict[str, int] = {}
    for number, task in enumerate(tasks):
        if number_of.setdefault(task.id, number) != number:
            raise _invalid("DUPLICATE_TASK_ID", [task.id], f"two tasks have the id {task.id!r}; give each its own")
    before: list[list[int]] = [[] for _ in range(2 * len(tasks))]
    parents = [-1] * len(tasks)
    for number, task in enumerate(tasks):
        before[2 * number + 1].append(2 * number)
        if task.parent_id:
            parent = number_of.get(task.parent_id, -1)
            if parent < 0:
                message = f"task {task.id!r} has the parent {task.parent_id!r}, which is not in the plan; name one that is"
                raise _invalid("DANGLING_REFERENCE", [task.id, task.parent_id], message)
            parents[number] = parent
            before[2 * number].append(2 * parent)
            before[2 * parent + 1].append(2 * number + 1)
    for edge in plan.edges:
        first, second = number_of.get(edge.from_id, -1), number_of.get(edge.to_id, -1)
        if first < 0 or second < 0:
            missing = edge.from_id if first < 0 else edge.to_id
            message = f"the edge {edge.from_id!r} to {edge.to_id!r} names {missing!r}, which is not in the plan; take the edge out"
            raise _invalid("DANGLING_REFERENCE", [edge.from_id, edge.to_id], message)
        if first == second:
            raise _invalid("SELF_DEPENDENCY", [edge.from_id], f"task {edge.from_id!r} waits for itself; take the edge out")
        before[2 * second].append(2 * first + 1)
    has_children = {parent for parent in parents if parent >= 0}
    work = [
        task.kind is TaskKind.PRIMITIVE or (task.kind is TaskKind.UNSPECIFIED and number not in has_children)
        for number, task in enumerate(tasks)
    ]
    order, depth = _ordered(before, work)
    if len(order) < len(before):
        raise _circle(plan, parents, before, order)
    return Timeline(order, before, work, depth[::2])


def _ordered(before: Sequence[Sequence[int]], work: Sequence[bool]) -> tuple[list[int], list[int]]:
    """Kahn's algorithm; events in a circle are left out. With it the ends of primitive tasks on the longest chain up to each event."""
    waiting = [len(events) for events in before]
    after: list[list[int]] = [[] for _ in before]
    for event, earlier in enumerate(before):
        for other in earlier:
            after[other].append(event)
    depth = [0] * len(before)
    order = [event for event, count in enumerate(waiting) if count == 0]
    for event in order:
        reached = depth[event] = depth[event] + (event % 2 == 1 and work[event // 2])
        for later in after[event]:
            depth[later] = max(depth[later], reached)
            waiting[later] -= 1
            if waiting[later] == 0:
                order.append(later)
    return order, depth


def _circle(plan: Plan, parents: Sequence[int], before: Sequence[Sequence[int]], order: Sequence[int]) -> RoutingError:
    """The error for a plan whose events wait for each other in a circle."""
    left = set(range(len(before))).difference(order)
    path = [min(left)]
    while path.count(path[-1]) < 2:
        path.append(next(event for event in before[path[-1]] if event in left))
    circle = path[path.index(path[-1]) :][::-1]
    ids: list[str] = []
    for event in circle:
        name = plan.tasks[event // 2].id
        if not ids or ids[-1] != name:
            ids.append(name)
    if len(ids) == 1:
        ids *= 2
    inside = _edge_into_own_heading(circle, parents)
    if inside is not None:
        first, second = plan.tasks[inside[0]].id, plan.tasks[inside[1]].id
        message = f"the edge {first!r} to {second!r} joins a task and a heading it stands under; take the edge out"
        return _invalid("SELF_DEPENDENCY", [first, second], message)
    if _only_parents(circle, parents):
        return _invalid("PARENT_CYCLE", ids, f"the tasks {' > '.join(ids)} are each other's parents; take one of the parents out")
    return _invalid("CYCLE", ids, f"the tasks {' > '.join(ids)} wait for each other; take one of the dependencies out")


def _edge_into_own_heading(circle: Sequence[int], parents: Sequence[int]) -> tuple[int, int] | None:
    """The first edge of the circle that joins a task and a heading it stands under."""
    for earlier, later in pairwise(circle):
        if (
            earlier % 2 == 1
            and later % 2 == 0
            and (_stands_under(earlier // 2, later // 2, parents) or _stands_under(later // 2, earlier // 2, parents))
        ):
            return earlier // 2, later // 2
    return None


def _stands_under(number: int, heading: int, parents: Sequence[int]) -> bool:
    for _ in parents:
        number = parents[number]
        if number == heading or number < 0:
            break
    return number == heading


def _only_parents(circle: Sequence[int], parents: Sequence[int]) -> bool:
    """Whether every step of the circle goes from a begin to a begin or from an end to an end, as only parents make them."""
    return all(
        earlier % 2 == later % 2 and (parents[later // 2] == earlier // 2 or parents[earlier // 2] == later // 2)
        for earlier, later in pairwise(circle)
    )


def _invalid(finding: str, task_ids: Sequence[str], message: str) -> RoutingError:
    return RoutingError(
        "INVALID_PLAN",
        f"{message}. Validate tells every finding",
        facts={"finding": finding, "task_ids": ",".join([_in_list(name) for name in task_ids])},
    )


def _in_list(name: str) -> str:
    """An id in a list joined by commas: percent-encoded where it has a comma of its own (RFC 3986, 2.1)."""
    return name.replace("%", "%25").replace(",", "%2C")
