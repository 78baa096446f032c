"""The proof of a route: candidates with their scores, what refused them, what decided."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.money import Money
from genesis_server.model.plan import Task
from genesis_server.model.routing import (
    Candidate,
    ExplanationLevel,
    NearestMiss,
    RouteExplanation,
    RoutingConstraints,
    ScoreParts,
    Target,
    UnassignedReason,
)
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.limits import failed_reasons, limits_of
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.selection import SCORE_DECIMALS, Field
from genesis_server.routing.wording import any_of, class_text, difference, name_of, seconds_text

SUMMARY_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Describer:
    """Says what the columns mean; places count from a task's first candidate."""

    candidates: Candidates
    policy: RoutingPolicy
    constraints: RoutingConstraints
    currency: str

    def target(self, field: Field, place: int) -> Target:
        """Who a candidate is."""
        return self.candidates.pool.targets[self.candidates.values.rows[field.first + place]]

    def cost(self, field: Field, place: int) -> Money:
        """What a candidate is expected to cost."""
        return Money(self.candidates.values.costs[field.first + place], self.currency)

    def score(self, field: Field, place: int) -> float:
        """A candidate's score, 0 to 1."""
        return min(1.0, field.score[place])

    def parts(self, field: Field, place: int) -> ScoreParts:
        """The parts of a candidate's score."""
        at, values = field.first + place, self.candidates.values
        return ScoreParts(values.skill[at], values.success[at], field.cheapness[place], field.load[place])

    def explanation(
        self, task: Task, field: Field, chosen: int | None, *, level: ExplanationLevel, decisive: str
    ) -> RouteExplanation | None:
        """The proof at a level; None at NONE."""
        if level is ExplanationLevel.NONE:
            return None
        count = len(field.failed)
        shown = list(field.order[:SUMMARY_CANDIDATES])
        if level is ExplanationLevel.FULL:
            shown = [*field.order, *self._refused(field)]
        elif len(shown) < min(SUMMARY_CANDIDATES, count):
            shown += self._refused(field)[: SUMMARY_CANDIDATES - len(shown)]
        if chosen is not None and chosen not in shown:
            shown[-1] = chosen
        return RouteExplanation(
            level=level,
            candidates=tuple([self._candidate(task, field, place) for place in shown]),
            decisive_difference=decisive,
            tie_break=field.tie_break if chosen is not None and chosen == field.order[0] else "",
            feasible_count=len(field.order),
            candidate_count=count,
        )

    def decisive(self, field: Field, chosen: int) -> str:
        """What decided between the choice and the next, in words."""
        if len(field.order) == 1:
            return "the only candidate that passes every hard constraint"
        best, second = field.order[0], field.order[1]
        if chosen != best:
            loss = self.score(field, best) - self.score(field, chosen)
            saved = Money(self.cost(field, best).nanos - self.cost(field, chosen).nanos, self.currency)
            return f"saves {saved} for {loss:.2f} of score against {name_of(self.target(field, best))}, to keep the budget"
        words = difference(self.parts(field, best), self.parts(field, second), self.policy)
        return f"{words} against {name_of(self.target(field, second))}"

    def nearest_miss(self, task: Task, field: Field) -> tuple[NearestMiss, str] | None:
        """The refused candidate that failed the fewest constraints, then the best by score; and what would help it."""
        refused = self._refused(field)
        if not refused:
            return None
        place = refused[0]
        failed = failed_reasons(field.failed[place])
        missing = "; ".join([self._what_failed(task, field, place, reason) for reason in failed])
        help_text = " and ".join([self._what_helps(task, field, place, reason) for reason in failed])
        return NearestMiss(self.target(field, place), failed, missing), help_text

    def _refused(self, field: Field) -> list[int]:
        places: list[int] = [place for place, flags in enumerate(field.failed) if flags]
        ranks, rows = self.candidates.pool.ranks, self.candidates.values.rows
        places.sort(
            key=lambda place: (
                field.failed[place].bit_count(),
                -round(field.score[place], SCORE_DECIMALS),
                int(ranks[rows[field.first + place]]),
            )
        )
        return places

    def _candidate(self, task: Task, field: Field, place: int) -> Candidate:
        flags = field.failed[place]
        failed = failed_reasons(flags) if flags else ()
        return Candidate(
            target=self.target(field, place),
            score=0.0 if failed else self.score(field, place),
            parts=self.parts(field, place),
            expected_cost=self.cost(field, place),
            failed=failed,
            detail="; ".join([self._what_failed(task, field, place, reason) for reason in failed]) if failed else "",
        )

    def _what_failed(  # noqa: PLR0911 - a sentence for each reason
        self, task: Task, field: Field, place: int, reason: UnassignedReason
    ) -> str:
        row = self.candidates.values.rows[field.first + place]
        target = self.target(field, place)
        limits = limits_of(task, self.constraints)
        match reason:
            case UnassignedReason.REGION:
                region = self.candidates.pool.regions[row]
                return f"{target.id} {f'runs in {region}' if region else 'has no region'}; allowed: {any_of(limits.regions)}"
            case UnassignedReason.DATA_CLASS:
                cleared = class_text(int(self.candidates.pool.clearances[row]))
                return f"{target.id} may see {cleared} data at most; the task's are {class_text(limits.data_class)}"
            case UnassignedReason.UNHEALTHY:
                return f"{target.id} is unhealthy"
            case UnassignedReason.EXCLUDED:
                return f"{target.id} is excluded by the request"
            case UnassignedReason.DEADLINE:
                latest = seconds_text(max(0.0, field.latest_end_seconds))
                return f"{name_of(target)} would end {self._end(field, place)} after the plan's start, later than {latest}"
            case UnassignedReason.BUDGET:
                return f"{name_of(target)} costs {self.cost(field, place)}; the task may cost {Money(limits.max_cost or 0, self.currency)}"
            case _:
                score = self.candidates.values.skill[field.first + place]
                return f"the words of {target.skill_id or target.id} fit {score:.2f}; needed: {self.policy.match.text_threshold:.2f}"

    def _what_helps(  # noqa: PLR0911 - a sentence for each reason
        self, task: Task, field: Field, place: int, reason: UnassignedReason
    ) -> str:
        target = self.target(field, place)
        limits = limits_of(task, self.constraints)
        match reason:
            case UnassignedReason.REGION:
                region = self.candidates.pool.regions[self.candidates.values.rows[field.first + place]]
                return f"allow the region {region}" if region else f"give {target.id} a region or allow any"
            case UnassignedReason.DATA_CLASS:
                return f"clear {target.id} for {class_text(limits.data_class)} data"
            case UnassignedReason.UNHEALTHY:
                return f"wait for {target.id} to get well"
            case UnassignedReason.EXCLUDED:
                return f"take {target.id} out of excluded_targets"
            case UnassignedReason.DEADLINE:
                return f"allow it to end after {self._end(field, place)}"
            case UnassignedReason.BUDGET:
                return f"raise the task's max_cost to {self.cost(field, place)}"
            case _:
                return "name a capability of the catalogue or add somebody who has it"

    def _end(self, field: Field, place: int) -> str:
        return seconds_text(field.start_seconds + self.candidates.values.seconds[field.first + place])
