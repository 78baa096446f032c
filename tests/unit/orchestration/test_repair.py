"""Repair never makes a verdict worse, and ends."""

from __future__ import annotations

from dataclasses import replace

from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task
from genesis_server.model.routing import Assignment, BudgetSummary, Routing, Target, TargetKind, TaskRoute, Unassigned, UnassignedReason
from genesis_server.model.validation import (
    DropTask,
    Finding,
    FindingKind,
    Fix,
    Principle,
    QualityTerms,
    Reallocate,
    Severity,
    Verdict,
)
from genesis_server.orchestration.repair import MAX_ROUNDS, Settled, settle

TARGET = Target(TargetKind.AGENT, "build")
OTHER = Target(TargetKind.AGENT, "qa")


def assigned(task_id: str, target: Target = TARGET, cost: int = 1) -> TaskRoute:
    return TaskRoute(task_id, assignment=Assignment(target, 1.0, 1.0, Money(cost), 1.0, ""))


def routing(*routes: TaskRoute, limit: Money | None = None) -> Routing:
    return Routing(routes, BudgetSummary(Money(), Money(), limit, met=True))


def verdict(*findings: Finding) -> Verdict:
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    return Verdict(not failed, True, True, True, True, True, 0.5, QualityTerms(), findings, len(findings), (), None)


def repeated(task_id: str, fix: Fix | None) -> Finding:
    return Finding(FindingKind.REPEATED_TASK, Principle.NON_REDUNDANCY, Severity.WARNING, "again", (), (task_id,), fix)


def error(task_id: str, fix: Fix | None) -> Finding:
    return Finding(FindingKind.UNFIT_TARGET, Principle.ROUTING, Severity.ERROR, "unfit", (), (task_id,), fix)


def drop(plan: Plan, routes: tuple[TaskRoute, ...], fix: Fix) -> tuple[Plan, tuple[TaskRoute, ...]]:
    """The validator's fixes, in miniature."""
    if isinstance(fix, DropTask):
        tasks = tuple(task for task in plan.tasks if task.id != fix.task_id)
        return replace(plan, tasks=tasks), tuple(route for route in routes if route.task_id != fix.task_id)
    assert isinstance(fix, Reallocate)
    return plan, tuple(assigned(fix.task_id, fix.target, 5) if route.task_id == fix.task_id else route for route in routes)


def route(plan: Plan) -> Routing:
    return routing(*(assigned(task.id) for task in plan.tasks))


PLAN = Plan("goal", (Task("a", "x"), Task("b", "x"), Task("c", "y")))


def test_a_plan_without_fixable_findings_stays_as_it_is() -> None:
    start = Settled(PLAN, route(PLAN), verdict(error("a", None)))
    assert settle(start, route=route, judge=lambda _plan, _routing: verdict(), apply=drop) is start


def test_a_repeated_task_is_dropped_and_the_plan_routed_again() -> None:
    def judge(plan: Plan, _routing: Routing) -> Verdict:
        return verdict(repeated("b", DropTask("b"))) if len(plan.tasks) == 3 else verdict()

    start = Settled(PLAN, route(PLAN), judge(PLAN, route(PLAN)))
    end = settle(start, route=route, judge=judge, apply=drop)
    assert [task.id for task in end.plan.tasks] == ["a", "c"]
    assert [item.task_id for item in end.routing.routes] == ["a", "c"]
    assert [(repair.round, repair.fix) for repair in end.repairs] == [(1, DropTask("b"))]


def test_reallocating_keeps_the_other_routes_and_counts_the_money_again() -> None:
    def judge(_plan: Plan, routed: Routing) -> Verdict:
        first = routed.routes[0].assignment
        return verdict(error("a", Reallocate("a", OTHER))) if first and first.target == TARGET else verdict()

    start_routing = routing(*(assigned(task.id) for task in PLAN.tasks), limit=Money(6))
    end = settle(Settled(PLAN, start_routing, judge(PLAN, start_routing)), route=route, judge=judge, apply=drop)
    assert end.verdict.passed
    assert end.routing.budget.expected_total == Money(7)
    assert not end.routing.budget.met


def test_reallocating_with_a_task_left_out_does_not_meet_the_budget() -> None:
    def judge(_plan: Plan, routed: Routing) -> Verdict:
        first = routed.routes[0].assignment
        return verdict(error("a", Reallocate("a", OTHER))) if first and first.target == TARGET else verdict()

    left_out = TaskRoute("b", unassigned=Unassigned(UnassignedReason.BUDGET, "no money"))
    start_routing = routing(assigned("a"), left_out, limit=Money(100))
    end = settle(Settled(PLAN, start_routing, judge(PLAN, start_routing)), route=route, judge=judge, apply=drop)
    assert not end.routing.budget.met


def test_a_round_that_does_not_help_is_taken_back() -> None:
    def judge(_plan: Plan, _routing: Routing) -> Verdict:
        return verdict(repeated("b", DropTask("b")))

    start = Settled(PLAN, route(PLAN), judge(PLAN, route(PLAN)))
    assert settle(start, route=route, judge=judge, apply=drop) is start


def test_repair_ends_after_its_rounds() -> None:
    plan = Plan("goal", tuple(Task(f"t{n}", "x") for n in range(10)))

    def judge(current: Plan, _routing: Routing) -> Verdict:
        return verdict(
            *(repeated(task.id, DropTask(current.tasks[-1].id)) for task in current.tasks[-1:]), *([error("x", None)] * len(current.tasks))
        )

    end = settle(Settled(plan, route(plan), judge(plan, route(plan))), route=route, judge=judge, apply=drop)
    assert len(end.plan.tasks) == 10 - MAX_ROUNDS
    assert [repair.round for repair in end.repairs] == list(range(1, MAX_ROUNDS + 1))


def test_two_fixes_of_one_task_are_not_applied_in_one_round() -> None:
    def judge(plan: Plan, _routing: Routing) -> Verdict:
        names = [task.id for task in plan.tasks]
        if "a" in names and "b" in names:
            pair = Finding(FindingKind.REPEATED_TASK, Principle.NON_REDUNDANCY, Severity.WARNING, "", (), ("a", "b"), DropTask("b"))
            riap = Finding(FindingKind.REPEATED_TASK, Principle.NON_REDUNDANCY, Severity.WARNING, "", (), ("b", "a"), DropTask("a"))
            return verdict(pair, riap)
        return verdict()

    end = settle(Settled(PLAN, route(PLAN), judge(PLAN, route(PLAN))), route=route, judge=judge, apply=drop)
    assert [task.id for task in end.plan.tasks] == ["a", "c"]
