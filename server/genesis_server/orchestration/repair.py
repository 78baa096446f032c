"""Bounded repair: apply the fixes the validator names, as long as that makes the verdict better, and route what they changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from genesis_server.model.money import Money
from genesis_server.model.plan import Plan
from genesis_server.model.routing import Routing, TaskRoute
from genesis_server.model.validation import Fix, Reallocate, Repair, Verdict
from genesis_server.validation.fixes import apply_fix
from genesis_server.validation.fixpoint import Apply, mend

MAX_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Settled:
    """A plan with its routing and verdict after repair."""

    plan: Plan
    routing: Routing
    verdict: Verdict
    repairs: tuple[Repair, ...] = ()


def settle(
    start: Settled,
    *,
    route: Callable[[Plan], Routing],
    judge: Callable[[Plan, Routing], Verdict],
    apply: Apply = apply_fix,
) -> Settled:
    """Mend a plan (see validation.fixpoint), at most `MAX_ROUNDS` rounds; the result never has more errors than the start.

    Reallocations keep the routing and change it in place; after any other fix the plan is routed anew.
    """
    # By identity: equal routes may come with different budgets, and proofs are not hashed.
    routings = {id(start.routing.routes): start.routing}

    def reroute(plan: Plan, routes: tuple[TaskRoute, ...], fixes: tuple[Fix, ...]) -> tuple[TaskRoute, ...]:
        moved = all(isinstance(fix, Reallocate) for fix in fixes)
        routing = with_routes(start.routing, routes) if moved else route(plan)
        routings[id(routing.routes)] = routing
        return routing.routes

    def judged(plan: Plan, routes: tuple[TaskRoute, ...]) -> Verdict:
        return judge(plan, routings[id(routes)])

    mended = mend(
        start.plan, start.routing.routes, judge=judged, reroute=reroute, verdict=start.verdict, max_rounds=MAX_ROUNDS, apply=apply
    )
    if not mended.repairs:
        return start
    return Settled(mended.plan, routings[id(mended.routes)], mended.verdict, (*start.repairs, *mended.repairs))


def with_routes(routing: Routing, routes: tuple[TaskRoute, ...]) -> Routing:
    """The routing with other routes, and its budget added up again."""
    budget = routing.budget
    assigned = [route.assignment for route in routes if route.assignment is not None]
    total = Money(sum(assignment.expected_cost.nanos for assignment in assigned), budget.expected_total.currency)
    met = budget.limit is None or (total.nanos <= budget.limit.nanos and len(assigned) == len(routes))
    return Routing(routes, replace(budget, expected_total=total, met=met))
