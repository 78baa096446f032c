"""One task decided again with something left out or changed, while what the other tasks got stays as it is.

Fixed are the start of the task, what was given before it on its level, and what the others cost. The decision is the router's own,
over the few candidates of one task; plain Python is quicker there than columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from genesis_server.model.routing import UnassignedReason
from genesis_server.routing.balance import Balancer
from genesis_server.routing.budget import StepColumns, next_step
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.deadlines import TOLERANCE_SECONDS
from genesis_server.routing.limits import flag
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import Pool
from genesis_server.routing.rulings import Verdicts
from genesis_server.routing.selection import Objective, near_best_of
from genesis_server.routing.ties import SCORE_SCALE, TieBreaker

SCORE_PARTS = ("score.skill_match", "score.success", "score.cost")
TIE_KEYS = ("tie_break.cost", "tie_break.success", "tie_break.time", "tie_break.id")
_BY_RULE = flag(UnassignedReason.RULE)


@dataclass(frozen=True, slots=True)
class Columns:
    """The candidates of one task, with what the hard constraints refuse and before any rule."""

    rows: Sequence[int]
    skill: Sequence[float]
    success: Sequence[float]
    costs: Sequence[int]
    log_costs: Sequence[float]
    seconds: Sequence[float]
    failed: Sequence[int]


def columns_of(candidates: Candidates, part: slice) -> Columns:
    """The columns of one task."""
    values = candidates.values
    return Columns(
        rows=list(values.rows[part]),
        skill=list(values.skill[part]),
        success=list(values.success[part]),
        costs=list(values.costs[part]),
        log_costs=candidates.log_costs[part].tolist(),
        seconds=list(values.seconds[part]),
        failed=(candidates.failed[part] & ~_BY_RULE).tolist(),
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What a decision goes by besides the candidates and the rules."""

    task_id: str
    weights: tuple[float, float, float]
    """Of skill match, success and cost."""
    available_seconds: float
    """From the start of the task to its latest end."""
    money: int | None
    """What the task may cost for the call to keep its budget, in nanos; None: any."""
    loads: Sequence[float]
    """Tasks for each slot, by number of the owner."""
    near_best: float | None
    """None: load and sticky key decide nothing."""
    balancer: Balancer
    tie_breaker: TieBreaker
    keep_times: bool
    """Whether a step to a cheaper choice may not take longer."""
    objective: Objective
    no_ties: frozenset[str] = frozenset()
    """Of TIE_KEYS those that break no tie; without ids the last by id goes first."""


@dataclass(frozen=True, slots=True)
class Redecider:
    """Decides one task."""

    pool: Pool
    policy: RoutingPolicy

    def decide(self, columns: Columns, verdicts: Verdicts, terms: Terms) -> int | None:
        """The row of the pool that gets the task; None: nobody does."""
        rows = columns.rows
        longest = terms.available_seconds + TOLERANCE_SECONDS
        refused_by = verdicts.refused_by
        places = [
            place
            for place, row in enumerate(rows)
            if not columns.failed[place] and refused_by[row] < 0 and columns.seconds[place] <= longest
        ]
        if not places:
            return None
        score = self._scores(columns, verdicts, terms, places)
        preference = [verdicts.preference[row] for row in rows]
        order = self._ordered(columns, places, preference, score, terms)
        chosen = order[0]
        if terms.objective is Objective.COST:
            chosen = min(order, key=columns.costs.__getitem__)
            return rows[chosen] if terms.money is None or columns.costs[chosen] <= terms.money else None
        if terms.near_best is not None and len(order) > 1:
            owner_of = self.pool.owner_list
            owners = [owner_of[row] for row in rows]
            near_best = near_best_of(order, score, preference, owners, terms.near_best)
            if len(near_best) > 1:
                near_owners = [owners[place] for place in near_best]
                loads = [terms.loads[owner] for owner in near_owners]
                chosen = terms.balancer.choose(near_best, near_owners, loads, terms.task_id).chosen
        place = self._within(columns, StepColumns(columns.costs, columns.seconds, preference, score), order, chosen, terms)
        return None if place is None else rows[place]

    def _scores(self, columns: Columns, verdicts: Verdicts, terms: Terms, places: Sequence[int]) -> list[float]:
        """The scores of the feasible candidates; 0 for the others."""
        cheapest = min([columns.log_costs[place] for place in places])
        by_skill, by_success, by_cost = terms.weights
        span = math.log(self.policy.cost.span)
        score = [0.0] * len(columns.rows)
        for place in places:
            cheapness = min(max(1.0 - (columns.log_costs[place] - cheapest) / span, 0.0), 1.0)
            base = by_skill * columns.skill[place] + by_success * columns.success[place]
            score[place] = base + by_cost * cheapness + verdicts.bonus[columns.rows[place]]
        return score

    def _ordered(
        self, columns: Columns, places: Sequence[int], preference: Sequence[int], score: Sequence[float], terms: Terms
    ) -> list[int]:
        """The feasible candidates in order, with the tie at the head drawn by the seed."""
        ranks, rows, off = self.pool.rank_list, columns.rows, terms.no_ties
        by_cost, by_success, by_time = (key not in off for key in TIE_KEYS[:3])
        by_id = -1 if TIE_KEYS[3] in off else 1
        keys = {
            place: (
                preference[place],
                -round(score[place] * SCORE_SCALE),
                float(columns.costs[place]) if by_cost else 0.0,
                -columns.success[place] if by_success else 0.0,
                columns.seconds[place] if by_time else 0.0,
            )
            for place in places
        }
        order = sorted(places, key=lambda place: (keys[place], by_id * ranks[rows[place]]))
        if terms.tie_breaker.seed and len(order) > 1 and keys[order[0]] == keys[order[1]]:
            head = keys[order[0]]
            tied = [place for place in order if keys[place] == head]
            targets = self.pool.targets
            tied.sort(key=lambda place: terms.tie_breaker.draw(terms.task_id, targets[rows[place]]))
            order[: len(tied)] = tied
        return order

    def _within(self, columns: Columns, steps: StepColumns, order: Sequence[int], chosen: int, terms: Terms) -> int | None:
        """The choice itself, or the first step down from it that costs no more than the task may cost."""
        if terms.money is None:
            return chosen
        place = chosen
        while columns.costs[place] > terms.money:
            step = next_step(place, order, steps, keep_times=terms.keep_times)
            if step is None:
                place = min(order, key=columns.costs.__getitem__)
                return place if columns.costs[place] <= terms.money else None
            place = step[3]
        return place


def without(terms: Terms, names: frozenset[str]) -> Terms:
    """The terms without the parts of the score, the load, the key, the seed and the ties that `names` names."""
    weights = [0.0 if name in names else weight for name, weight in zip(SCORE_PARTS, terms.weights, strict=True)]
    balancer, tie_breaker = terms.balancer, terms.tie_breaker
    if "sticky_key" in names:
        balancer = replace(balancer, sticky_key="")
    if "seed" in names:
        balancer, tie_breaker = replace(balancer, seed=0), TieBreaker(0)
    return replace(
        terms,
        weights=(weights[0], weights[1], weights[2]),
        near_best=None if "load" in names and not balancer.sticky_key else terms.near_best,
        balancer=balancer,
        tie_breaker=tie_breaker,
        no_ties=frozenset(TIE_KEYS) & names,
    )
