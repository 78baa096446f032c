"""Ids of replacements: `<id>~2` does what `<id>` failed to do, `<id>~3` what both failed to do."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from genesis_server.model.plan import Task

_NUMBERED = re.compile(r"(?s)(.+)~([1-9][0-9]*)")


def line_of(task_id: str) -> tuple[str, int]:
    """What a task stands for, and the how manieth attempt it is."""
    found = _NUMBERED.fullmatch(task_id)
    return (found[1], int(found[2])) if found else (task_id, 1)


def next_id(task_id: str, taken: Container[str]) -> str:
    """The id of the next attempt at what a task stands for."""
    root, number = line_of(task_id)
    number += 1
    while f"{root}~{number}" in taken:
        number += 1
    return f"{root}~{number}"


def attempts(task: Task, tasks: Iterable[Task]) -> list[Task]:
    """All attempts at what a task stands for, itself included, the first one first."""
    root, _ = line_of(task.id)
    found = [other for other in tasks if other.parent_id == task.parent_id and line_of(other.id)[0] == root]
    return sorted(found, key=lambda other: line_of(other.id)[1])
