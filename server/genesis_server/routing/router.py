"""HALO's router: hard constraints, rules, score, load, tie-break; every decision with its proof.

A pure function of plan, snapshots, constraints, caller, time, load, seed and policy: the same arguments give the same routing.

For each primitive task the candidates are the offers of exactly the capability it names, each with each of its models, or, when
nobody has that, the offers whose words are near enough to the task's. What fails a hard constraint is refused, then what the
rulebook denies. The rest is put in order: whom the rules prefer first, then by the score of data/routing.toml. Among the candidates
that are about as good load decides, or the sticky key (balance.py). Equal scores go to the cheaper, then the likelier, then the
faster candidate, then by the order of ids (agent, model, skill), or to one drawn when the seed is not 0. Budget and deadlines are
harder than preferences. The order of the catalogue never matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from genesis_server.agents.currencies import one_currency
from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.caller import Caller
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
from genesis_server.routing.balance import Balancer, Workload
from genesis_server.routing.budget import Selection, afford, as_chosen, downgrade
from genesis_server.routing.candidates import Candidates, gather
from genesis_server.routing.case import Decided
from genesis_server.routing.deadlines import latest_ends
from genesis_server.routing.describing import Describer
from genesis_server.routing.explanation import Explainer
from genesis_server.routing.policy import RoutingPolicy, default_policy
from genesis_server.routing.pool import pool_of
from genesis_server.routing.rules.building import facts_of_call
from genesis_server.routing.rules.loading import default_rulebook
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.routing.rulings import judged, rule_on
from genesis_server.routing.selection import Objective, Turn, fastest_times, select
from genesis_server.routing.ties import TieBreaker
from genesis_server.routing.timeline import Timeline, timeline_of

NO_CONSTRAINTS = RoutingConstraints()
NO_LOAD: Mapping[str, int] = MappingProxyType({})
MAX_CANDIDATES = 2_000_000
"""Candidates of all tasks together; about 150 bytes each while a call lasts."""
MAX_CANDIDATES_IN_FULL = 20_000
"""The same where the answer tells all of them and what each decision hangs on: some 50 µs each, so that a call takes about a second."""


def route_plan(
    plan: Plan,
    *,
    index: CatalogueIndex,
    constraints: RoutingConstraints = NO_CONSTRAINTS,
    explanation: ExplanationLevel = ExplanationLevel.SUMMARY,
    seed: int = 0,
    unhealthy: frozenset[str] = frozenset(),
    policy: RoutingPolicy | None = None,
    rulebook: Rulebook | None = None,
    caller: Caller | None = None,
    now: float = 0.0,
    load: Mapping[str, int] = NO_LOAD,
) -> Routing:
    """One route for each primitive task, in the plan's order.

    `unhealthy` names agents and tools that get no work; `load` counts tasks in flight by agent; `now` is in seconds since the epoch
    and read by rules only; without a caller the facts about it are missing; without a policy or a rulebook those that ship are
    taken. Raises RoutingError INVALID_PLAN when the plan is no sound graph, and
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
    call = facts_of_call(plan, constraints=constraints, caller=caller, now=now, live_agents=index.live_agents)
    rulings = rule_on(tasks, rulebook=rulebook or default_rulebook(), pool=pool, call=call)
    candidates = judged(candidates, rulings)
    fastest = fastest_times(plan, numbers, candidates, default=DEFAULT_SKILL_SECONDS)
    choices = _Choices(
        plan=plan,
        numbers=numbers,
        timeline=timeline,
        candidates=candidates,
        turn=Turn(policy, TieBreaker(seed), Balancer(seed, constraints.sticky_key, pool.owner_ids)),
        load=load,
        fastest=fastest,
        latest_ends=latest_ends(plan, timeline, fastest, constraints.deadline_seconds),
    )
    limit = constraints.budget.nanos if constraints.budget is not None else None
    selection, cheapest = choices.within(limit)
    cheapest_total = candidates.cheapest_total() if cheapest is None else cheapest.total
    describer = Describer(candidates, selection.workload, rulings, policy, constraints, currency)
    decided = Decided(
        plan=plan,
        numbers=numbers,
        timeline=timeline,
        index=index,
        candidates=candidates,
        constraints=constraints,
        unhealthy=unhealthy,
        rulings=rulings,
        turn=choices.turn,
        fastest=fastest,
        latest_ends=choices.latest_ends,
        selection=selection,
        cheapest=cheapest or selection,
    )
    explainer = None if level is ExplanationLevel.NONE else Explainer(describer, decided, level)
    answers = Answers(describer, explainer, Money(cheapest_total, currency))
    routes = map(answers.route, range(len(tasks)), tasks, selection.fields, selection.places)
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
    turn: Turn
    load: Mapping[str, int]
    fastest: Sequence[float]
    latest_ends: Sequence[float]

    def within(self, limit: int | None) -> tuple[Selection, Selection | None]:
        """The choice within `limit` nanos, and the cheapest feasible one; None where that is just everybody's cheapest.

        With deadlines the latter is the cheaper of two greedy choices, because the exact one is NP-hard (the discrete time-cost
        trade-off problem, De et al. 1997); without, it is exact.
        """
        best = self._select(Objective.SCORE)
        has_deadline = any(end != math.inf for end in self.latest_ends)
        if not has_deadline and (limit is None or best.total <= limit):
            return best, None
        stepped_down = downgrade(best, self.candidates, None, keep_times=has_deadline)
        cheapest = stepped_down
        if has_deadline:
            cheapest = min(stepped_down, self._select(Objective.COST), key=lambda selection: selection.total)
        if limit is None:
            return best, cheapest
        if stepped_down.total <= limit:
            return downgrade(best, self.candidates, limit, keep_times=has_deadline), cheapest
        if cheapest.total <= limit:
            return cheapest, cheapest
        job_of = {number: job for job, number in enumerate(self.numbers)}
        sequence = [job_of[event // 2] for event in self.timeline.order if event % 2 and event // 2 in job_of]
        return afford(cheapest, self.candidates, sequence, limit), cheapest

    def _select(self, objective: Objective) -> Selection:
        workload = Workload(self.candidates.pool, self.load)
        fields = select(
            self.plan,
            self.numbers,
            self.timeline,
            self.candidates,
            turn=self.turn,
            latest_ends=self.latest_ends,
            fastest=self.fastest,
            objective=objective,
            workload=workload,
        )
        return as_chosen(fields, self.candidates, workload)


def _amounts(plan: Plan, index: CatalogueIndex, constraints: RoutingConstraints) -> Iterator[tuple[str, str]]:
    """The currency of every amount with its path."""
    yield from index.currencies
    if constraints.budget is not None:
        yield constraints.budget.currency, "constraints.budget"
    for number, task in enumerate(plan.tasks):
        if task.constraints.max_cost is not None:
            yield task.constraints.max_cost.currency, f"plan.tasks[{number}].constraints.max_cost"
