"""What is wrong with a graph, and how it is told."""

from __future__ import annotations

from itertools import pairwise

import pytest
from validation_makers import errors, of_kind, plan_of, structure_of

from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Edge, EdgeKind, Task, TaskKind
from genesis_server.model.validation import DropEdge, FindingKind, Severity
from genesis_server.validation import readiness
from genesis_server.validation.structure import Limits


def _task(name: str, *, needs: str = "", makes: str = "") -> Task:
    def artefacts(text: str) -> tuple[Artefact, ...]:
        return tuple(Artefact(*part.split(":")) for part in text.split())

    return Task(name, f"do {name}", inputs=artefacts(needs), outputs=artefacts(makes))


def test_a_sound_plan_has_nothing_wrong() -> None:
    found = structure_of(plan_of(["a", "b"], [("a", "b")]))
    assert found.findings == ()
    assert found.schedule is not None
    assert found.schedule.critical_path == ("a", "b")
    assert found.schedule.redundant_edges_checked


@pytest.mark.parametrize("tasks", [[], [Task("heading", "", TaskKind.COMPOUND)]])
def test_a_plan_without_work_is_empty(tasks: list[Task]) -> None:
    (finding,) = structure_of(plan_of(tasks)).findings
    assert (finding.kind, finding.severity) == (FindingKind.EMPTY_PLAN, Severity.ERROR)


def test_a_duplicate_id_is_an_error() -> None:
    (finding,) = structure_of(plan_of(["a", "a"])).findings
    assert (finding.kind, finding.severity, finding.task_ids) == (FindingKind.DUPLICATE_TASK_ID, Severity.ERROR, ("a",))


def test_a_duplicate_edge_is_a_warning_with_a_fix() -> None:
    (finding,) = structure_of(plan_of(["a", "b"], [("a", "b"), ("a", "b")])).findings
    assert (finding.kind, finding.severity) == (FindingKind.DUPLICATE_EDGE, Severity.WARNING)
    assert finding.fix == DropEdge(Edge("a", "b"))


def test_edges_and_parents_that_lead_nowhere_are_named() -> None:
    plan = plan_of(["a", Task("b", "", parent_id="nobody")], [("a", "ghost"), ("x", "y"), ("z", "z")])
    found = of_kind(structure_of(plan).findings, FindingKind.DANGLING_REFERENCE)
    assert [finding.task_ids for finding in found] == [("b",), ("a",), (), ()]
    assert "'nobody'" in found[0].message
    assert "'ghost'" in found[1].message
    assert "'x', 'y'" in found[2].message
    assert [finding.fix for finding in found] == [None, *(DropEdge(Edge(*ends)) for ends in (("a", "ghost"), ("x", "y"), ("z", "z")))]


def test_parents_in_a_circle_are_an_error_and_the_rest_is_judged() -> None:
    found = structure_of(plan_of([Task("a", "", parent_id="b"), Task("b", "", parent_id="a")]))
    assert [(finding.kind, finding.task_ids) for finding in found.findings] == [(FindingKind.PARENT_CYCLE, ("a", "b"))]
    assert found.schedule is not None


def test_a_tree_ten_thousand_levels_deep_is_too_deep_and_is_judged_all_the_same() -> None:
    tasks = [
        Task("t0", "", TaskKind.UNSPECIFIED),
        *(Task(f"t{n}", "", TaskKind.UNSPECIFIED, parent_id=f"t{n - 1}") for n in range(1, 10_000)),
    ]
    found = structure_of(plan_of(tasks), limits=Limits())
    (finding,) = found.findings
    assert (finding.kind, finding.severity, finding.task_ids[0]) == (FindingKind.TOO_DEEP, Severity.ERROR, "t5")
    assert "10000 levels" in finding.message
    assert "9995 tasks" in finding.message
    assert found.schedule is not None
    assert found.schedule.critical_path == ("t9999",)


def test_too_many_tasks_are_told_with_the_limit() -> None:
    (finding,) = structure_of(plan_of(["a", "b", "c"]), limits=Limits(max_tasks=2)).findings
    assert (finding.kind, finding.severity) == (FindingKind.TOO_MANY_TASKS, Severity.ERROR)
    assert "3 tasks" in finding.message
    assert "limit is 2" in finding.message


