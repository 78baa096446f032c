"""The answer for one task: who does it and why, or why nobody does and what would help."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute

from genesis_server.model.money import Money
from genesis_server.model.plan import Task
from genesis_server.model.routing import Assignment, NearestMiss, TaskRoute, Unassigned, UnassignedReason
from genesis_server.routing.describing import Describer
from genesis_server.routing.explanation import Explainer
from genesis_server.routing.selection import Field
from genesis_server.routing.wording import name_of

MAX_TEXT = 2_000
"""Characters of a sentence for people; the contract's bound."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Turns choices into routes."""

    describer: Describer
    explainer: Explainer | None
    """None: without the proof."""
    cheapest_total: Money

    _expected: dict[tuple[float, int], str] = attribute(default_factory=dict[tuple[float, int], str])

    def route(self, job: int, task: Task, field: Field, chosen: int | None) -> TaskRoute:
        """The route of a task; `job` counts the plan's tasks that are work, `chosen` is a place in the task's field."""
        describer, explainer = self.describer, self.explainer
        if chosen is None:
            unassigned = self._left_out_for_money(field) if field.feasible else self._nobody(job, task, field)
            return TaskRoute(task.id, None, unassigned, explainer.explain(job, task, field, None, "") if explainer else None)
        decisive = describer.decisive(field, chosen)
        cost = describer.cost(field, chosen)
        values, at = describer.candidates.values, field.first + chosen
        success = values.success[at]
        assignment = Assignment(
            target=describer.target(field, chosen),
            score=describer.score(field, chosen),
            expected_success=success,
            expected_cost=cost,
            expected_seconds=values.seconds[at],
            reason=_reason(field, chosen, decisive, self._facts(success, cost)),
        )
        return TaskRoute(task.id, assignment, None, explainer.explain(job, task, field, chosen, decisive) if explainer else None)

    def _facts(self, success: float, cost: Money) -> str:
        found = self._expected.get((success, cost.nanos))
        if found is None:
            found = self._expected[success, cost.nanos] = f"expected success {success:.2f} for {cost}"
        return found

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

    def _nobody(self, job: int, task: Task, field: Field) -> Unassigned:
        near = self.describer.nearest_miss(job, task, field)
        if near is None:
            return Unassigned(UnassignedReason.NO_CAPABILITY, "The catalogue is empty; add an agent or a tool.")
        miss, remedy = near
        reason = miss.failed[0]
        opening = "Nobody who could do it passes every hard constraint"
        if reason is UnassignedReason.NO_CAPABILITY:
            named = f"has the capability {task.capability!r} or " if task.capability else ""
            opening = f"Nobody {named}has skills whose words are near enough to the task's"
        message = f"{opening}. Nearest is {name_of(miss.target)}: {miss.missing}. It would help to {remedy}."
        return Unassigned(reason, message[:MAX_TEXT], miss)


def _reason(field: Field, chosen: int, decisive: str, facts: str) -> str:
    """Why this one, in one sentence."""
    if field.feasible == 1:
        return f"It is {decisive}: {facts}."
    balance = field.balance
    if chosen != field.preferred or (balance is not None and balance.is_by_load):
        return f"Chosen because it {decisive}: {facts}."
    if balance is not None and balance.is_sticky:
        return f"Chosen because it is {decisive}: {facts}."
    tie = f" ({field.tie_break})" if field.tie_break else ""
    return f"Best of {field.feasible} candidates{tie}: {decisive}; {facts}."
