"""Keeping to a budget: step by step from the best choice to the cheapest, the smallest loss of score for the money first.

The steps do not depend on the budget, only how many are taken does; so a smaller budget never leads to a larger total. It is the
greedy of the multiple-choice knapsack (Sinha & Zoltners 1979), without its claim to be optimal.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from genesis_server.routing.candidates import Candidates
from genesis_server.routing.selection import Field


@dataclass(frozen=True, slots=True)
class Selection:
    """What is chosen for each task, as a place in its field; None when nothing is feasible."""

    fields: Sequence[Field]
    places: Sequence[int | None]
    total: int
    """In nanos."""


def as_chosen(fields: Sequence[Field], candidates: Candidates) -> Selection:
    """The choice of each field."""
    places = [field.chosen for field in fields]
    return Selection(fields, places, sum(costs_of(fields, places, candidates)))


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
    heap: list[tuple[float, int, int, int]] = []

    def offer_step(job: int) -> None:
        step = _next_step(selection.fields[job], places[job], candidates, keep_times=keep_times)
        if step is not None:
            loss, change, option = step
            heapq.heappush(heap, (loss, change, job, option))

    for job, place in enumerate(places):
        if place is not None:
            offer_step(job)
    while heap and (limit is None or total > limit):
        _, change, job, place = heapq.heappop(heap)
        places[job] = place
        total += change
        offer_step(job)
    return Selection(selection.fields, places, total)


def afford(selection: Selection, candidates: Candidates, sequence: Sequence[int], limit: int) -> Selection:
    """The choices of `selection` in the order of `sequence` while the money lasts; what does not fit is left out."""
    costs = costs_of(selection.fields, selection.places, candidates)
    places: list[int | None] = [None] * len(costs)
    total = 0
    for job in sequence:
        if selection.places[job] is not None and total + costs[job] <= limit:
            places[job] = selection.places[job]
            total += costs[job]
    return Selection(selection.fields, places, total)


def _next_step(field: Field, place: int | None, candidates: Candidates, *, keep_times: bool) -> tuple[float, int, int] | None:
    """The cheaper choice with the least loss of score for the money: (loss per nano, change of the total, place)."""
    if place is None:
        return None
    first, costs, seconds = field.first, candidates.values.costs, candidates.values.seconds
    cost, score = costs[first + place], field.score[place]
    longest = seconds[first + place] if keep_times else math.inf
    options = [option for option in field.order if costs[first + option] < cost and seconds[first + option] <= longest]
    if not options:
        return None

    def loss_and_change(option: int) -> tuple[float, int]:
        change = costs[first + option] - cost
        return (score - field.score[option]) / -change, change

    chosen = min(options, key=loss_and_change)
    return (*loss_and_change(chosen), chosen)
