"""The choice for each task, one after the other along the plan, because load and time depend on the choices before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from itertools import takewhile

import numpy as np

from genesis_server.model.plan import Plan
from genesis_server.model.routing import UnassignedReason
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.deadlines import TOLERANCE_SECONDS
from genesis_server.routing.limits import Flags, flag
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import Indexes, Numbers, column
from genesis_server.routing.timeline import Timeline

SCORE_DECIMALS = 9
"""Scores that agree so far are equal, and the tie-break decides."""


class Objective(Enum):
    """What is best."""

    SCORE = "score"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Field:
    """The candidates of one task as they stood when it was its turn; places count from the task's first candidate."""

    first: int
    """Where the task's first candidate stands in the columns of all candidates."""
    failed: Sequence[int]
    """Sets of failed constraints; 0 for feasible candidates."""
    cheapness: Sequence[float]
    """0 to 1."""
    load: Sequence[float]
    """Free capacity, 0 to 1."""
    score: Sequence[float]
    order: Sequence[int]
    """Places of the feasible candidates, best score first."""
    chosen: int | None
    """Place of the choice; None when nobody is feasible."""
    tie_break: str
    start_seconds: float
    latest_end_seconds: float


@dataclass(frozen=True, slots=True)
class TieBreaker:
    """What decides between equal scores: the cheaper, the likelier, the faster, then the order of the ids.

    A seed other than 0 draws among those that are equal in all of that but the id.
    """

    seed: int

    def settle(self, order: Indexes, keys: Sequence[Numbers], candidates: Candidates, first: int, task_id: str) -> tuple[Indexes, str]:
        """The order with the tie at its head settled, and what settled it in words; empty when there was none."""
        if len(order) < 2:
            return order, ""
        head, second = int(order[0]), int(order[1])
        for name, key in zip(("", "the cheaper one", "the likelier one", "the faster one"), keys, strict=True):
            if key[head] != key[second]:
                return order, f"equal scores: {name}" if name else ""
        if not self.seed:
            return order, "equal in score, cost, success and time: the first by id"
        tied = [int(place) for place in takewhile(lambda place: all(key[place] == key[head] for key in keys), order)]
        tied.sort(key=lambda place: self._draw(task_id, candidates, first + place))
        return np.concatenate(
            (np.array(tied, dtype=np.intp), order[len(tied) :])
        ), "equal in score, cost, success and time: drawn by the seed"

    def _draw(self, task_id: str, candidates: Candidates, place: int) -> bytes:
        target = candidates.pool.targets[candidates.values.rows[place]]
        text = f"{self.seed}\0{task_id}\0{target.kind}\0{target.id}\0{target.model_id}\0{target.skill_id}"
        return blake2b(text.encode(), digest_size=16).digest()


def select(
    plan: Plan,
    numbers: Sequence[int],
    timeline: Timeline,
    candidates: Candidates,
    *,
    policy: RoutingPolicy,
    latest_ends: Sequence[float],
    fastest: Sequence[float],
    objective: Objective,
    tie_breaker: TieBreaker,
) -> list[Field]:
    """The field of each primitive task, in the plan's order, with the choice by `objective`, ties by score.

    `numbers` are the places of the primitive tasks in the plan; `latest_ends` and `fastest` go by place in the plan.
    """
    job_of = {number: job for job, number in enumerate(numbers)}
    fields: list[Field | None] = [None] * len(numbers)
    pool, weights = candidates.pool, policy.weights
    free = _FreeCapacity(pool.capacities)
    base = weights.skill_match * candidates.skill + weights.success * candidates.success
    all_cheapness = _cheapness(candidates, policy)
    all_costs, all_owners, all_ranks = candidates.costs.astype(np.float64), pool.owners[candidates.rows], pool.ranks[candidates.rows]
    all_failures = -candidates.success
    times = [0.0] * len(timeline.before)
    for event in timeline.order:
        start = max([times[earlier] for earlier in timeline.before[event]], default=0.0)
        number = event // 2
        times[event] = start
        job = job_of.get(number) if event % 2 else None
        if job is None:
            continue
        part = candidates.parts[job]
        failed, cheapness, owners = candidates.failed[part], all_cheapness[part], all_owners[part]
        if latest_ends[number] != math.inf:
            late = start + candidates.seconds[part] > latest_ends[number] + TOLERANCE_SECONDS
            if late.any():
                failed = np.where(late, failed | flag(UnassignedReason.DEADLINE), failed)
                cheapness = _cheapness_of(candidates.log_costs[part], failed, policy)
        load = free.at(timeline.levels[number])[owners]
        score = base[part] + weights.cost * cheapness + weights.load * load
        keys = (-np.round(score, SCORE_DECIMALS), all_costs[part], all_failures[part], candidates.seconds[part])
        order = np.lexsort((all_ranks[part], keys[3], keys[2], keys[1], keys[0]))
        if failed.any():
            order = order[failed[order] == 0]
        order, tie_break = tie_breaker.settle(order, keys, candidates, part.start, plan.tasks[number].id)
        chosen = None if not len(order) else int(order[0] if objective is Objective.SCORE else order[np.argmin(keys[1][order])])
        fields[job] = Field(
            first=part.start,
            failed=column(failed),
            cheapness=column(cheapness),
            load=column(load),
            score=column(score),
            order=column(order),
            chosen=chosen,
            tie_break=tie_break,
            start_seconds=start,
            latest_end_seconds=latest_ends[number],
        )
        if chosen is None:
            times[event] = start + fastest[number]
        else:
            free.take(timeline.levels[number], int(owners[chosen]))
            times[event] = start + candidates.values.seconds[part.start + chosen]
    return [field for field in fields if field is not None]


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


class _FreeCapacity:
    """How free each owner is, level by level: 1 when idle, 1/2 when every slot is taken, 1/3 when booked twice over."""

    def __init__(self, capacities: Numbers) -> None:
        self._capacities = capacities
        self._booked: dict[int, Numbers] = {}
        self._free: dict[int, Numbers] = {}

    def at(self, level: int) -> Numbers:
        if level not in self._free:
            self._booked[level] = np.zeros(len(self._capacities))
            self._free[level] = np.ones(len(self._capacities))
        return self._free[level]

    def take(self, level: int, owner: int) -> None:
        booked = self._booked[level]
        booked[owner] += 1.0
        self._free[level][owner] = 1.0 / (1.0 + booked[owner] / self._capacities[owner])
