"""The least difference between two versions of a plan."""

from __future__ import annotations

from genesis_server.model.plan import Edge, Plan, PlanState
from genesis_server.model.update import PlanDiff


def difference(before: Plan, after: Plan) -> PlanDiff:
    """What to do to `before` to get `after`: nothing that is the same in both is named.

    An edge that changed its kind, artefact or origin goes and comes. Order: that of the plan it stands in. What is the same object in
    both is not looked into.
    """
    old = {task.id: task for task in before.tasks}
    new = {task.id for task in after.tasks}
    moved = [task for task in after.tasks if old.get(task.id) is not task]
    added_edges: tuple[Edge, ...] = ()
    removed_edges: tuple[Edge, ...] = ()
    if before.edges is not after.edges:
        old_edges, new_edges = set(before.edges), set(after.edges)
        added_edges = tuple([edge for edge in after.edges if edge not in old_edges])
        removed_edges = tuple([edge for edge in before.edges if edge not in new_edges])
    return PlanDiff(
        added_tasks=tuple([task for task in moved if task.id not in old]),
        changed_tasks=tuple([task for task in moved if task.id in old and old[task.id] != task]),
        removed_task_ids=tuple([task.id for task in before.tasks if task.id not in new]),
        added_edges=added_edges,
        removed_edges=removed_edges,
        state=PlanState.UNSPECIFIED if before.state is after.state else after.state,
    )
