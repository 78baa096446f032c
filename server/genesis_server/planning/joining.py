"""Actions that belong to one task as one action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from genesis_server.model.plan import EdgeOrigin
from genesis_server.planning.actions import MAX_PER_ACTION, Action, Condition


def join_actions(actions: Sequence[Action], joins: Sequence[int | None]) -> tuple[list[Action], list[int]]:
    """The actions that are left, and for each action the place of the one it is in now.

    `joins[n]` is an earlier action that n becomes a part of, one that joins none itself and is under the same conditions. Words, spans,
    demands and what is waited for are kept; an action never waits for itself, nor for one behind it that waits for it.
    """
    left = [place for place, joined in enumerate(joins) if joined is None]
    number = {place: new for new, place in enumerate(left)}
    now = [number[place if joined is None else joined] for place, joined in enumerate(joins)]
    parts: list[list[Action]] = [[] for _ in left]
    waits: list[dict[int, EdgeOrigin]] = [{} for _ in left]
    for place, action in enumerate(actions):
        parts[now[place]].append(action)
        for other, why in zip(action.after, action.why_after, strict=True):
            waits[now[place]].setdefault(now[other], why)
    for place in range(len(left)):
        waits[place] = {other: why for other, why in waits[place].items() if not _reaches(other, place, waits)}
    return [_joined(some, after, now) for some, after in zip(parts, waits, strict=True)], now


def _joined(some: Sequence[Action], after: dict[int, EdgeOrigin], now: Sequence[int]) -> Action:
    first = some[0]
    order = sorted(after)
    deadlines = [action.deadline_seconds for action in some if action.deadline_seconds is not None]
    durations = [action.expected_seconds for action in some if action.expected_seconds is not None]
    return replace(
        first,
        text=". ".join(dict.fromkeys(action.text for action in some)),
        spans=tuple(sorted({span for action in some for span in action.spans}, key=lambda span: (span.start, span.end))),
        after=tuple(order),
        why_after=tuple(after[place] for place in order),
        guards=tuple(_moved(guard, now) for guard in first.guards),
        requirements=tuple(dict.fromkeys(one for action in some for one in action.requirements))[:MAX_PER_ACTION],
        expected_seconds=sum(durations) if durations else None,
        deadline_seconds=min(deadlines, default=None),
    )


def _moved(guard: Condition, now: Sequence[int]) -> Condition:
    return guard if guard.decider is None else replace(guard, decider=now[guard.decider])


def _reaches(start: int, goal: int, waits: Sequence[dict[int, EdgeOrigin]]) -> bool:
    """Whether `start` is `goal` or waits for it."""
    seen: set[int] = set()
    open_places = [start]
    while open_places:
        place = open_places.pop()
        if place == goal:
            return True
        if place not in seen:
            seen.add(place)
            open_places.extend(waits[place])
    return False
