"""How the candidates of each task stand against each other: cheapness, score, order.

It hardly depends on the choices for other tasks, so all candidates are sorted at once; only who would be late is known when it is a
task's turn, and is then written into its own places.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genesis_server.model.routing import UnassignedReason
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.deadlines import TOLERANCE_SECONDS
from genesis_server.routing.limits import Flags, flag
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import Indexes, Numbers, changeable
from genesis_server.routing.ties import SCORE_SCALE


@dataclass(slots=True, eq=False)
class Standing:
    """Columns of all candidates, task after task."""

    failed: MutableSequence[int]
    """Sets of failed constraints; 0 for feasible candidates."""
    cheapness: MutableSequence[float]
    """0 to 1."""
    score: MutableSequence[float]
    """With what the rules add."""
    order: MutableSequence[int]
    """Places in the task's own candidates; the feasible ones come first: the most preferred, of these the best score."""
    feasible: list[int]
    """How many candidates of each task are."""
    contested: list[bool]
    """For each task whether somebody else may be as good as the best, so that a tie-break or load may decide."""

    def refuse_late(self, candidates: Candidates, job: int, policy: RoutingPolicy, available: float) -> None:
        """Refuse the candidates of a task that take longer than `available` seconds, and put the others in order again."""
        part = candidates.parts[job]
        late = candidates.seconds[part] > available + TOLERANCE_SECONDS
        if not late.any():
            return
        failed = np.where(late, candidates.failed[part] | flag(UnassignedReason.DEADLINE), candidates.failed[part])
        cheapness = _cheapness_of(candidates.log_costs[part], failed, policy)
        score = _score(candidates, part, cheapness, policy)
        order = _order(candidates, part, np.rint(score * SCORE_SCALE), (failed != 0).astype(np.intp))
        for column, values in ((self.failed, failed), (self.cheapness, cheapness), (self.score, score), (self.order, order)):
            for at, value in enumerate(values.tolist(), part.start):
                column[at] = value
        self.feasible[job] = int(np.count_nonzero(failed == 0))
        self.contested[job] = True


def standing_of(candidates: Candidates, policy: RoutingPolicy) -> Standing:
    """How all candidates stand before the first turn."""
    starts, rows = candidates.starts, candidates.rows
    counts = np.diff(starts)
    cheapness = _cheapness(candidates, policy)
    score = _score(candidates, slice(None), cheapness, policy)
    rounded = np.rint(score * SCORE_SCALE)
    feasible = candidates.failed == 0
    order = _order(candidates, slice(None), rounded, np.repeat(np.arange(len(counts)), counts) * 2 + ~feasible)
    return Standing(
        failed=changeable(candidates.failed.copy()),
        cheapness=changeable(cheapness),
        score=changeable(score),
        order=changeable(order - np.repeat(starts[:-1], counts)),
        feasible=np.add.reduceat(feasible.astype(np.intp), starts[:-1]).tolist() if len(rows) else [0] * len(counts),
        contested=_contested(candidates, rounded, feasible, order, policy) if len(rows) else [False] * len(counts),
    )


def _contested(
    candidates: Candidates, rounded: Numbers, feasible: npt.NDArray[np.bool_], order: Indexes, policy: RoutingPolicy
) -> list[bool]:
    """Whether another feasible candidate is as preferred as the best and equal in score, or of another owner and about as good."""
    starts, counts = candidates.starts[:-1], np.diff(candidates.starts)
    owners = candidates.pool.owners[candidates.rows]
    best = order[starts]
    rivals = feasible & (candidates.preference == np.repeat(candidates.preference[best], counts))
    highest = np.repeat(rounded[best], counts)
    near = rivals & (rounded >= highest - policy.load.near_best * SCORE_SCALE) & (owners != np.repeat(owners[best], counts))
    equal = rivals & (rounded == highest)
    return (np.logical_or.reduceat(near, starts) | (np.add.reduceat(equal.astype(np.intp), starts) > 1)).tolist()


def _score(candidates: Candidates, part: slice, cheapness: Numbers, policy: RoutingPolicy) -> Numbers:
    weights = policy.weights
    base = weights.skill_match * candidates.skill[part] + weights.success * candidates.success[part]
    return base + weights.cost * cheapness + candidates.bonus[part]


def _order(candidates: Candidates, part: slice, rounded: Numbers, first_key: Indexes) -> Indexes:
    """The candidates sorted by `first_key`, then as a choice goes: preference, rounded score, cost, success, time, id."""
    keys = (
        candidates.pool.ranks[candidates.rows[part]],
        candidates.seconds[part],
        -candidates.success[part],
        candidates.costs[part].astype(np.float64),
        -rounded,
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
