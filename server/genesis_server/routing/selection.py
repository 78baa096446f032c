"""The choice for each task, one after the other along the plan, because load and time depend on the choices before."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import NamedTuple

import numpy as np

from genesis_server.model.plan import Plan
from genesis_server.routing.balance import Balance, Balancer, Workload
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.standing import Standing, standing_of
from genesis_server.routing.ties import SCORE_SCALE, TieBreaker
from genesis_server.routing.timeline import Timeline


class Objective(Enum):
    """What is best."""

    SCORE = "score"
    COST = "cost"


class Field(NamedTuple):
    """The candidates of one task as they stood when it was its turn; places count from the task's first candidate."""

    standing: Standing
    """Of all candidates; what is the task's in it is only written during the task's turn, which is over once there is a field."""
    first: int
    """Where the task's first candidate stands in the columns of all candidates."""
    size: int
    """How many candidates the task has."""
    feasible: int
    """How many of them nothing refuses."""
    chosen: int | None
    """Place of the choice; None when nobody is feasible."""
    tie_break: str
    balance: Balance | None
    """How load or a key chose; None when nobody else was about as good."""
    level: int
    given: int
    """How many tasks of its level had been given."""
    start_seconds: float
    latest_end_seconds: float

    @property
    def failed(self) -> Sequence[int]:
        """Sets of failed constraints; 0 for feasible candidates."""
        return self.standing.failed[self.first : self.first + self.size]

    @property
    def score(self) -> Sequence[float]:
        """With what the rules add."""
        return self.standing.score[self.first : self.first + self.size]

    @property
    def order(self) -> Sequence[int]:
        """Places of the feasible candidates: the most preferred first, of these the best score first."""
        return self.standing.order[self.first : self.first + self.feasible]

    @property
    def preferred(self) -> int:
        """Place of the choice when money is no object; somebody must be feasible."""
        return self.standing.order[self.first] if self.balance is None else self.balance.chosen


@dataclass(frozen=True, slots=True)
class Turn:
    """What is the same for every task of a call."""

    policy: RoutingPolicy
    tie_breaker: TieBreaker
    balancer: Balancer


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
    fields: dict[int, Field] = {}
    standing = standing_of(candidates, turn.policy)
    rows, costs, seconds = candidates.values.rows, candidates.values.costs, candidates.values.seconds
    owner_of, parts, levels = candidates.pool.owner_list, candidates.parts, timeline.levels
    times = [0.0] * len(timeline.before)
    for event in timeline.order:
        before = timeline.before[event]
        start = times[event] = max([times[earlier] for earlier in before]) if before else 0.0
        number = event // 2
        job = job_of.get(number) if event % 2 else None
        if job is None:
            continue
        part, latest, level = parts[job], latest_ends[number], levels[number]
        first: int = part.start
        if latest != math.inf:
            standing.refuse_late(candidates, job, turn.policy, latest - start)
        feasible, given = standing.feasible[job], workload.given_on(level)
        chosen: int | None = None
        tie_break, balance = "", None
        if feasible > 1 and standing.contested[job]:
            load = partial(workload.load, level, given)
            tie_break, balance = _settled(candidates, standing, part, feasible, turn, load, plan.tasks[number].id)
        if feasible:
            chosen = standing.order[first] if balance is None else balance.chosen
            if objective is Objective.COST:
                chosen, balance = _cheapest(standing.order[first : first + feasible], costs[part]), None
        fields[job] = Field(standing, first, part.stop - first, feasible, chosen, tie_break, balance, level, given, start, latest)
        if chosen is None:
            times[event] = start + fastest[number]
        else:
            workload.give(level, owner_of[rows[first + chosen]])
            times[event] = start + seconds[first + chosen]
    return [fields[job] for job in range(len(numbers))]


def _settled(  # noqa: PLR0917 - what a turn knows
    candidates: Candidates,
    standing: Standing,
    part: slice,
    feasible: int,
    turn: Turn,
    load: Callable[[int], float],
    task_id: str,
) -> tuple[str, Balance | None]:
    """What settled the choice, and the choice among those about as good; the tie at the head of the order is settled in it.

    `load` says how many tasks for each slot an owner has.
    """
    first, owner_of = part.start, candidates.pool.owner_list
    score, preference = standing.score[part], candidates.values.preference[part]
    owners = [owner_of[row] for row in candidates.values.rows[part]]
    sorted_by_id = standing.order[first : first + feasible]
    order, tie_break = turn.tie_breaker.settle(sorted_by_id, candidates, first, score, task_id)
    if order is not sorted_by_id:
        for at, place in enumerate(order, first):
            standing.order[at] = place
    near_best = near_best_of(order, score, preference, owners, turn.policy.load.near_best)
    if len(near_best) < 2:
        return tie_break, None
    near_owners = [owners[place] for place in near_best]
    balance = turn.balancer.choose(near_best, near_owners, [load(owner) for owner in near_owners], task_id)
    if balance.is_sticky or balance.is_by_load:
        return "", balance
    if (order[0], order[1]) != balance.compared:
        tie_break = turn.tie_breaker.between(candidates, first, score, *balance.compared)
    return tie_break, balance


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