def test_redundant_edges_are_not_looked_for_in_large_plans_and_the_schedule_says_so() -> None:
    large = structure_of(plan_of([f"t{n}" for n in range(2_001)], [("t0", "t1"), ("t1", "t2"), ("t0", "t2")]))
    assert large.findings == ()
    assert large.schedule is not None
    assert not large.schedule.redundant_edges_checked


class TestInputs:
    """Whether what a task needs is there when it starts."""

    def test_a_producer_before_it_is_fine_however_far(self) -> None:
        tasks = [_task("a", makes="report:text"), _task("b"), _task("c", needs="report:TEXT"), _task("d", needs="report")]
        assert structure_of(plan_of(tasks, [("a", "b"), ("b", "c"), ("a", "d")])).findings == ()

    def test_nobody_produces_it_so_it_comes_from_outside(self) -> None:
        assert structure_of(plan_of([_task("a", needs="report"), _task("b", needs="x", makes="x")])).findings == ()

    def test_types_that_differ_are_not_the_same_artefact(self) -> None:
        assert structure_of(plan_of([_task("a", makes="report:image"), _task("b", needs="report:text")])).findings == ()

    def test_a_producer_that_may_run_at_the_same_time_is_an_error(self) -> None:
        (finding,) = structure_of(plan_of([_task("a", makes="report"), _task("b", needs="report")])).findings
        assert (finding.kind, finding.severity, finding.task_ids) == (FindingKind.INPUT_NOT_READY, Severity.ERROR, ("b", "a"))
        assert "add an edge" in finding.message

    def test_a_producer_that_only_comes_later_is_a_warning(self) -> None:
        (finding,) = structure_of(plan_of([_task("a", needs="report"), _task("b", makes="report")], [("a", "b")])).findings
        assert (finding.severity, finding.task_ids) == (Severity.WARNING, ("a", "b"))

    def test_one_producer_before_is_enough(self) -> None:
        tasks = [_task("a", makes="report"), _task("b", needs="report"), _task("c", makes="report")]
        assert structure_of(plan_of(tasks, [("a", "b")])).findings == ()

    def test_inputs_beyond_the_bound_are_not_judged_and_that_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(readiness, "MAX_QUESTIONS", 1)
        tasks = [_task("a", makes="report"), _task("b", needs="report"), _task("c", needs="report")]
        found = structure_of(plan_of(tasks))
        assert len(errors(found.findings)) == 1
        assert "1 were not looked at" in found.not_judged[0].reason

    def test_a_name_that_half_the_plan_makes_and_the_other_half_needs_is_judged_as_far_as_the_bound(self) -> None:
        """Such a plan of 20 000 tasks has 100 000 000 pairs, and must not take as many steps."""
        makers = [_task(f"m{n}", makes="x") for n in range(10_000)]
        users = [_task(f"u{n}", needs="x") for n in range(10_000)]
        found = structure_of(plan_of([*makers, *users], [("m0", "u0")]))
        assert len(errors(found.findings)) == 100
        assert "9899 were not looked at" in found.not_judged[0].reason


def test_a_circle_leaves_the_schedule_out_but_not_the_other_findings() -> None:
    found = structure_of(plan_of(["a", "b"], [("a", "b"), ("b", "a"), ("b", "a")]))
    assert {finding.kind for finding in found.findings} == {FindingKind.CYCLE, FindingKind.DUPLICATE_EDGE}
    assert found.schedule is None
    assert found.times is None


def test_a_long_circle_is_told_in_full_but_written_short() -> None:
    names = [f"t{n:02d}" for n in range(12)]
    edges = [*pairwise(names), (names[-1], names[0])]
    (finding,) = structure_of(plan_of(names, edges)).findings
    assert finding.task_ids == tuple(names)
    assert "…" in finding.message


def test_data_edges_with_different_artefacts_are_no_duplicates() -> None:
    edges = [Edge("a", "b", EdgeKind.DATA, "x"), Edge("a", "b", EdgeKind.DATA, "y")]
    assert structure_of(plan_of(["a", "b"], edges)).findings == ()
