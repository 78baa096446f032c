"""Routings that break the catalogue, the load, the budget or the deadline."""

from __future__ import annotations

from dataclasses import replace

import pytest
from validation_makers import LARGE, SMALL, assigned, errors, index_of, of_kind, plan_of, skill, to_tool, unassigned

from genesis_server.model.catalogue import AgentCard, DataClass, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task, TaskConstraints
from genesis_server.model.routing import RoutingConstraints, Target, TargetKind, TaskRoute, UnassignedReason
from genesis_server.model.validation import Finding, FindingKind, Principle, Reallocate, Severity
from genesis_server.resilience.errors import ValidationError
from genesis_server.validation import solvability
from genesis_server.validation.judge import judge_plan

WRITER = AgentCard("writer", (skill("write", "writes reports"),), models=(SMALL, LARGE), region="eu", max_data_class=DataClass.RESTRICTED)
POET = AgentCard("poet", (skill("write", "writes poems"), skill("sing")), max_concurrent_tasks=4, region="us")
MOVER = AgentCard("mover", (skill("carry", "carries boxes and furniture"),))
SCALE = Tool("weigh", "weighs a box", cost_per_call=Money.of(1))
INDEX = index_of(WRITER, POET, MOVER, SCALE)
TO_WRITER = Target(TargetKind.AGENT, "writer", "large", "write")
TO_POET = Target(TargetKind.AGENT, "poet", "", "write")


NO_CONSTRAINTS = RoutingConstraints()


def _judge(plan: Plan, *routes: TaskRoute, constraints: RoutingConstraints = NO_CONSTRAINTS) -> list[Finding]:
    found = judge_plan(plan, index=INDEX, routes=routes, constraints=constraints).findings
    return [finding for finding in found if finding.principle is Principle.ROUTING]


def _write(name: str = "a", **more: object) -> Task:
    return Task(name, f"write report {name}", capability="write", **more)  # type: ignore[arg-type]


def test_a_fit_target_is_fine() -> None:
    plan = plan_of([_write(), Task("b", "weigh the box", capability="weigh")])
    assert _judge(plan, assigned("a", "writer", "small", "write"), to_tool("b", "weigh")) == []


@pytest.mark.parametrize(
    ("route", "why"),
    [
        (assigned("a", "nobody"), "there is no agent 'nobody'"),
        (to_tool("a", "nothing"), "there is no tool 'nothing'"),
        (assigned("a", "writer", "huge", "write"), "no model 'huge'"),
        (assigned("a", "writer", "small", "dance"), "no skill 'dance'"),
    ],
)
def test_targets_that_do_not_exist_are_told_with_somebody_who_could(route: TaskRoute, why: str) -> None:
    (finding,) = _judge(plan_of([_write()]), route)
    assert (finding.kind, finding.severity, finding.task_ids) == (FindingKind.UNKNOWN_TARGET, Severity.ERROR, ("a",))
    assert why in finding.message
    assert isinstance(finding.fix, Reallocate)
    assert finding.fix.target.id in {"writer", "poet"}


@pytest.mark.parametrize("route", [assigned("a", "mover", "", "carry"), to_tool("a", "weigh"), assigned("a", "poet", "", "sing")])
def test_targets_without_the_capability_are_unfit(route: TaskRoute) -> None:
    (finding,) = _judge(plan_of([_write()]), route)
    assert (finding.kind, finding.severity) == (FindingKind.UNFIT_TARGET, Severity.ERROR)
    assert isinstance(finding.fix, Reallocate)


def test_a_task_that_names_no_capability_goes_by_its_words() -> None:
    plan = plan_of([Task("a", "carry the furniture upstairs")])
    assert _judge(plan, assigned("a", "mover", "", "carry")) == []
    (finding,) = _judge(plan, assigned("a", "writer", "small", "write"))
    assert finding.kind is FindingKind.UNFIT_TARGET
    assert finding.fix == Reallocate("a", Target(TargetKind.AGENT, "mover", "", "carry"))


