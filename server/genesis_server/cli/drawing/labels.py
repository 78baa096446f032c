"""What is told of a task in every drawing: its words, its conditions, how it ended and whether it awaits approval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genesis.v1 import plan_pb2
from genesis_server.cli.text import enum_word, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genesis.v1.plan_pb2 import Guard, Task

GUARD_MARK = "◇"
"""Stands before a condition."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task that has ended, or that awaits approval, is drawn."""

    word: str
    mark: str
    fill: str
    stroke: str
    ended: bool = True


ENDINGS: Mapping[int, Ending] = {
    plan_pb2.TASK_STATE_DONE: Ending("done", "✓", "#f0fdf4", "#15803d"),
    plan_pb2.TASK_STATE_FAILED: Ending("failed", "✗", "#fef2f2", "#b91c1c"),
    plan_pb2.TASK_STATE_SKIPPED: Ending("skipped", "»", "#f8fafc", "#94a3b8"),
    plan_pb2.TASK_STATE_CANCELLED: Ending("cancelled", "–", "#f8fafc", "#94a3b8"),
    plan_pb2.TASK_STATE_AWAITING_APPROVAL: Ending("unapproved", "?", "#fffbeb", "#b45309", ended=False),
}
"""By state; other tasks that have not ended have none."""


def guard_words(task: Task) -> list[str]:
    """The conditions under which the task is done at all, each as the goal says it, or as it is compared."""
    return list(dict.fromkeys(plain(guard.text) or _compared(guard) for guard in task.guards))


def goal_words(task: Task) -> str:
    """What is to be done, without the conditions it begins with, for they are told apart."""
    words = plain(task.goal)
    for guard in guard_words(task):
        if words.lower().startswith(guard.lower()):
            words = words[len(guard) :].lstrip(" ,:;")
    return words or plain(task.goal) or plain(task.id)


def ending_mark(task: Task) -> str:
    """The mark of a task that has one, with a space behind it; empty otherwise."""
    ending = ENDINGS.get(task.state)
    return f"{ending.mark} " if ending else ""


def _compared(guard: Guard) -> str:
    operator = enum_word(plan_pb2.GuardOperator, guard.operator, "GUARD_OPERATOR_")
    return plain(f"if {guard.artefact or guard.task_id or 'it'} {operator} {guard.value}")
