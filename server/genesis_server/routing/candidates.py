"""Who could do each task, and what can be said of them one by one: fit, chance, price, and the constraints they fail.

All candidates of a call stand in one set of columns, a run of places for each task, because numpy is only quick on long columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.money import NANOS_PER_UNIT
from genesis_server.model.plan import DEFAULT_DIFFICULTY, Task
from genesis_server.model.routing import RoutingConstraints, UnassignedReason
from genesis_server.resilience.errors import ValidationError, invalid_field
from genesis_server.routing.limits import Flags, Limits, barred_rows, bars_of_owners, failures, flag, limits_of
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import TOKENS_PER_PRICE, Amounts, Indexes, Numbers, Pool, column

AT_ONCE = 256
"""Tasks whose words are compared at once, so that a call that is refused for too many candidates has cost little."""


@dataclass(frozen=True, slots=True)
class Values:
    """Columns of candidates, to be read one by one."""

    rows: Sequence[int]
    skill: Sequence[float]
    success: Sequence[float]
    costs: Sequence[int]
    seconds: Sequence[float]
    bonus: Sequence[float]
    preference: Sequence[int]
    refused_by: Sequence[int]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of every task, task after task."""

    pool: Pool
    starts: Indexes
    """First place of each task's candidates, and one past the last at the end."""
    rows: Indexes
    """Row of the pool."""
    skill: Numbers
    success: Numbers
    costs: Amounts
    """In nanos."""
    log_costs: Numbers
    """Natural logarithm of the cost in nanos, not below the policy's smallest."""
    seconds: Numbers
    failed: Flags
    """Constraints that do not depend on the other tasks."""
    bonus: Numbers
    """What weight rules add to the score."""
    preference: Indexes
    """Who goes first by the rules: the lower."""
    refused_by: Indexes
    """Number of the rule that refuses a candidate; negative: none does."""

    @cached_property
    def parts(self) -> list[slice]:
        """Where the candidates of each task stand."""
        starts = self.starts.tolist()
        return [slice(start, end) for start, end in pairwise(starts)]

    @cached_property
    def values(self) -> Values:
        """The columns, to be read one by one."""
        return Values(
            rows=column(self.rows),
            skill=column(self.skill),
            success=column(self.success),
            costs=column(self.costs),
            seconds=column(self.seconds),
            bonus=column(self.bonus),
            preference=column(self.preference),
            refused_by=column(self.refused_by),
        )

    def cheapest_total(self) -> int:
        """The sum of the cheapest feasible candidates in nanos, when nothing but the constraints in `failed` binds."""
        if not len(self.rows):
            return 0
        dearest = self.costs.max() + 1
        cheapest = np.minimum.reduceat(np.where(self.failed == 0, self.costs, dearest), self.starts[:-1])
        return sum(cost for cost in cheapest.tolist() if cost < dearest)


def difficulty_of(task: Task) -> float:
    """A task's difficulty, middling when it says none."""
    return DEFAULT_DIFFICULTY if task.difficulty is None else task.difficulty


def gather(
    tasks: Sequence[Task],
    *,
    index: CatalogueIndex,
    pool: Pool,
    policy: RoutingPolicy,
    constraints: RoutingConstraints,
    unhealthy: frozenset[str],
    most: int,
) -> Candidates:
    """The candidates of every task, before any rule: at least one each, unless the catalogue is empty.

    Raises ValidationError INVALID_FIELD when there are more than `most` of them together.
    """
    limits = [limits_of(task, constraints) for task in tasks]
    barred = barred_rows(pool, constraints, unhealthy)
    rows, skill, fitting = _fitting(tasks, limits, index=index, pool=pool, policy=policy, barred=barred, most=most)
    counts = np.array([len(some) for some in rows], dtype=np.intp)
    all_rows = np.concatenate([*rows, np.empty(0, dtype=np.intp)])
    costs = _costs(tasks, counts, all_rows, pool, policy)
    smallest = policy.cost.smallest * NANOS_PER_UNIT
    factors = np.repeat(np.array([policy.odds_factor(difficulty_of(task)) for task in tasks]), counts)
    own_seconds = np.array([math.nan if task.expected_seconds is None else task.expected_seconds for task in tasks], dtype=np.float64)
    own_seconds = np.repeat(own_seconds, counts)
    failed = failures(limits, counts, all_rows, costs, pool)
    failed |= barred[all_rows]
    failed |= np.repeat(np.array([0 if fits else flag(UnassignedReason.NO_CAPABILITY) for fits in fitting], dtype=np.int64), counts)
    return Candidates(
        pool=pool,
        starts=np.concatenate(([0], np.cumsum(counts))),
        rows=all_rows,
        skill=skill,
        success=1.0 / (1.0 + pool.failure_odds[all_rows] * factors),
        costs=costs,
        log_costs=np.array([math.log(max(cost, smallest)) for cost in costs.tolist()], dtype=np.float64),
        seconds=np.where(np.isnan(own_seconds), pool.seconds[all_rows], own_seconds),
        failed=failed,
        bonus=np.zeros(len(all_rows)),
        preference=np.zeros(len(all_rows), dtype=np.intp),
        refused_by=np.full(len(all_rows), -1, dtype=np.intp),
    )


