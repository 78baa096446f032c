"""Hard constraints that a candidate passes or fails whatever the other tasks get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genesis_server.model.catalogue import DataClass
from genesis_server.model.plan import TaskConstraints
from genesis_server.model.routing import RoutingConstraints, UnassignedReason
from genesis_server.routing.pool import Amounts, Indexes, Pool

Flags = npt.NDArray[np.int64]
"""A set of failed constraints: bit n is the UnassignedReason with number n."""


def flag(reason: UnassignedReason) -> int:
    """The bit of a reason."""
    return 1 << reason


def failed_reasons(flags: int) -> tuple[UnassignedReason, ...]:
    """The reasons of a set, in the order of their numbers."""
    return tuple([reason for reason in UnassignedReason if flags & flag(reason)])


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task's target must satisfy, the call's limits and its own taken together."""

    regions: frozenset[str] | None
    """None: any."""
    data_class: DataClass
    max_cost: int | None
    """In nanos."""


def limits_of(own: TaskConstraints, constraints: RoutingConstraints) -> Limits:
    """The limits of a task with constraints of its own in a call with `constraints`."""
    regions = frozenset(constraints.regions) if constraints.regions else None
    if own.regions:
        regions = frozenset(own.regions) if regions is None else regions & frozenset(own.regions)
    data_class = own.data_class or constraints.data_class
    return Limits(regions, data_class.effective, own.max_cost.nanos if own.max_cost is not None else None)


def barred_rows(pool: Pool, constraints: RoutingConstraints, unhealthy: frozenset[str]) -> Flags:
    """For each row of the pool what bars it from every task of the call."""
    excluded = _owner_flags(pool, constraints.excluded_targets, UnassignedReason.EXCLUDED)
    return excluded | _owner_flags(pool, unhealthy, UnassignedReason.UNHEALTHY)


def bars_of_owners(pool: Pool, limit: Limits, barred: Flags) -> Indexes:
    """For each row of the pool how many constraints keep its agent or tool from a task with these limits, whatever it costs."""
    bars = (barred != 0).astype(np.intp) + (pool.clearances < limit.data_class)
    return bars if limit.regions is None else bars + (_outside(pool, limit.regions) != 0)


def failures(limits: Sequence[Limits], counts: Indexes, rows: Indexes, costs: Amounts, pool: Pool) -> Flags:
    """What each candidate fails of its task's limits; `counts` says how many candidates each task has."""
    needed = np.repeat(np.array([int(limit.data_class) for limit in limits], dtype=np.int64), counts)
    failed: Flags = np.where(pool.clearances[rows] < needed, flag(UnassignedReason.DATA_CLASS), 0)
    place = 0
    outside: dict[frozenset[str], Flags] = {}
    for limit, count in zip(limits, counts.tolist(), strict=True):
        part = slice(place, place + count)
        place += count
        if limit.regions is not None:
            if limit.regions not in outside:
                outside[limit.regions] = _outside(pool, limit.regions)
            failed[part] |= outside[limit.regions][rows[part]]
        if limit.max_cost is not None:
            failed[part] |= np.where(costs[part] > limit.max_cost, flag(UnassignedReason.BUDGET), 0)
    return failed


def _outside(pool: Pool, regions: frozenset[str]) -> Flags:
    return np.array([0 if region in regions else flag(UnassignedReason.REGION) for region in pool.regions], dtype=np.int64)


def _owner_flags(pool: Pool, names: frozenset[str], reason: UnassignedReason) -> Flags:
    """For each row of the pool whether its agent or tool is one of `names`."""
    if not names:
        return np.zeros(len(pool.targets), dtype=np.int64)
    by_owner = np.array([0 if owner.isdisjoint(names) else flag(reason) for owner in pool.owner_names], dtype=np.int64)
    return by_owner[pool.owners]
