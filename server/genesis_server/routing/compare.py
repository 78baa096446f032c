"""What another rulebook, another load or another plan would make of a routing."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.routing import Routing, Target, TaskRoute, Unassigned, UnassignedReason
from genesis_server.routing.wording import name_of


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A task that goes to somebody else."""

    task_id: str
    before: Target | None
    """None: nobody, or the task was not there."""
    after: Target | None
    because: tuple[str, ...]
    """Ids of the rules that fired in one of the routings only; needs explanations in both."""
    text: str


def changes(before: Routing, after: Routing) -> tuple[RouteChange, ...]:
    """The tasks that go to somebody else, in the order of `after`, then those that are in `before` only."""
    earlier = {route.task_id: route for route in before.routes}
    later = {route.task_id: route for route in after.routes}
    found: list[RouteChange] = []
    for task_id in [*later, *[name for name in earlier if name not in later]]:
        old, new = earlier.get(task_id), later.get(task_id)
        was, becomes = _target(old), _target(new)
        if was != becomes:
            because = _only_once(old, new)
            found.append(RouteChange(task_id, was, becomes, because, _text(was, becomes, new, because)))
    return tuple(found)


def _target(route: TaskRoute | None) -> Target | None:
    return route.assignment.target if route is not None and route.assignment is not None else None


def _only_once(old: TaskRoute | None, new: TaskRoute | None) -> tuple[str, ...]:
    """Rules that fired before or after only, and rules that did something else; those that fire now first."""
    fired_before, fired_after = _fired(old), _fired(new)
    appeared = [name for name, what in fired_after.items() if fired_before.get(name) != what]
    return (*appeared, *[name for name in fired_before if name not in fired_after])


def _fired(route: TaskRoute | None) -> dict[str, object]:
    """What each rule that fired does, and for how many."""
    if route is None or route.explanation is None:
        return {}
    return {rule.rule_id: (rule.effect, rule.priority, rule.candidate_count) for rule in route.explanation.fired}


def _text(was: Target | None, becomes: Target | None, new: TaskRoute | None, because: tuple[str, ...]) -> str:
    """The change in a sentence."""
    text = f"goes to {_name(becomes)} instead of {_name(was)}"
    if because:
        text += f" because of {', '.join(because)}"
    refused = new.unassigned if new is not None else None
    return text + _why_nobody(refused)


def _why_nobody(refused: Unassigned | None) -> str:
    if refused is None:
        return ""
    return f" ({'a rule refuses everybody' if refused.reason is UnassignedReason.RULE else refused.message})"


def _name(target: Target | None) -> str:
    return name_of(target) if target is not None else "nobody"
