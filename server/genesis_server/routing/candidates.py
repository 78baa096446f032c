"""Who could do each task, and what can be said of them one by one: fit, chance, price, and the constraints they fail.

All candidates of a call stand in one set of columns, a run of places for each task, because numpy is only quick on long columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.money import NANOS_PER_UNIT
from genesis_server.model.plan import DEFAULT_DIFFICULTY, Task
from genesis_server.model.routing import RoutingConstraints, UnassignedReason
from genesis_server.routing.fitting import fitting_rows
from genesis_server.routing.limits import Flags, barred_rows, failures, flag, limits_of
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import TOKENS_PER_PRICE, Amounts, Indexes, Numbers, Pool, column
from genesis_server.routing.sharing import once_each


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
    capabilities: Sequence[str | None]
    """For each task the capability whose offers its candidates are; None where the words of offers are near to it."""
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
    limits = once_each([task.constraints for task in tasks], partial(limits_of, constraints=constraints))
    barred = barred_rows(pool, constraints, unhealthy)
    fitting = fitting_rows(tasks, limits, index=index, pool=pool, policy=policy, barred=barred, most=most)
    rows, counts, skill = fitting.rows, fitting.counts, fitting.skill
    difficulties = [difficulty_of(task) for task in tasks]
    odds = {difficulty: policy.odds_factor(difficulty) for difficulty in set(difficulties)}
    factors = np.repeat(np.array([odds[difficulty] for difficulty in difficulties]), counts)
    costs = _costs(difficulties, counts, rows, pool, policy)
    smallest = policy.cost.smallest * NANOS_PER_UNIT
    own_seconds = np.array([math.nan if task.expected_seconds is None else task.expected_seconds for task in tasks], dtype=np.float64)
    own_seconds = np.repeat(own_seconds, counts)
    failed = failures(limits, counts, rows, costs, pool)
    failed |= barred[rows]
    failed |= np.repeat(np.array([0 if fits else flag(UnassignedReason.NO_CAPABILITY) for fits in fitting.fits], dtype=np.int64), counts)
    return Candidates(
        pool=pool,
        starts=np.concatenate(([0], np.cumsum(counts))),
        capabilities=fitting.capabilities,
        rows=rows,
        skill=skill,
        success=1.0 / (1.0 + pool.failure_odds[rows] * factors),
        costs=costs,
        log_costs=np.array([*map(math.log, np.maximum(costs, smallest).tolist())], dtype=np.float64),
        seconds=np.where(np.isnan(own_seconds), pool.seconds[rows], own_seconds),
        failed=failed,
        bonus=np.zeros(len(rows)),
        preference=np.zeros(len(rows), dtype=np.intp),
        refused_by=np.full(len(rows), -1, dtype=np.intp),
    )


def _costs(difficulties: Sequence[float], counts: Indexes, rows: Indexes, pool: Pool, policy: RoutingPolicy) -> Amounts:
    """Expected cost in nanos: price times expected tokens, rounded to the nearest."""
    tokens_of = {difficulty: policy.expected_tokens(difficulty) for difficulty in set(difficulties)}
    tokens = np.array([tokens_of[difficulty] for difficulty in difficulties], dtype=pool.input_prices.dtype).reshape(-1, 2)
    inputs, outputs = np.repeat(tokens[:, 0], counts), np.repeat(tokens[:, 1], counts)
    used = pool.input_prices[rows] * inputs + pool.output_prices[rows] * outputs
    return (used + TOKENS_PER_PRICE // 2) // TOKENS_PER_PRICE + pool.call_prices[rows]