def test_what_nobody_can_do_is_not_held_against_its_target() -> None:
    assert _judge(plan_of([Task("a", "peel potatoes")]), assigned("a", "mover", "", "carry")) == []


@pytest.mark.parametrize(
    ("constraints", "own", "why"),
    [
        (RoutingConstraints(regions=("eu",)), TaskConstraints(), "runs in us"),
        (RoutingConstraints(), TaskConstraints(regions=("eu",)), "runs in us"),
        (RoutingConstraints(data_class=DataClass.RESTRICTED), TaskConstraints(), "may see INTERNAL data at most"),
        (RoutingConstraints(), TaskConstraints(data_class=DataClass.CONFIDENTIAL), "may see INTERNAL data at most"),
        (RoutingConstraints(excluded_targets=frozenset({"poet"})), TaskConstraints(), "excluded"),
    ],
)
def test_hard_constraints_hold_for_targets_and_for_whom_they_are_moved_to(
    constraints: RoutingConstraints, own: TaskConstraints, why: str
) -> None:
    (finding,) = _judge(plan_of([_write(constraints=own)]), assigned("a", "poet", "", "write"), constraints=constraints)
    assert finding.kind is (FindingKind.FORBIDDEN_DATA_CLASS if "may see" in why else FindingKind.UNFIT_TARGET)
    assert why in finding.message
    assert finding.fix == Reallocate("a", TO_WRITER)


def test_a_tasks_own_data_class_outweighs_the_calls() -> None:
    task = _write(constraints=TaskConstraints(data_class=DataClass.PUBLIC))
    assert (
        _judge(plan_of([task]), assigned("a", "poet", "", "write"), constraints=RoutingConstraints(data_class=DataClass.RESTRICTED)) == []
    )


def test_without_anybody_else_there_is_no_fix() -> None:
    constraints = RoutingConstraints(excluded_targets=frozenset({"poet", "writer"}))
    (finding,) = _judge(plan_of([_write()]), assigned("a", "poet", "", "write"), constraints=constraints)
    assert finding.fix is None
    assert "nobody else" in finding.message


def test_an_unassigned_task_goes_to_the_least_loaded_who_can() -> None:
    plan = plan_of([_write("a"), _write("b"), _write("c")])
    routes = [assigned("a", "writer", "small", "write"), assigned("b", "poet", "", "write")]
    (finding,) = _judge(plan, *routes, unassigned("c", UnassignedReason.NO_CAPABILITY))
    assert (finding.kind, finding.severity, finding.fix) == (FindingKind.UNASSIGNED_TASK, Severity.ERROR, Reallocate("c", TO_POET))
    (missing,) = _judge(plan, *routes)
    assert missing.fix == Reallocate("c", TO_POET)


@pytest.mark.parametrize("reason", [UnassignedReason.BUDGET, UnassignedReason.DEADLINE, UnassignedReason.UNHEALTHY])
def test_what_another_target_would_not_mend_has_no_fix(reason: UnassignedReason) -> None:
    (finding,) = _judge(plan_of([_write()]), unassigned("a", reason, "because"))
    assert finding.fix is None
    assert "because" in finding.message


def test_a_task_that_constraints_keep_from_everybody_is_an_error_that_says_which() -> None:
    constraints = RoutingConstraints(regions=("asia",))
    (finding,) = _judge(plan_of([_write()]), unassigned("a", UnassignedReason.REGION), constraints=constraints)
    assert (finding.severity, finding.fix) == (Severity.ERROR, None)
    assert "'writer' runs in eu, allowed are asia" in finding.message


def test_unsolvable_tasks_are_left_to_solvability() -> None:
    plan = plan_of([_write("a"), Task("b", "peel potatoes")])
    assert _judge(plan, assigned("a", "poet", "", "write"), unassigned("b", UnassignedReason.NO_CAPABILITY)) == []


