"""Bounded repair: apply the fixes the validator names, as long as that makes the verdict better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from genesis_server.model.money import Money
from genesis_server.model.plan import Plan
from genesis_server.model.routing import Routing, TaskRoute
from genesis_server.model.validation import Finding, FindingKind, Fix, Reallocate, Repair, Severity, Verdict

MAX_ROUNDS = 3

Apply = Callable[[Plan, tuple[TaskRoute, ...], Fix], tuple[Plan, tuple[TaskRoute, ...]]]


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
    apply: Apply,
) -> Settled:
    """Apply fixes by reallocating and dropping, at most `MAX_ROUNDS` rounds, keeping only rounds that improve the verdict.

    A round applies every fix that touches a task no other fix of the round touches. Dropping re-routes the plan. A round after
    which there are not fewer errors, or as many errors and not fewer warnings, is taken back and ends the repair; so the result
    never has more errors than the start.
    """
    best = start
    for number in range(1, MAX_ROUNDS + 1):
        chosen = _independent([finding for finding in best.verdict.findings if _repairable(finding)])
        if not chosen:
            return best
        plan, routes = best.plan, best.routing.routes
        for _, fix in chosen:
            plan, routes = apply(plan, routes, fix)
        only_reallocated = all(isinstance(fix, Reallocate) for _, fix in chosen)
        routing = _with_routes(best.routing, routes) if only_reallocated else route(plan)
        verdict = judge(plan, routing)
        if _badness(verdict) >= _badness(best.verdict):
            return best
        best = Settled(plan, routing, verdict, (*best.repairs, *(Repair(number, finding, fix) for finding, fix in chosen)))
    return best


def _repairable(finding: Finding) -> bool:
    return finding.fix is not None and (finding.severity is Severity.ERROR or finding.kind is FindingKind.REPEATED_TASK)


def _independent(findings: list[Finding]) -> list[tuple[Finding, Fix]]:
    """Fixes that touch no task another chosen one touches, in the findings' order: a pair of repeats loses one of the two."""
    touched: set[str] = set()
    chosen: list[tuple[Finding, Fix]] = []
    for finding in findings:
        if finding.fix is not None and touched.isdisjoint(finding.task_ids):
            touched.update(finding.task_ids)
            chosen.append((finding, finding.fix))
    return chosen


def _with_routes(routing: Routing, routes: tuple[TaskRoute, ...]) -> Routing:
    budget = routing.budget
    assigned = [route.assignment for route in routes if route.assignment is not None]
    total = Money(sum(assignment.expected_cost.nanos for assignment in assigned), budget.expected_total.currency)
    met = budget.limit is None or (total.nanos <= budget.limit.nanos and len(assigned) == len(routes))
    return Routing(routes, replace(budget, expected_total=total, met=met))


def _badness(verdict: Verdict) -> tuple[int, int]:
    errors = sum(finding.severity is Severity.ERROR for finding in verdict.findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in verdict.findings)
    return errors, warnings
