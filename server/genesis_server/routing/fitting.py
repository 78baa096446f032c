"""Whose skill fits a task, and how well: the offers of its capability, else those whose words are near enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.plan import Task
from genesis_server.resilience.errors import ValidationError, invalid_field
from genesis_server.routing.limits import Flags, Limits, bars_of_owners
from genesis_server.routing.policy import RoutingPolicy
from genesis_server.routing.pool import Indexes, Numbers, Pool

AT_ONCE = 256
"""Tasks whose words are compared at once, so that a call that is refused for too many candidates has cost little."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """The rows whose skill fits, task after task."""

    rows: Indexes
    counts: Indexes
    """How many of the rows belong to each task."""
    skill: Numbers
    """How well each fits."""
    fits: list[bool]
    """For each task whether any fits: else the nearest is alone."""
    capabilities: list[str | None]
    """As in Candidates."""


def fitting_rows(
    tasks: Sequence[Task],
    limits: Sequence[Limits],
    *,
    index: CatalogueIndex,
    pool: Pool,
    policy: RoutingPolicy,
    barred: Flags,
    most: int,
) -> Fitting:
    """Who fits each task, and how well: at least one each, unless the catalogue is empty.

    Raises ValidationError INVALID_FIELD when there are more than `most` of them together.
    """
    by_capability: dict[str, Indexes] = {}
    by_limits: dict[tuple[object, int], Indexes] = {}
    rows: list[Indexes] = []
    skill: list[Numbers] = []
    fits: list[bool] = []
    capabilities: list[str | None] = []
    count = 0
    for begin in range(0, len(tasks), AT_ONCE):
        some = tasks[begin : begin + AT_ONCE]
        row_of_text = {text: row for row, text in enumerate(dict.fromkeys([task.goal for task in some]))}
        scores = index.all_scores(list(row_of_text))
        for number, task in enumerate(some, begin):
            capability: str | None = task.capability
            found = by_capability.get(task.capability)
            if found is None:
                found = np.array(pool.rows_of(index.numbers_with_capability(task.capability)), dtype=np.intp)
                by_capability[task.capability] = found
            fits_well = True
            if not len(found):
                limit = limits[number]
                bars = by_limits.get((limit.regions, limit.data_class))
                if bars is None:
                    bars = by_limits[limit.regions, limit.data_class] = bars_of_owners(pool, limit, barred)[pool.first_rows[:-1]]
                offers, fits_well = _near(scores[row_of_text[task.goal]], bars, pool, policy)
                found, capability = np.array(pool.rows_of(offers), dtype=np.intp), None
            count += len(found)
            if count > most:
                raise _too_many(most)
            rows.append(found)
            fits.append(fits_well)
            capabilities.append(capability)
        of_some = rows[begin:]
        texts = np.repeat([row_of_text[task.goal] for task in some], [len(found) for found in of_some])
        skill.append(scores[texts, pool.offers[np.concatenate(of_some)]])
    counts = np.array([len(found) for found in rows], dtype=np.intp)
    floors = [0.0 if capability is None else policy.match.exact_floor for capability in capabilities]
    least = np.repeat(np.array(floors), counts)
    return Fitting(
        rows=np.concatenate([*rows, np.empty(0, dtype=np.intp)]),
        counts=counts,
        skill=least + (1.0 - least) * np.concatenate([*skill, np.empty(0)]),
        fits=fits,
        capabilities=capabilities,
    )


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
