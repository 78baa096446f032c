"""HALO's router, first tier: hard constraints, then a score, then a tie-break; every decision with its proof.

A pure function of plan, snapshot, constraints, seed and policy. For each primitive task the candidates are the offers of exactly
the capability it names, each with each of its models, or, when nobody has that, the offers whose words are near enough to the
task's. What fails a hard constraint is refused; the rest is scored by the weights of data/routing.toml. Equal scores go to the
cheaper, then the likelier, then the faster candidate, then by the order of ids (agent, model, skill), or to one drawn when the
seed is not 0. The order of the catalogue never matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genesis_server.agents.currencies import one_currency
from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import DEFAULT_SKILL_SECONDS
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan
from genesis_server.model.routing import (
    BudgetSummary,
    ExplanationLevel,
    Routing,
    RoutingConstraints,
)
from genesis_server.routing.answers import Answers
from genesis_server.routing.budget import Selection, afford, as_chosen, downgrade
from genesis_server.routing.candidates import Candidates, gather
from genesis_server.routing.deadlines import latest_ends
from genesis_server.routing.explanation import Describer
from genesis_server.routing.policy import RoutingPolicy, default_policy
from genesis_server.routing.pool import pool_of
from genesis_server.routing.selection import Objective, TieBreaker, fastest_times, select
from genesis_server.routing.timeline import Timeline, timeline_of

NO_CONSTRAINTS = RoutingConstraints()
MAX_CANDIDATES = 2_000_000
"""Candidates of all tasks together; about 150 bytes each while a call lasts."""
MAX_CANDIDATES_IN_FULL = 100_000
"""The same where the answer tells all of them, which takes ten times as much for each."""


def route_plan(
    plan: Plan,
    *,
    index: CatalogueIndex,
    constraints: RoutingConstraints = NO_CONSTRAINTS,
    explanation: ExplanationLevel = ExplanationLevel.SUMMARY,
    seed: int = 0,
    unhealthy: frozenset[str] = frozenset(),
    policy: RoutingPolicy | None = None,
) -> Routing:
    """One route for each primitive task, in the plan's order.

    `unhealthy` names agents and tools that get no work. Raises RoutingError INVALID_PLAN when the plan is no sound graph, and
    ValidationError INVALID_FIELD when amounts are in more than one currency or there are too many candidates.
    """
    policy = policy or default_policy()
    timeline = timeline_of(plan)
    pool = pool_of(index, policy)
    currency = one_currency(_amounts(plan, index, constraints))
    numbers = [number for number, is_work in enumerate(timeline.work) if is_work]
    tasks = [plan.tasks[number] for number in numbers]
    level = ExplanationLevel.SUMMARY if explanation is ExplanationLevel.UNSPECIFIED else explanation
    most = MAX_CANDIDATES_IN_FULL if level is ExplanationLevel.FULL else MAX_CANDIDATES
    candidates = gather(tasks, index=index, pool=pool, policy=policy, constraints=constraints, unhealthy=unhealthy, most=most)
    fastest = fastest_times(plan, numbers, candidates, default=DEFAULT_SKILL_SECONDS)
    choices = _Choices(
        plan=plan,
        numbers=numbers,
        timeline=timeline,
        candidates=candidates,
        policy=policy,
        tie_breaker=TieBreaker(seed),
        fastest=fastest,
        latest_ends=latest_ends(plan, timeline, fastest, constraints.deadline_seconds),
    )
    limit = constraints.budget.nanos if constraints.budget is not None else None
    selection, cheapest_total = choices.within(limit)
    answers = Answers(Describer(candidates, policy, constraints, currency), level, Money(cheapest_total, currency))
    routes = map(answers.route, tasks, selection.fields, selection.places)
    return Routing(
        routes=tuple(routes),
        budget=BudgetSummary(
            expected_total=Money(selection.total, currency),
            cheapest_feasible_total=answers.cheapest_total,
            limit=constraints.budget,
            met=limit is None or cheapest_total <= limit,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Choices:
    """The choice for every task, with and without a budget."""

    plan: Plan
    numbers: Sequence[int]
    timeline: Timeline
    candidates: Candidates
    policy: RoutingPolicy
    tie_breaker: TieBreaker
    fastest: Sequence[float]
    latest_ends: Sequence[float]

    def within(self, limit: int | None) -> tuple[Selection, int]:
        """The choice within `limit` nanos, and the cheapest feasible total.

        With deadlines that total is the cheaper of two greedy choices, because the exact one is NP-hard (the discrete time-cost
        trade-off problem, De et al. 1997); without, it is exact.
        """
        best = self._select(Objective.SCORE)
        has_deadline = any(end != math.inf for end in self.latest_ends)
        if not has_deadline and (limit is None or best.total <= limit):
            return best, self.candidates.cheapest_total()
        stepped_down = downgrade(best, self.candidates, None, keep_times=has_deadline)
        cheapest = stepped_down
        if has_deadline:
            cheapest = min(stepped_down, self._select(Objective.COST), key=lambda selection: selection.total)
        if limit is None:
            return best, cheapest.total
        if stepped_down.total <= limit:
            return downgrade(best, self.candidates, limit, keep_times=has_deadline), cheapest.total
        if cheapest.total <= limit:
            return cheapest, cheapest.total
        job_of = {number: job for job, number in enumerate(self.numbers)}
        sequence = [job_of[event // 2] for event in self.timeline.order if event % 2 and event // 2 in job_of]
        return afford(cheapest, self.candidates, sequence, limit), cheapest.total

    def _select(self, objective: Objective) -> Selection:
        fields = select(
            self.plan,
            self.numbers,
            self.timeline,
            self.candidates,
            policy=self.policy,
            latest_ends=self.latest_ends,
            fastest=self.fastest,
            objective=objective,
            tie_breaker=self.tie_breaker,
        )
        return as_chosen(fields, self.candidates)


def _amounts(plan: Plan, index: CatalogueIndex, constraints: RoutingConstraints) -> Iterator[tuple[str, str]]:
    """The currency of every amount with its path."""
    yield from index.currencies
    if constraints.budget is not None:
        yield constraints.budget.currency, "constraints.budget"
    for number, task in enumerate(plan.tasks):
        if task.constraints.max_cost is not None:
            yield task.constraints.max_cost.currency, f"plan.tasks[{number}].constraints.max_cost"
