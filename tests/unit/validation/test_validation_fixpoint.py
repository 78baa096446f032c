"""Mending never makes a plan worse, ends, and loses nothing the goal asks for."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from validation_makers import DATA, assigned, index_of, needs_data, plan_of, skill

from genesis_server.model.catalogue import AgentCard, Artefact, Tool
from genesis_server.model.plan import Edge, Plan, Task
from genesis_server.model.routing import TaskRoute
from genesis_server.model.validation import (
    AddTask,
    DropTask,
    Finding,
    FindingKind,
    MergeTasks,
    Principle,
    Reallocate,
    Severity,
    SplitTask,
    Verdict,
)
from genesis_server.validation.fixes import apply_fix
from genesis_server.validation.fixpoint import Mended, badness, mend
from genesis_server.validation.judge import judge_plan

INDEX = index_of(
    AgentCard("office", (skill("write_report", "writes a report"), skill("send_email", "sends an email"))),
    AgentCard("desk", (skill("book_flight", "books flights"), skill("write_report", "writes a report")), max_concurrent_tasks=3),
    Tool("order_pizza", "orders pizzas", outputs=(Artefact("pizza"),)),
)
GOAL = 'Write the report "Q3 2024", send it by email to Ada Lovelace, book a flight to Oslo for March 3, and order two pizzas.'
WORDS = [
    'write the report "Q3 2024"',
    "send the report by email to Ada Lovelace",
    "mail the report to Ada Lovelace",
    "book a flight to Oslo for March 3",
    "reserve a flight to Oslo for March 3",
    "order two pizzas",
    "draw a cat",
    GOAL,
    "",
]
CAPABILITIES = ["", "write_report", "send_email", "book_flight", "order_pizza", "unheard"]


def judge(plan: Plan, routes: tuple[TaskRoute, ...]) -> Verdict:
    return judge_plan(plan, goal=GOAL, index=INDEX, routes=routes)


@st.composite
def drafts(draw: st.DrawFn) -> tuple[Plan, tuple[TaskRoute, ...]]:
    """Plans that leave out, repeat and misplace what the goal asks for, with circles, and with routes or none."""
    size = draw(st.integers(1, 6))
    names = st.sampled_from(["pizza", "report"])
    tasks = [
        Task(
            f"t{number}",
            draw(st.sampled_from(WORDS)),
            capability=draw(st.sampled_from(CAPABILITIES)),
            outputs=tuple(Artefact(name) for name in draw(st.lists(names, max_size=1))),
        )
        for number in range(size)
    ]
    pairs = draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=6))
    agents = st.sampled_from(["office", "desk", "nobody"])
    routes = tuple(assigned(task.id, draw(agents)) for task in tasks) if draw(st.booleans()) else ()
    return plan_of(tasks, [(f"t{one}", f"t{two}") for one, two in pairs], goal=GOAL), routes


def uncovered(verdict: Verdict) -> set[str]:
    """What no task covers."""
    return {span.text for finding in verdict.findings if finding.kind is FindingKind.UNCOVERED_ELEMENT for span in finding.spans}


@settings(max_examples=150, deadline=None)
@given(drafts())
def test_mending_never_adds_an_error_and_mending_again_changes_nothing(draft: tuple[Plan, tuple[TaskRoute, ...]]) -> None:
    before = judge(*draft)
    once = mend(*draft, judge=judge)
    assert badness(once.verdict)[0] <= badness(before)[0]
    assert once.verdict == judge(once.plan, once.routes)
    again = mend(once.plan, once.routes, judge=judge)
    assert (again.plan, again.routes, again.repairs) == (once.plan, once.routes, ())


@settings(max_examples=150, deadline=None)
@given(drafts())
def test_a_fix_that_takes_away_never_takes_the_only_task_that_covers_an_element(draft: tuple[Plan, tuple[TaskRoute, ...]]) -> None:
    """Whatever was covered before the tasks went is covered after."""
    plan, routes = draft
    for repair in mend(plan, routes, judge=judge).repairs:
        before = uncovered(judge(plan, routes))
        plan, routes = apply_fix(plan, routes, repair.fix)
        if isinstance(repair.fix, DropTask | MergeTasks):
            assert uncovered(judge(plan, routes)) <= before


def test_an_action_left_out_gets_a_task_of_who_offers_it() -> None:
    plan = plan_of([Task("a", WORDS[0], capability="write_report"), Task("b", WORDS[1], capability="send_email"), Task("c", WORDS[3])])
    mended = mend(plan, (), judge=judge)
    (repair,) = mended.repairs
    assert isinstance(repair.fix, AddTask)
    assert (repair.fix.task.capability, repair.fix.task.goal) == ("order_pizza", "order two pizzas")
    assert mended.verdict.completeness_passed


def test_a_task_that_only_repeats_the_goal_becomes_a_task_for_each_action() -> None:
    mended = mend(plan_of([Task("a", GOAL)]), (), judge=judge)
    assert isinstance(mended.repairs[0].fix, SplitTask)
    assert [task.capability for task in mended.plan.tasks] == ["write_report", "send_email", "book_flight", "order_pizza"]
    assert mended.verdict.passed


def test_repeats_are_merged_and_literal_ones_dropped() -> None:
    work = [Task(f"t{number}", words, capability=name) for number, (words, name) in enumerate(zip(WORDS[0:6:1], _NAMES, strict=True))]
    plan = plan_of([*work, Task("twice", WORDS[5], capability="order_pizza")])
    mended = mend(plan, (), judge=judge)
    assert {type(repair.fix) for repair in mended.repairs} == {MergeTasks, DropTask}
    assert [task.id for task in mended.plan.tasks] == ["t0", "t1", "t3", "t5"]


_NAMES = ["write_report", "send_email", "send_email", "book_flight", "book_flight", "order_pizza"]


def test_routes_are_made_anew_by_whom_that_is_asked() -> None:
    plan = plan_of([Task("a", WORDS[0], capability="write_report"), Task("b", WORDS[0], capability="write_report")], goal=WORDS[0])
    asked: list[tuple[str, ...]] = []

    def reroute(changed: Plan, _routes: tuple[TaskRoute, ...], fixes: tuple[object, ...]) -> tuple[TaskRoute, ...]:
        asked.append(tuple(type(fix).__name__ for fix in fixes))
        return tuple(assigned(task.id, "desk", used="write_report") for task in changed.tasks)

    def judged(plan: Plan, routes: tuple[TaskRoute, ...]) -> Verdict:
        return judge_plan(plan, goal=WORDS[0], index=INDEX, routes=routes)

    mended = mend(plan, (assigned("a", "desk"), assigned("b", "desk")), judge=judged, reroute=reroute)
    assert asked == [("DropTask",)]
    assert [route.task_id for route in mended.routes] == ["a"]


def test_of_fixes_that_only_hurt_together_those_that_help_alone_are_kept() -> None:
    """Both agents could be moved, but the judge wants just one of them moved."""
    plan = plan_of(["a", "b"])
    target = assigned("x", "desk", used="write_report").assignment
    assert target is not None

    def judged(_: Plan, routes: tuple[TaskRoute, ...]) -> Verdict:
        moved = [route.assignment is not None and route.assignment.target == target.target for route in routes]
        errors = {0: 2, 1: 1, 2: 6}[sum(moved)]
        findings = tuple(_error(name, Reallocate(name, target.target)) for name, done in zip("ab", moved, strict=True) if not done) + tuple(
            _error("z", None) for _ in range(errors)
        )
        return replace(judge_plan(plan_of(["z"]), goal=""), findings=findings, finding_count=len(findings))

    mended = mend(plan, (assigned("a", "office"), assigned("b", "office")), judge=judged)
    assert [type(repair.fix) for repair in mended.repairs] == [Reallocate]


def _error(name: str, fix: Reallocate | None) -> Finding:
    return Finding(FindingKind.UNFIT_TARGET, Principle.ROUTING, Severity.ERROR, "", task_ids=(name,), fix=fix)


def test_rounds_can_be_bounded() -> None:
    plan = plan_of([Task("a", GOAL)])
    assert mend(plan, (), judge=judge, max_rounds=0) == Mended(plan, (), judge(plan, ()))


@needs_data("ultratool")
@pytest.mark.parametrize("kind", ["a step is missing", "a step stands twice"])
def test_mutants_of_gold_plans_get_no_more_errors(kind: str) -> None:
    draw = random.Random(4)
    catalogue = json.loads((DATA / "ultratool" / "tool_desc.json").read_text("utf-8"))["nodes"]
    index = index_of(*(Tool(node["id"], node["desc"]) for node in catalogue))
    for line in draw.sample((DATA / "ultratool" / "train.jsonl").read_text("utf-8").splitlines(), 25):
        record = json.loads(line)
        goal = record["user_request"].strip()
        steps = list(zip(record["task_steps"], record["task_nodes"], strict=False))
        tasks = [Task(f"s{n}", step, capability=node["task"]) for n, (step, node) in enumerate(steps)]
        tasks = tasks[1:] if kind == "a step is missing" else [*tasks, replace(draw.choice(tasks), id="again")]
        edges = [Edge(one.id, two.id) for one, two in pairwise(tasks)]

        def judged(plan: Plan, routes: tuple[TaskRoute, ...], goal: str = goal) -> Verdict:
            return judge_plan(plan, goal=goal, index=index, routes=routes)

        plan = plan_of(tasks, edges, goal=goal)
        once = mend(plan, (), judge=judged)
        assert badness(once.verdict) <= badness(judged(plan, ()))
        assert mend(once.plan, (), judge=judged).plan == once.plan
