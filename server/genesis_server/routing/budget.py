"""Keeping to a budget: step by step from the best choice to the cheapest, the smallest loss of score for the money first.

The steps do not depend on the budget, only how many are taken does; so a smaller budget never leads to a larger total. It is the
greedy of the multiple-choice knapsack (Sinha & Zoltners 1979), without its claim to be optimal. Steps that keep to whom the rules
prefer go before steps that leave them: money is harder than a preference.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genesis_server.routing.balance import Workload
from genesis_server.routing.candidates import Candidates
from genesis_server.routing.selection import Field


@dataclass(frozen=True, slots=True)
class Selection:
    """What is chosen for each task, as a place in its field; None when nothing is feasible."""

    fields: Sequence[Field]
    places: Sequence[int | None]
    total: int
    """In nanos."""
    workload: Workload
    """As it was when all of `fields` had been chosen."""
    undone_at: Mapping[int, tuple[int, int]]
    """By place of the task: the budget in nanos at which the last step to its choice would not have been taken, and the choice before."""


def as_chosen(fields: Sequence[Field], candidates: Candidates, workload: Workload) -> Selection:
    """The choice of each field."""
    places = [field.chosen for field in fields]
    return Selection(fields, places, sum(costs_of(fields, places, candidates)), workload, {})


def costs_of(fields: Sequence[Field], places: Sequence[int | None], candidates: Candidates) -> list[int]:
    """The expected cost of each choice in nanos, 0 where there is none."""
    costs = candidates.values.costs
    return [0 if place is None else costs[field.first + place] for field, place in zip(fields, places, strict=True)]


def downgrade(selection: Selection, candidates: Candidates, limit: int | None, *, keep_times: bool) -> Selection:
    """Cheaper choices until the total is within `limit` nanos, or until there is none (limit None: go all the way).

    With `keep_times` no choice may take longer than the one it replaces, so that no deadline breaks.
    """
    places = list(selection.places)
    total = selection.total
    heap: list[tuple[int, float, int, int, int]] = []
    undone_at: dict[int, tuple[int, int]] = {}

    def offer_step(job: int) -> None:
        field, place = selection.fields[job], places[job]
        step = None if place is None else next_step(place, field.order, _columns(field, candidates), keep_times=keep_times)
        if step is not None:
            fall, loss, change, option = step
            heapq.heappush(heap, (fall, loss, change, job, option))

    for job, place in enumerate(places):
        if place is not None:
            offer_step(job)
    while heap and (limit is None or total > limit):
        _, _, change, job, place = heapq.heappop(heap)
        undone_at[job] = (total, places[job] or 0)
        places[job] = place
        total += change
        offer_step(job)
    return Selection(selection.fields, places, total, selection.workload, undone_at)


def afford(selection: Selection, candidates: Candidates, sequence: Sequence[int], limit: int) -> Selection:
    """The choices of `selection` in the order of `sequence` while the money lasts; what does not fit is left out."""
    costs = costs_of(selection.fields, selection.places, candidates)
    places: list[int | None] = [None] * len(costs)
    total = 0
    for job in sequence:
        if selection.places[job] is not None and total + costs[job] <= limit:
            places[job] = selection.places[job]
            total += costs[job]
    return Selection(selection.fields, places, total, selection.workload, {})


@dataclass(frozen=True, slots=True)
class StepColumns:
    """What a step to a cheaper choice goes by, for the candidates of one task."""

    costs: Sequence[int]
    seconds: Sequence[float]
    preference: Sequence[int]
    score: Sequence[float]


def _columns(field: Field, candidates: Candidates) -> StepColumns:
    values, part = candidates.values, slice(field.first, field.first + field.size)
    return StepColumns(values.costs[part], values.seconds[part], values.preference[part], field.score)


def next_step(place: int, order: Sequence[int], columns: StepColumns, *, keep_times: bool) -> tuple[int, float, int, int] | None:
    """The cheaper choice with the least fall in preference, then the least loss of score for the money.

    As (fall, loss per nano, change of the total, place); None when nothing in `order` is cheaper.
    """
    costs, seconds, preference, score = columns.costs, columns.seconds, columns.preference, columns.score
    cost, rank, best = costs[place], preference[place], score[place]
    longest = seconds[place] if keep_times else math.inf
    options = [option for option in order if costs[option] < cost and seconds[option] <= longest]
    if not options:
        return None

    def step(option: int) -> tuple[int, float, int]:
        change = costs[option] - cost
        return max(0, preference[option] - rank), (best - score[option]) / -change, change

    chosen = min(options, key=step)
    return (*step(chosen), chosen)
