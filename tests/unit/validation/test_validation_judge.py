"""The verdict as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from validation_makers import assigned, index_of, plan_of, plans, skill

from genesis_server.model.catalogue import AgentCard
from genesis_server.model.plan import Plan, Task, TaskOrigin, TaskSource
from genesis_server.model.validation import Principle, Severity
from genesis_server.validation import redundancy, solvability
from genesis_server.validation.judge import Limits, judge_plan

INDEX = index_of(AgentCard("writer", (skill("write", "writes reports and letters"),), max_concurrent_tasks=9))
GOAL = "Write a report and write a letter"
PLAN = plan_of([Task("a", "write a report", capability="write"), Task("b", "write a letter", capability="write")], goal=GOAL)
ROUTES = tuple(assigned(name, "writer", "", "write") for name in "ab")


def test_a_good_plan_passes_every_principle() -> None:
    verdict = judge_plan(PLAN, index=INDEX, routes=ROUTES)
    judged = (verdict.solvability_passed, verdict.completeness_passed, verdict.non_redundancy_passed, verdict.routing_passed)
    assert verdict.passed
    assert verdict.structure_passed
    assert judged == (True, True, True, True)
    assert (verdict.findings, verdict.finding_count, verdict.not_judged) == ((), 0, ())


def test_checks_without_anything_to_check_with_are_named_with_the_reason() -> None:
    verdict = judge_plan(plan_of(["a"]))
    assert verdict.passed
    assert (verdict.solvability_passed, verdict.completeness_passed, verdict.routing_passed) == (None, None, None)
    assert [item.principle for item in verdict.not_judged] == [Principle.SOLVABILITY, Principle.COMPLETENESS, Principle.ROUTING]
    with_routes = judge_plan(PLAN, routes=ROUTES)
    assert "catalogue" in with_routes.not_judged[-1].reason


def test_the_goal_of_the_call_comes_before_the_plans_own() -> None:
    assert judge_plan(PLAN, goal="Write a report, write a letter and bake a cake").completeness_passed is False
    assert judge_plan(PLAN).completeness_passed is True


def test_version_1_0_judges_the_structure_only() -> None:
    broken = plan_of(["a", "a"], goal=GOAL)
    verdict = judge_plan(broken, index=INDEX, routes=ROUTES, structural_only=True)
    assert not verdict.passed
    assert {finding.principle for finding in verdict.findings} == {Principle.STRUCTURE}
    assert len(verdict.not_judged) == 4
    assert all("1.0" in item.reason for item in verdict.not_judged)


def test_the_minimal_level_is_not_judged_for_completeness() -> None:
    plan = plan_of([Task("a", GOAL, origin=TaskOrigin(TaskSource.GOAL))], goal=GOAL)
    verdict = judge_plan(plan, index=INDEX)
    assert verdict.completeness_passed is None


def test_warnings_fail_nothing() -> None:
    verdict = judge_plan(plan_of(["a", "b", Task("c", "do a")], [("a", "b"), ("a", "b")]))
    assert verdict.passed
    assert {finding.severity for finding in verdict.findings} == {Severity.WARNING}


def test_findings_are_worst_first_and_capped_while_the_count_is_true() -> None:
    repeats = [Task(f"t{n}", "the same again") for n in range(1_500)]
    verdict = judge_plan(plan_of([*repeats, "last", "last"], [("last", "ghost")]))
    assert len(verdict.findings) == 1_000
    assert verdict.finding_count == 1_499 + 2 + 1
    assert [finding.severity for finding in verdict.findings[:3]] == [Severity.ERROR, Severity.ERROR, Severity.WARNING]


def test_large_plans_say_what_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solvability, "MAX_TASKS_BY_WORDS", 1)
    monkeypatch.setattr("genesis_server.validation.judge.MAX_TASKS_FOR_NEAR_REPEATS", 1)
    monkeypatch.setattr(redundancy, "MAX_TASKS_FOR_NEAR_REPEATS", 1)
    verdict = judge_plan(plan_of(["a", "b"]), index=INDEX)
    reasons = {item.principle: item.reason for item in verdict.not_judged}
    assert "name their capabilities" in reasons[Principle.SOLVABILITY]
    assert "literal repeats" in reasons[Principle.NON_REDUNDANCY]
    assert verdict.solvability_passed is None
    partly = judge_plan(plan_of(["a", "b", *PLAN.tasks[:0], Task("c", "", capability="write")]), index=INDEX)
    assert partly.solvability_passed is True


def test_the_limits_are_the_callers() -> None:
    assert not judge_plan(PLAN, limits=Limits(max_tasks=1)).passed


@given(plans())
def test_the_same_plan_gets_the_same_verdict(plan: Plan) -> None:
    """Judged twice, everything is equal, texts and all."""
    routes = tuple(assigned(task.id, "writer", "", "write") for task in plan.tasks[::2])
    first, second = (judge_plan(plan, goal=GOAL, index=INDEX, routes=routes) for _ in range(2))
    assert first == second
    assert first.passed == all(finding.severity is not Severity.ERROR for finding in first.findings)