def _fitting(
    tasks: Sequence[Task],
    limits: Sequence[Limits],
    *,
    index: CatalogueIndex,
    pool: Pool,
    policy: RoutingPolicy,
    barred: Flags,
    most: int,
) -> tuple[list[Indexes], Numbers, list[bool]]:
    """For each task the rows whose skill fits; for all rows how well; and for each task whether any fits: else the nearest is alone."""
    by_capability: dict[str, tuple[Indexes, Indexes]] = {}
    by_text: dict[str, Numbers] = {}
    by_limits: dict[tuple[object, int], Indexes] = {}
    rows: list[Indexes] = []
    skill: list[Numbers] = []
    floors: list[float] = []
    fitting: list[bool] = []
    count = 0
    for number, (task, limit) in enumerate(zip(tasks, limits, strict=True)):
        if task.goal not in by_text:
            new = [text for text in dict.fromkeys([each.goal for each in tasks[number : number + AT_ONCE]]) if text not in by_text]
            by_text.update(zip(new, index.all_scores(new), strict=True))
        scores = by_text[task.goal]
        known = by_capability.get(task.capability)
        if known is None:
            found = np.array(pool.rows_of(index.numbers_with_capability(task.capability)), dtype=np.intp)
            known = by_capability[task.capability] = (found, pool.offers[found])
        floor, fits = policy.match.exact_floor, True
        if not len(known[0]):
            bars = by_limits.get((limit.regions, limit.data_class))
            if bars is None:
                bars = by_limits[limit.regions, limit.data_class] = bars_of_owners(pool, limit, barred)[pool.first_rows[:-1]]
            offers, fits = _near(scores, bars, pool, policy)
            found = np.array(pool.rows_of(offers), dtype=np.intp)
            known, floor = (found, pool.offers[found]), 0.0
        count += len(known[0])
        if count > most:
            raise _too_many(most)
        rows.append(known[0])
        skill.append(scores[known[1]])
        floors.append(floor)
        fitting.append(fits)
    least = np.repeat(np.array(floors), np.array([len(some) for some in rows], dtype=np.intp))
    return rows, least + (1.0 - least) * np.concatenate([*skill, np.empty(0)]), fitting


def _near(scores: Numbers, bars: Indexes, pool: Pool, policy: RoutingPolicy) -> tuple[list[int], bool]:
    """The offers whose words are near enough, and whether there are any; else the one offer that is nearest.

    Near enough is measured by the best that no constraint bars, so that one who may not do it keeps nobody from it who may.
    """
    threshold = policy.match.text_threshold
    best = float(scores.max(initial=0.0, where=bars == 0))
    if best < threshold:
        best = float(scores.max(initial=0.0))
    if best >= threshold and best > 0:
        return np.flatnonzero(scores >= max(threshold, policy.match.text_share_of_best * best)).tolist(), True
    ranks = pool.ranks[pool.first_rows[:-1]]
    return np.lexsort((ranks, -scores, bars))[:1].tolist(), False


def _too_many(most: int) -> ValidationError:
    advice = "send fewer tasks at once, or agents and models that fewer of them can go to, or ask for less than the FULL explanation"
    return invalid_field("catalogue", f"offers more than {most} choices of agent, model or tool for the tasks together; {advice}")


def _costs(tasks: Sequence[Task], counts: Indexes, rows: Indexes, pool: Pool, policy: RoutingPolicy) -> Amounts:
    """Expected cost in nanos: price times expected tokens, rounded to the nearest."""
    tokens = np.array([policy.expected_tokens(difficulty_of(task)) for task in tasks], dtype=pool.input_prices.dtype).reshape(-1, 2)
    inputs, outputs = np.repeat(tokens[:, 0], counts), np.repeat(tokens[:, 1], counts)
    used = pool.input_prices[rows] * inputs + pool.output_prices[rows] * outputs
    return (used + TOKENS_PER_PRICE // 2) // TOKENS_PER_PRICE + pool.call_prices[rows]
