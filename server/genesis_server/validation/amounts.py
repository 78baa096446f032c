"""The amounts a verdict compares: all must be in one currency, since nothing here changes money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genesis_server.agents.currencies import one_currency
from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.routing import RoutingConstraints, TaskRoute
from genesis_server.validation.graph import PlanGraph


def refuse_mixed_currencies(
    graph: PlanGraph, index: CatalogueIndex | None, routes: Sequence[TaskRoute], constraints: RoutingConstraints
) -> None:
    """Raise ValidationError INVALID_FIELD when catalogue, budget, limits and expected costs are not in one currency."""
    one_currency(_named(graph, index, routes, constraints))


def _named(
    graph: PlanGraph, index: CatalogueIndex | None, routes: Sequence[TaskRoute], constraints: RoutingConstraints
) -> Iterator[tuple[str, str]]:
    if index is not None:
        yield from index.currencies
    if constraints.budget is not None:
        yield constraints.budget.currency, "constraints.budget"
    for row, limits in graph.tasks.constraints.items():
        if limits.max_cost is not None:
            yield limits.max_cost.currency, f"plan.tasks[{row}].constraints.max_cost"
    for number, route in enumerate(routes):
        if route.assignment is not None and route.assignment.expected_cost.nanos:
            yield route.assignment.expected_cost.currency, f"routes[{number}].assignment.expected_cost"
