"""The choice for each task, one after the other along the plan, because load and time depend on the choices before.

The order of the candidates depends on neither, so all of them are sorted at once; a task some of whose candidates would be late is
sorted again without these when it is its turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from genesis_server.model.plan import Plan
from genesis_server.model.routing import UnassignedReason
from genesis_server.routing.balance import Balance, Balancer, Workload
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.deadlines import TOLERANCE_SECONDS
from genesis_server.routing.limits import Flags, flag
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import Indexes, Numbers, sliceable
from genesis_server.routing.ties import SCORE_SCALE, TieBreaker
from genesis_server.routing.timeline import Timeline


class Objective(Enum):
    """What is best."""

    SCORE = "score"
    COST = "cost"


class Field(NamedTuple):
    """The candidates of one task as they stood when it was its turn; places count from the task's first candidate."""

    first: int
    """Where the task's first candidate stands in the columns of all candidates."""
    failed: Sequence[int]
    """Sets of failed constraints; 0 for feasible candidates."""
    cheapness: Sequence[float]
    """0 to 1."""
    score: Sequence[float]
    """With what the rules add."""
    order: Sequence[int]
    """Places of the feasible candidates: the most preferred first, of these the best score first."""
    chosen: int | None
    """Place of the choice; None when nobody is feasible."""
    tie_break: str
    balance: Balance | None
    """How load or a key chose; None when nobody else was about as good."""
    load: Sequence[float]
    """Free capacity of each candidate: 1 when idle, 1/2 when every slot is taken, 1/3 when booked twice over."""
    level: int
    given: int
    """How many tasks of its level had been given."""
    start_seconds: float
    latest_end_seconds: float
    objective: Objective

    @property
    def preferred(self) -> int:
        """Place of the choice when money is no object; somebody must be feasible."""
        return self.order[0] if self.balance is None else self.balance.chosen


@dataclass(frozen=True, slots=True)
class Turn:
    """What is the same for every task of a call."""

    policy: RoutingPolicy
    tie_breaker: TieBreaker
    balancer: Balancer


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Columns of all candidates, and for each task its candidates in order."""

    cheapness: Sequence[float]
    score: Sequence[float]
    failed: Sequence[int]
    order: Sequence[int]
    """Places in the task's own candidates; the feasible ones come first."""
    feasible: Sequence[int]
    """How many candidates of each task are."""


def select(
    plan: Plan,
    numbers: Sequence[int],
    timeline: Timeline,
    candidates: Candidates,
    *,
    turn: Turn,
    latest_ends: Sequence[float],
    fastest: Sequence[float],
    objective: Objective,
    workload: Workload,
) -> list[Field]:
    """The field of each primitive task, in the plan's order, with the choice by `objective`, ties by score.

    `numbers` are the places of the primitive tasks in the plan; `latest_ends` and `fastest` go by place in the plan.
    """
    job_of = {number: job for job, number in enumerate(numbers)}
    fields: list[Field | None] = [None] * len(numbers)
    whole = _sorted(candidates, turn.policy)
    owner_of, rows, seconds = candidates.pool.owner_list, candidates.values.rows, candidates.values.seconds
    times = [0.0] * len(timeline.before)
    for event in timeline.order:
        before = timeline.before[event]
        start = max([times[earlier] for earlier in before]) if before else 0.0
        number = event // 2
        times[event] = start
        job = job_of.get(number) if event % 2 else None
        if job is None:
            continue
        part, latest = candidates.parts[job], latest_ends[number]
        first = part.start
        ranked = None
        if latest != math.inf:
            ranked = _without_late(candidates, part, turn.policy, latest - start)
        if ranked is None:
            failed, cheapness, score = whole.failed[part], whole.cheapness[part], whole.score[part]
            order = whole.order[first : first + whole.feasible[job]]
        else:
            failed, cheapness, score, order = ranked
        level = timeline.levels[number]
        loads = workload.on(level)
        owners = [owner_of[row] for row in rows[first : part.stop]]
        order, tie_break, balance = _settled(candidates, first, score, order, turn, owners, loads, plan.tasks[number].id)
        chosen = None
        if len(order):
            chosen = order[0] if balance is None else balance.chosen
            if objective is Objective.COST:
                chosen, balance = _cheapest(order, candidates.values.costs[first : part.stop]), None
        fields[job] = Field(
            first=first,
            failed=failed,
            cheapness=cheapness,
            score=score,
            order=order,
            chosen=chosen,
            tie_break=tie_break,
            balance=balance,
            load=[1.0 / (1.0 + loads[owner]) for owner in owners],
            level=level,
            given=workload.given_on(level),
            start_seconds=start,
            latest_end_seconds=latest,
            objective=objective,
        )
        if chosen is None:
            times[event] = start + fastest[number]
        else:
            workload.give(level, owners[chosen])
            times[event] = start + seconds[first + chosen]
    return [field for field in fields if field is not None]


def _settled(  # noqa: PLR0917 - what a turn knows
    candidates: Candidates,
    first: int,
    score: Sequence[float],
    order: Sequence[int],
    turn: Turn,
    owners: Sequence[int],
    loads: Sequence[float],
    task_id: str,
) -> tuple[Sequence[int], str, Balance | None]:
    """The order with the tie at its head settled, what settled the choice, and the choice among those about as good."""
    if len(order) < 2:
        return order, "", None
    order, tie_break = turn.tie_breaker.settle(order, candidates, first, score, task_id)
    preference = candidates.values.preference[first : first + len(score)]
    near_best = near_best_of(order, score, preference, owners, turn.policy.load.near_best)
    if len(near_best) < 2:
        return order, tie_break, None
    near_owners = [owners[place] for place in near_best]
    balance = turn.balancer.choose(near_best, near_owners, [loads[owner] for owner in near_owners], task_id)
    if balance.is_sticky or balance.is_by_load:
        return order, "", balance
    if (order[0], order[1]) != balance.compared:
        tie_break = turn.tie_breaker.between(candidates, first, score, *balance.compared)
    return order, tie_break, balance


