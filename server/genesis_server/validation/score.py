"""The quality of a plan and its routing in one number: the documented prior of Agent-Oriented Planning's score.

    quality = 0.4 success + 0.3 quality + 0.2 (1 - cost) + 0.1 (1 - time)

The terms are normalised as protos/genesis/v1/validation.proto says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from genesis_server.model.catalogue import DEFAULT_SUCCESS_PRIOR
from genesis_server.model.money import Money
from genesis_server.model.routing import Assignment
from genesis_server.model.validation import QualityTerms, Severity
from genesis_server.validation.findings import FindingLog
from genesis_server.validation.fitness import Fitness
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.schedule import Timetable

WARNING_WEIGHT = 0.25
UNKNOWN_COST = 0.5


def quality_score(terms: QualityTerms) -> float:
    """The terms weighted, 0 (bad) to 1 (good)."""
    return 0.4 * terms.success + 0.3 * terms.quality + 0.2 * (1.0 - terms.cost) + 0.1 * (1.0 - terms.time)


def success_term(graph: PlanGraph, assigned: Mapping[int, Assignment]) -> float:
    """Geometric mean of the expected successes; the prior 0.7 for tasks without an assignment, and for a plan without tasks."""
    chances = [assigned[row].expected_success if row in assigned else DEFAULT_SUCCESS_PRIOR for row in graph.work]
    if not chances:
        return DEFAULT_SUCCESS_PRIOR
    if min(chances) <= 0:
        return 0.0
    logs = {chance: math.log(chance) for chance in set(chances)}
    return math.exp(math.fsum(map(logs.__getitem__, chances)) / len(chances))


def quality_term(graph: PlanGraph, log: FindingLog) -> float:
    """1 minus the findings per primitive task, an error counted whole and a warning a quarter; at least 0."""
    weighted = log.count(Severity.ERROR) + WARNING_WEIGHT * log.count(Severity.WARNING)
    return max(0.0, 1.0 - weighted / max(1, len(graph.work)))


def time_term(times: Timetable | None) -> float:
    """Makespan over the sum of all durations; 0 when nothing takes time, 1 when there is no schedule."""
    if times is None:
        return 1.0
    return times.makespan / times.total if times.total else 0.0


def cost_term(assigned: Mapping[int, Assignment], budget: Money | None, fitness: Fitness | None) -> float:
    """Expected cost over the budget, else over the dearest fit targets; at most 1; a half when nothing is assigned."""
    if not assigned or fitness is None:
        return UNKNOWN_COST
    total = sum(assignment.expected_cost.nanos for assignment in assigned.values())
    against = budget.nanos if budget is not None else _dearest(assigned, fitness)
    return min(1.0, total / against) if against else float(total > 0)


def _dearest(assigned: Mapping[int, Assignment], fitness: Fitness) -> float:
    """What the same tasks would cost with the dearest fit targets.

    What a task uses of a model is not known here, so a model's two prices are added up and scaled by what this routing's assignments
    cost for theirs.
    """
    prices = {row: fitness.model_price(assignment.target) or 0 for row, assignment in assigned.items()}
    priced = [row for row, price in prices.items() if price]
    paid = sum(assigned[row].expected_cost.nanos for row in priced)
    scale = paid / sum(prices[row] for row in priced) if priced else 0.0
    total = 0.0
    for row, assignment in assigned.items():
        model, tool = fitness.dearest_prices(row)
        total += max(assignment.expected_cost.nanos, scale * model, tool)
    return total