def test_routes_for_nothing_and_two_for_one_task_are_errors() -> None:
    twice = [assigned("a", "poet", "", "write"), assigned("a", "mover", "", "carry"), assigned("ghost", "poet", "", "write")]
    found = _judge(plan_of([_write()]), *twice)
    assert [finding.kind for finding in found] == [FindingKind.DUPLICATE_TASK_ID, FindingKind.DANGLING_REFERENCE]


def test_more_tasks_of_one_level_than_an_agent_takes_are_a_warning() -> None:
    plan = plan_of([_write("a"), _write("b"), _write("c")], [("a", "c"), ("b", "c")])
    routes = [assigned(name, "writer", "small", "write") for name in "abc"]
    (finding,) = _judge(plan, *routes)
    assert (finding.kind, finding.severity, finding.task_ids) == (FindingKind.OVERLOAD, Severity.WARNING, ("a", "b"))


def test_load_and_deadline_are_not_judged_in_a_circle() -> None:
    plan = plan_of([_write("a"), _write("b")], [("a", "b"), ("b", "a")])
    routes = [assigned(name, "writer", "small", "write") for name in "ab"]
    assert _judge(plan, *routes, constraints=RoutingConstraints(deadline_seconds=1.0)) == []


def test_money_is_counted_exactly() -> None:
    plan = plan_of([_write("a"), _write("b")])
    routes = [assigned(name, "poet", "", "write", cost=0.1) for name in "ab"]
    assert _judge(plan, *routes, constraints=RoutingConstraints(budget=Money.of(0.2))) == []
    (finding,) = _judge(plan, *routes, constraints=RoutingConstraints(budget=replace(Money.of(0.2), nanos=199_999_999)))
    assert (finding.kind, finding.severity) == (FindingKind.OVER_BUDGET, Severity.ERROR)
    assert "0.20 USD" in finding.message


def test_a_tasks_own_cost_limit_holds() -> None:
    plan = plan_of([_write(constraints=TaskConstraints(max_cost=Money.of(1)))])
    assert _judge(plan, assigned("a", "poet", "", "write", cost=1)) == []
    (finding,) = _judge(plan, assigned("a", "poet", "", "write", cost=1.5))
    assert (finding.kind, finding.task_ids) == (FindingKind.OVER_BUDGET, ("a",))


def test_the_critical_path_must_keep_the_deadline_and_every_task_its_own() -> None:
    limits = TaskConstraints(deadline_seconds=59.0)
    plan = plan_of([_write("a", constraints=limits), _write("b")], [("a", "b")])
    routes = [assigned(name, "poet", "", "write") for name in "ab"]
    found = of_kind(_judge(plan, *routes, constraints=RoutingConstraints(deadline_seconds=119.0)), FindingKind.OVER_DEADLINE)
    assert [finding.task_ids for finding in errors(found)] == [("a", "b"), ("a",)]
    assert "takes 120 s" in found[0].message
    assert len(_judge(plan, *routes, constraints=RoutingConstraints(deadline_seconds=120.0))) == 1


def test_an_assignments_own_duration_counts_before_the_skills() -> None:
    route = assigned("a", "poet", "", "write", seconds=10.0)
    assert _judge(plan_of([_write()]), route, constraints=RoutingConstraints(deadline_seconds=10.0)) == []


def test_an_agent_excluded_by_its_name_may_not_do_a_task() -> None:
    """The names in the request are ids or names, as for Route."""
    index = index_of(replace(WRITER, name="Wilma"))
    constraints = RoutingConstraints(excluded_targets=frozenset({"Wilma"}))
    verdict = judge_plan(plan_of([_write()]), index=index, routes=(assigned("a", "writer", "small", "write"),), constraints=constraints)
    (finding,) = of_kind(verdict.findings, FindingKind.UNFIT_TARGET)
    assert "excluded" in finding.message