def near_best_of(
    order: Sequence[int], score: Sequence[float], preference: Sequence[int], owners: Sequence[int], margin: float
) -> list[int]:
    """The best candidate of each owner that is as preferred as the best and at most `margin` below it in score, best first."""
    best = order[0]
    least, rank = round(score[best] * SCORE_SCALE) - margin * SCORE_SCALE, preference[best]
    places: list[int] = []
    seen: set[int] = set()
    for place in order:
        if round(score[place] * SCORE_SCALE) < least or preference[place] != rank:
            break
        if owners[place] not in seen:
            seen.add(owners[place])
            places.append(place)
    return places


def _cheapest(order: Sequence[int], costs: Sequence[int]) -> int:
    """The first of the cheapest."""
    return min(order, key=costs.__getitem__)


def _sorted(candidates: Candidates, policy: RoutingPolicy) -> _Sorted:
    """All candidates sorted, task by task."""
    cheapness = _cheapness(candidates, policy)
    score = _score(candidates, slice(None), cheapness, policy)
    starts = candidates.starts
    counts = np.diff(starts)
    jobs = np.repeat(np.arange(len(counts)), counts)
    feasible = candidates.failed == 0
    order = _order(candidates, slice(None), score, jobs * 2 + ~feasible)
    return _Sorted(
        cheapness=sliceable(cheapness),
        score=sliceable(score),
        failed=sliceable(candidates.failed),
        order=sliceable(order - np.repeat(starts[:-1], counts)),
        feasible=np.add.reduceat(feasible.astype(np.intp), starts[:-1]).tolist() if len(order) else [0] * len(counts),
    )


def _without_late(
    candidates: Candidates, part: slice, policy: RoutingPolicy, available: float
) -> tuple[Sequence[int], Sequence[float], Sequence[float], Sequence[int]] | None:
    """Failures, cheapness, scores and order of a task some of whose candidates take too long; None when none does."""
    late = candidates.seconds[part] > available + TOLERANCE_SECONDS
    if not late.any():
        return None
    failed = np.where(late, candidates.failed[part] | flag(UnassignedReason.DEADLINE), candidates.failed[part])
    cheapness = _cheapness_of(candidates.log_costs[part], failed, policy)
    score = _score(candidates, part, cheapness, policy)
    order = _order(candidates, part, score, (failed != 0).astype(np.intp))
    return sliceable(failed), sliceable(cheapness), sliceable(score), sliceable(order[: np.count_nonzero(failed == 0)])


def _score(candidates: Candidates, part: slice, cheapness: Numbers, policy: RoutingPolicy) -> Numbers:
    weights = policy.weights
    base = weights.skill_match * candidates.skill[part] + weights.success * candidates.success[part]
    return base + weights.cost * cheapness + candidates.bonus[part]


def _order(candidates: Candidates, part: slice, score: Numbers, first_key: Indexes) -> Indexes:
    """The candidates sorted by `first_key`, then as a choice goes: preference, score, cost, success, time, id."""
    keys = (
        candidates.pool.ranks[candidates.rows[part]],
        candidates.seconds[part],
        -candidates.success[part],
        candidates.costs[part].astype(np.float64),
        -np.rint(score * SCORE_SCALE),
        candidates.preference[part],
        first_key,
    )
    return np.lexsort(keys)


def _cheapness(candidates: Candidates, policy: RoutingPolicy) -> Numbers:
    """How cheap each candidate is among the feasible ones of its task, 0 to 1; among all when none is feasible."""
    if not len(candidates.rows):
        return np.empty(0)
    log_costs, starts = candidates.log_costs, candidates.starts
    feasible = np.minimum.reduceat(np.where(candidates.failed == 0, log_costs, math.inf), starts[:-1])
    cheapest = np.where(np.isinf(feasible), np.minimum.reduceat(log_costs, starts[:-1]), feasible)
    return _fall(log_costs - np.repeat(cheapest, np.diff(starts)), policy)


def _cheapness_of(log_costs: Numbers, failed: Flags, policy: RoutingPolicy) -> Numbers:
    """The same for the candidates of one task."""
    feasible = log_costs[failed == 0]
    return _fall(log_costs - (feasible if len(feasible) else log_costs).min(), policy)


def _fall(log_ratios: Numbers, policy: RoutingPolicy) -> Numbers:
    """1 at the cheapest, 0 at `span` times its cost."""
    return np.minimum(np.maximum(1.0 - log_ratios / math.log(policy.cost.span), 0.0), 1.0)


def fastest_times(plan: Plan, numbers: Sequence[int], candidates: Candidates, *, default: float) -> list[float]:
    """The shortest time of each task in seconds, 0 for headings; of tasks nobody can do, what they say or the default."""
    fastest = [0.0] * len(plan.tasks)
    seconds = np.where(candidates.failed == 0, candidates.seconds, math.inf)
    shortest = np.minimum.reduceat(seconds, candidates.starts[:-1]).tolist() if len(seconds) else [math.inf] * len(numbers)
    for number, shortest_seconds in zip(numbers, shortest, strict=True):
        own = plan.tasks[number].expected_seconds
        fallback = default if own is None else own
        fastest[number] = fallback if math.isinf(shortest_seconds) else shortest_seconds
    return fastest
