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
from genesis_server.routing.limits import Flags, barred_rows, failures, flag, limits_of
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import TOKENS_PER_PRICE, Amounts, Indexes, Numbers, Pool


@dataclass(frozen=True, slots=True)
class Values:
    """Columns of candidates as Python lists: single values are read from them three times as fast as from numpy."""

    rows: list[int]
    skill: list[float]
    success: list[float]
    costs: list[int]
    seconds: list[float]


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

    @cached_property
    def parts(self) -> list[slice]:
        """Where the candidates of each task stand."""
        starts = self.starts.tolist()
        return [slice(start, end) for start, end in pairwise(starts)]

    @cached_property
    def values(self) -> Values:
        """The columns, to be read one by one."""
        return Values(
            rows=self.rows.tolist(),
            skill=self.skill.tolist(),
            success=self.success.tolist(),
            costs=self.costs.tolist(),
            seconds=self.seconds.tolist(),
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
) -> Candidates:
    """The candidates of every task: at least one each, unless the catalogue is empty."""
    rows, skill, fitting = _fitting(tasks, index, pool, policy)
    counts = np.array([len(some) for some in rows], dtype=np.intp)
    all_rows = np.concatenate([*rows, np.empty(0, dtype=np.intp)])
    costs = _costs(tasks, counts, all_rows, pool, policy)
    smallest = policy.cost.smallest * NANOS_PER_UNIT
    factors = np.repeat(np.array([policy.odds_factor(difficulty_of(task)) for task in tasks]), counts)
    own_seconds = np.array([math.nan if task.expected_seconds is None else task.expected_seconds for task in tasks], dtype=np.float64)
    own_seconds = np.repeat(own_seconds, counts)
    failed = failures([limits_of(task, constraints) for task in tasks], counts, all_rows, costs, pool)
    failed |= barred_rows(pool, constraints, unhealthy)[all_rows]
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
    )


def _fitting(tasks: Sequence[Task], index: CatalogueIndex, pool: Pool, policy: RoutingPolicy) -> tuple[list[Indexes], Numbers, list[bool]]:
    """For each task the rows whose skill fits; for all rows how well; and for each task whether any fits: else the nearest is alone."""
    floor = policy.match.exact_floor
    by_capability: dict[str, tuple[Indexes, Indexes]] = {}
    by_text: dict[str, Numbers] = {}
    rows: list[Indexes] = []
    skill: list[Numbers] = []
    floors: list[float] = []
    fitting: list[bool] = []
    for task in tasks:
        known = by_capability.get(task.capability)
        if known is None:
            found = np.array(pool.rows_of(index.numbers_with_capability(task.capability)), dtype=np.intp)
            known = by_capability[task.capability] = (found, pool.offers[found])
        scores = by_text.get(task.goal)
        if scores is None:
            scores = by_text[task.goal] = index.scores(task.goal)
        if len(known[0]):
            rows.append(known[0])
            skill.append(scores[known[1]])
            floors.append(floor)
            fitting.append(True)
            continue
        best = float(scores.max(initial=0.0))
        fits = best >= policy.match.text_threshold and best > 0
        if fits:
            offers = np.flatnonzero(scores >= max(policy.match.text_threshold, policy.match.text_share_of_best * best)).tolist()
        else:
            tied = np.flatnonzero(scores == best).tolist()
            offers = [min(tied, key=lambda number: int(pool.ranks[pool.first_rows[number]]))] if tied else []
        near = np.array(pool.rows_of(offers), dtype=np.intp)
        rows.append(near)
        skill.append(scores[pool.offers[near]])
        floors.append(0.0)
        fitting.append(fits)
    least = np.repeat(np.array(floors), np.array([len(some) for some in rows], dtype=np.intp))
    return rows, least + (1.0 - least) * np.concatenate([*skill, np.empty(0)]), fitting


def _costs(tasks: Sequence[Task], counts: Indexes, rows: Indexes, pool: Pool, policy: RoutingPolicy) -> Amounts:
    """Expected cost in nanos: price times expected tokens, rounded to the nearest."""
    tokens = np.array([policy.expected_tokens(difficulty_of(task)) for task in tasks], dtype=pool.input_prices.dtype).reshape(-1, 2)
    inputs, outputs = np.repeat(tokens[:, 0], counts), np.repeat(tokens[:, 1], counts)
    used = pool.input_prices[rows] * inputs + pool.output_prices[rows] * outputs
    return (used + TOKENS_PER_PRICE // 2) // TOKENS_PER_PRICE + pool.call_prices[rows]