def test_amounts_in_two_currencies_are_refused_rather_than_compared() -> None:
    """Five euros are neither more nor less than six dollars: the field that says another currency is named."""
    plan = plan_of([_write()])
    route = assigned("a", "writer", "small", "write")
    assert route.assignment
    in_euro = replace(route, assignment=replace(route.assignment, expected_cost=Money(1, "EUR")))
    free = replace(route, assignment=replace(route.assignment, expected_cost=Money(0, "EUR")))
    limited = plan_of([_write(constraints=TaskConstraints(max_cost=Money(1, "EUR")))])
    budget = RoutingConstraints(budget=Money(1, "EUR"))
    for field, call in {
        "routes[0].assignment.expected_cost": lambda: judge_plan(plan, index=INDEX, routes=(in_euro,)),
        "constraints.budget": lambda: judge_plan(plan, index=INDEX, constraints=budget),
        "plan.tasks[0].constraints.max_cost": lambda: judge_plan(limited, index=INDEX),
    }.items():
        with pytest.raises(ValidationError) as refused:
            call()
        assert (refused.value.reason, refused.value.facts["field"]) == ("INVALID_FIELD", field)
    assert judge_plan(plan, index=INDEX, routes=(free,)).passed


def test_words_that_were_not_compared_are_not_compared_for_the_routing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """With very many tasks or offers the words are left alone, and the findings do not say that nobody else could do it."""
    monkeypatch.setattr(solvability, "MAX_COMPARISONS_BY_WORDS", 2 * len(INDEX.offers))
    asked: list[str] = []
    monkeypatch.setattr(type(INDEX), "scores", lambda _, text: asked.append(text))
    plan = plan_of(["a", "b", "c"])
    verdict = judge_plan(plan, index=INDEX, routes=(to_tool("a", "gone"), to_tool("b", "weigh")))
    assert asked == []
    assert "words of more than 2" in {item.principle: item.reason for item in verdict.not_judged}[Principle.SOLVABILITY]
    (finding,) = of_kind(verdict.findings, FindingKind.UNKNOWN_TARGET)
    assert "nobody else" not in finding.message


@pytest.mark.parametrize(
    ("own", "of_call"),
    [
        (TaskConstraints(max_cost=Money(1)), RoutingConstraints()),
        (TaskConstraints(deadline_seconds=1.0), RoutingConstraints()),
        (TaskConstraints(), RoutingConstraints(deadline_seconds=1.0)),
    ],
)
def test_a_task_with_a_limit_of_cost_or_time_is_given_to_nobody_else(own: TaskConstraints, of_call: RoutingConstraints) -> None:
    """The router names what refused the nearest; others it refused for cost or time, which only it can tell."""
    plan = plan_of([_write(constraints=own, expected_seconds=0.5)])
    (finding,) = _judge(plan, unassigned("a", UnassignedReason.REGION, "because"), constraints=of_call)
    assert (finding.kind, finding.fix) == (FindingKind.UNASSIGNED_TASK, None)
    assert "because" in finding.message


def test_an_unhealthy_agent_is_an_error_with_a_healthy_one_in_its_place() -> None:
    plan = plan_of([_write()])
    verdict = judge_plan(plan, index=INDEX, routes=(assigned("a", "poet", "", "write"),), unhealthy=frozenset({"poet"}))
    (finding,) = [finding for finding in verdict.findings if finding.kind is FindingKind.UNHEALTHY_TARGET]
    assert (finding.severity, finding.fix) == (Severity.ERROR, Reallocate("a", TO_WRITER))
    both = judge_plan(plan, index=INDEX, routes=(assigned("a", "poet", "", "write"),), unhealthy=frozenset({"poet", "writer"}))
    (finding,) = [finding for finding in both.findings if finding.kind is FindingKind.UNHEALTHY_TARGET]
    assert finding.fix is None
