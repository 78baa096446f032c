"""What a worker's function raises to end a task without a result."""

from __future__ import annotations


class Decline(Exception):  # noqa: N818 (it is no error: the task goes to another agent)
    """Raised by a worker's function: this agent does not want the task, and does not get it again. It counts for nothing."""


class TaskFailed(Exception):  # noqa: N818 (it says what became of the task)
    """Raised by a worker's function: the task failed."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        """With `permanent`, the same agent need not try again; another one, or another way, may."""
        super().__init__(message)
        self.permanent = permanent
