"""The proof of a route, as much of it as a level carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from itertools import islice

from genesis_server.model.money import Money
from genesis_server.model.plan import Task
from genesis_server.model.routing import BlockedRule, Counterfactual, ExplanationLevel, Fact, FiredRule, RouteExplanation
from genesis_server.routing.blocked import refusals, would_change
from genesis_server.routing.case import Case, Decided, case_of
from genesis_server.routing.counterfactuals import LIMITS, counterfactuals, told
from genesis_server.routing.decisive import decisive_set
from genesis_server.routing.describing import Describer
from genesis_server.routing.rule_changes import with_rules, without_rules
from genesis_server.routing.rules.judging import CompiledRule
from genesis_server.routing.rulings import Verdicts
from genesis_server.routing.selection import Field

SUMMARY_CANDIDATES = 3
SUMMARY_COUNTERFACTUALS = 1


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains the choice for each task of a call."""

    describer: Describer
    decided: Decided
    level: ExplanationLevel
    """SUMMARY or FULL."""
    _refusals: dict[tuple[Verdicts, int], CompiledRule | None] = attribute(
        default_factory=dict["tuple[Verdicts, int]", "CompiledRule | None"]
    )

    def explain(self, job: int, task: Task, field: Field, chosen: int | None, decisive: str) -> RouteExplanation:
        """The proof; `chosen` is a place in the task's field, `decisive` what decided in words."""
        describer = self.describer
        case = _Once(self.decided, job)
        is_full = self.level is ExplanationLevel.FULL
        found = case() if is_full else None
        return RouteExplanation(
            level=self.level,
            candidates=describer.described(job, task, field, self._shown(field, chosen)),
            decisive_difference=decisive,
            tie_break=field.tie_break if chosen is not None and chosen == field.preferred else "",
            feasible_count=field.feasible,
            candidate_count=field.size,
            facts=self._facts(job) if is_full else (),
            fired=self._fired(job, field),
            blocked=self._blocked(job, field, chosen, case),
            load=describer.load_choice(field),
            counterfactuals=self._counterfactuals(job, field, chosen, case),
            decisive=decisive_set(found) if found is not None else None,
        )

    def _shown(self, field: Field, chosen: int | None) -> list[int]:
        if self.level is ExplanationLevel.FULL:
            return [*field.order, *self.describer.refused(field)]
        shown = list(field.standing.order[field.first : field.first + min(field.feasible, SUMMARY_CANDIDATES)])
        if len(shown) < SUMMARY_CANDIDATES and len(shown) < field.size:
            shown += self.describer.refused(field)[: SUMMARY_CANDIDATES - len(shown)]
        if chosen is not None and chosen not in shown:
            shown[-1] = chosen
        return shown

    def _facts(self, job: int) -> tuple[Fact, ...]:
        """The facts the rules read, those that are missing too."""
        rulings = self.describer.rulings
        return tuple([rulings.facts[job].fact(name) for name in rulings.book.facts_read])

    def _fired(self, job: int, field: Field) -> tuple[FiredRule, ...]:
        candidates = self.describer.candidates
        rows = candidates.values.rows[field.first : field.first + field.size]
        return self.describer.rulings.told_all(job, candidates.capabilities[job], rows)

    def _blocked(self, job: int, field: Field, chosen: int | None, case: _Once) -> tuple[BlockedRule, ...]:
        rulings = self.describer.rulings
        if self.level is ExplanationLevel.FULL:
            fired = rulings.verdicts[job].numbers
            return tuple([rulings.blocked(job, rule) for rule in rulings.book.rules if rule.number not in fired])
        rule = None if chosen is None else self._first_refusal(job, self.describer.row(field, chosen))
        if rule is None:
            rule = next(self._would_change(job, field, chosen, case), None)
        return () if rule is None else (rulings.blocked(job, rule),)

    def _first_refusal(self, job: int, row: int) -> CompiledRule | None:
        """The first rule that would have refused who was chosen; the same for tasks for which the same rules fired."""
        rulings = self.describer.rulings
        key = rulings.verdicts[job], row
        if key not in self._refusals:
            self._refusals[key] = next(refusals(rulings.book, *key), None)
        return self._refusals[key]

    def _would_change(self, job: int, field: Field, chosen: int | None, case: _Once) -> Iterator[CompiledRule]:
        rulings = self.describer.rulings
        rows = self.describer.candidates.values.rows[field.first : field.first + field.size]
        feasible = [rows[place] for place in field.order]
        chosen_row = None if chosen is None else rows[chosen]
        return would_change(rulings.book, rulings.verdicts[job], rows=rows, feasible=feasible, chosen=chosen_row, case=case)

    def _counterfactuals(self, job: int, field: Field, chosen: int | None, case: _Once) -> tuple[Counterfactual, ...]:
        by_budget = self._by_budget(job, field, chosen)
        if self.level is not ExplanationLevel.FULL:
            if by_budget or field.feasible == field.size or not any(flags & LIMITS for flags in field.failed):
                return by_budget[:SUMMARY_COUNTERFACTUALS]
            return tuple(islice(self._by_limits(case), SUMMARY_COUNTERFACTUALS))
        return (*by_budget, *self._by_limits(case), *self._by_rules(job, field, chosen, case))

    def _by_limits(self, case: _Once) -> Iterator[Counterfactual]:
        found = case()
        return counterfactuals(found, self.describer.currency) if found is not None else iter(())

    def _by_rules(self, job: int, field: Field, chosen: int | None, case: _Once) -> Iterator[Counterfactual]:
        found = case()
        if found is None:
            return
        rulings = self.describer.rulings
        yield from without_rules(found)
        yield from with_rules(found, [(rule, rulings.blocked(job, rule)) for rule in self._would_change(job, field, chosen, case)])

    def _by_budget(self, job: int, field: Field, chosen: int | None) -> tuple[Counterfactual, ...]:
        """The budget at which the task would have got another choice, or one at all."""
        selection, cheapest = self.decided.selection, self.decided.cheapest
        found = selection.undone_at.get(job)
        if chosen is None and field.feasible:
            place = cheapest.places[job]
            found = None if place is None else (cheapest.total, place)
        if found is None:
            return ()
        budget, place = found
        change = f"plan.budget >= {Money(budget, self.describer.currency)}"
        return (told(change, self.describer.target(field, place)),)


class _Once:
    """The case of a task, made when it is first asked for."""

    def __init__(self, decided: Decided, job: int) -> None:
        self._decided: Decided | None = decided
        self._job = job
        self._case: Case | None = None

    def __call__(self) -> Case | None:
        """The case; None when there is none."""
        if self._decided is not None:
            self._case = case_of(self._decided, self._job)
            self._decided = None
        return self._case
