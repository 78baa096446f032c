"""Guards make a task wait as edges do; together they must not go round in a circle."""

from __future__ import annotations

from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.order import CycleError


class _Back(Exception):  # noqa: N818  (a way out, not a failure)
    """Takes the trial edges back."""


def circle(graph: TaskGraph) -> str:
    """Which tasks would wait for each other, guards included; empty when none would."""
    guarded = [(task, guard.task_id) for task in graph.tasks() if not task.state.ended for guard in task.guards if guard.task_id in graph]
    problem = ""
    try:
        with graph.transaction():
            for task, asked in guarded:
                if not graph.task(asked).state.ended and graph.add_edge(asked, task.id) is None:
                    problem = f"the condition of {task.id!r} asks {asked!r}, and one of them contains the other"
            raise _Back
    except _Back:
        return problem
    except CycleError as error:
        return f"with its conditions, {error}"
