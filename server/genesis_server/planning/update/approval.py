"""What an approval holds for: the work it was given to, whoever does it; other work is to be approved anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from genesis_server.model.plan import Task


def approved_as(task: Task, old: Task) -> Task:
    """A changed task with the approval of the old one, where it is the same work: the same words for the same capability."""
    is_same = (task.goal, task.capability) == (old.goal, old.capability)
    approved_by = old.approved_by if is_same else ""
    return task if task.approved_by == approved_by else replace(task, approved_by=approved_by)


def any_asks(tasks: Iterable[Task]) -> bool:
    """Whether any of these was not to be done without an approval."""
    return any(task.needs_approval for task in tasks)
