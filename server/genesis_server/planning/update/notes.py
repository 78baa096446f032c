"""What happened to a plan, in one sentence."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from genesis_server.model.plan import Plan, PlanState, TaskState

MOST_NAMED = 5
"""Tasks, or events, that a sentence names; of the others it tells how many there are."""
MAX_NOTE_LENGTH = 1_000


def note_of(done: Sequence[str], others: Sequence[str], *, after: Plan, said: PlanState, ended: Collection[str]) -> str:
    """What was done, what else happened, what guards excluded, what a failure cancelled and how the plan ended.

    Args:
        done: tasks that are done.
        others: what the other events did, each in words.
        after: the plan with all consequences.
        said: the plan's state that is known already or that `others` tell of.
        ended: tasks whose end is known already or that `others` tell of.
    """
    new = [task for task in after.tasks if task.id not in ended]
    parts = [f"{listed(done)} {'is' if len(done) == 1 else 'are'} done"] if done else []
    parts += others[:MOST_NAMED]
    if len(others) > MOST_NAMED:
        parts.append(f"{len(others) - MOST_NAMED} more events")
    if skipped := [task.id for task in new if task.state is TaskState.SKIPPED]:
        parts.append(f"{listed(skipped)} skipped by a condition")
    cancelled = [task.id for task in new if task.state is TaskState.CANCELLED]
    if cancelled and after.state is not PlanState.CANCELLED:
        parts.append(f"{listed(cancelled)} cancelled for want of what failed")
    if after.state is not said:
        parts.append(f"the plan is {after.state.name.lower()}")
    note = "; ".join(parts)
    return note if len(note) <= MAX_NOTE_LENGTH else f"{note[: MAX_NOTE_LENGTH - 1]}…"


def listed(ids: Sequence[str]) -> str:
    """The first of these ids, and how many more there are."""
    return ", ".join(ids[:MOST_NAMED]) + (f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else "")
