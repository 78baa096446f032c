"""The answer for one task: who does it and why, or why nobody does and what would help."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.money import Money
from genesis_server.model.plan import Task
from genesis_server.model.routing import Assignment, ExplanationLevel, NearestMiss, TaskRoute, Unassigned, UnassignedReason
from genesis_server.routing.explanation import Describer
from genesis_server.routing.selection import Field
from genesis_server.routing.wording import name_of


@dataclass(frozen=True, slots=True)
class Answers:
    """Turns choices into routes."""

    describer: Describer
    level: ExplanationLevel
    cheapest_total: Money

    def route(self, task: Task, field: Field, chosen: int | None) -> TaskRoute:
        """The route of a task; `chosen` is a place in its field."""
        describer = self.describer
        if chosen is None:
            unassigned = self._left_out_for_money(field) if len(field.order) else self._nobody(task, field)
            return TaskRoute(task.id, None, unassigned, describer.explanation(task, field, None, level=self.level, decisive=""))
        decisive = describer.decisive(field, chosen)
        cost = describer.cost(field, chosen)
        values = describer.candidates.values
        success = values.success[field.first + chosen]
        assignment = Assignment(
            target=describer.target(field, chosen),
            score=describer.score(field, chosen),
            expected_success=success,
            expected_cost=cost,
            expected_seconds=values.seconds[field.first + chosen],
            reason=_reason(field, chosen, decisive, success, cost),
        )
        return TaskRoute(task.id, assignment, None, describer.explanation(task, field, chosen, level=self.level, decisive=decisive))

    def _left_out_for_money(self, field: Field) -> Unassigned:
        describer = self.describer
        cheapest = min(field.order, key=lambda place: describer.candidates.values.costs[field.first + place])
        target, cost = describer.target(field, cheapest), describer.cost(field, cheapest)
        message = (
            f"The budget does not reach: the cheapest candidate, {name_of(target)}, costs {cost}, which is more than is left. "
            f"The cheapest feasible total of the plan is {self.cheapest_total}; raise the budget to it."
        )
        missing = f"{cost} is more than is left of the budget"
        return Unassigned(UnassignedReason.BUDGET, message, NearestMiss(target, (UnassignedReason.BUDGET,), missing))

    def _nobody(self, task: Task, field: Field) -> Unassigned:
        near = self.describer.nearest_miss(task, field)
        if near is None:
            return Unassigned(UnassignedReason.NO_CAPABILITY, "The catalogue is empty; add an agent or a tool.")
        miss, remedy = near
        reason = miss.failed[0]
        opening = "Nobody who could do it passes every hard constraint"
        if reason is UnassignedReason.NO_CAPABILITY:
            named = f"has the capability {task.capability!r} or " if task.capability else ""
            opening = f"Nobody {named}has skills whose words are near enough to the task's"
        message = f"{opening}. Nearest is {name_of(miss.target)}: {miss.missing}. It would help to {remedy}."
        return Unassigned(reason, message, miss)


def _reason(field: Field, chosen: int, decisive: str, success: float, cost: Money) -> str:
    """Why this one, in one sentence."""
    facts = f"expected success {success:.2f} for {cost}"
    if len(field.order) == 1:
        return f"It is {decisive}: {facts}."
    if chosen != field.order[0]:
        return f"Chosen because it {decisive}: {facts}."
    tie = f" ({field.tie_break})" if field.tie_break else ""
    return f"Best of {len(field.order)} candidates{tie}: {decisive}; {facts}."
