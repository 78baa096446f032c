"""What a worker gets with a task, and what it has to put out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genesis_server.dispatch.values import check_outputs, inputs_of
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import Edge, EdgeKind, Plan, Task, TaskKind, TaskState
from genesis_server.model.update import Known
from genesis_server.model.work import ArtefactReference, Values
from genesis_server.resilience.errors import ValidationError

FILE = ArtefactReference("s3://bucket/a.csv", "0" * 64, "text/csv")


def task(task_id: str, *inputs: str, parent: str = "", state: TaskState = TaskState.PENDING) -> Task:
    return Task(task_id, task_id, inputs=tuple([Artefact(name) for name in inputs]), parent_id=parent, state=state)


def heading(task_id: str, parent: str = "") -> Task:
    return Task(task_id, task_id, TaskKind.COMPOUND, parent_id=parent)


def data(from_id: str, to_id: str, artefact: str = "") -> Edge:
    return Edge(from_id, to_id, EdgeKind.DATA, artefact)


def plan(*tasks: Task, edges: tuple[Edge, ...] = ()) -> Plan:
    return Plan("goal", tasks, edges)


def test_an_input_comes_from_the_producer_by_name() -> None:
    needs = task("b", "report")
    known = Known({"a": {"report": "done", "noise": 1}}, references={"a": {"file": FILE}})
    assert inputs_of(plan(task("a"), needs, edges=(data("a", "b", "report"),)), needs, known) == Values({"report": "done"}, {})


def test_what_the_edge_names_flows_also_when_it_is_not_declared() -> None:
    needs = task("b")
    known = Known({"a": {"report": "done"}}, references={"a": {"file": FILE}})
    edges = (data("a", "b", "report"), data("a", "b", "file"))
    assert inputs_of(plan(task("a"), needs, edges=edges), needs, known) == Values({"report": "done"}, {"file": FILE})


def test_an_edge_of_mere_order_carries_nothing() -> None:
    needs = task("b", "report")
    assert inputs_of(plan(task("a"), needs, edges=(Edge("a", "b"),)), needs, Known({"a": {"report": "done"}})) == Values({}, {})


def test_another_spelling_of_the_name_will_do() -> None:
    needs = task("b", "test report")
    known = Known({"a": {"test_report": "green", "log": "x"}})
    assert inputs_of(plan(task("a"), needs, edges=(data("a", "b"),)), needs, known).plain == {"test report": "green"}


def test_what_serves_by_its_type_comes_under_the_name_that_is_asked_for() -> None:
    producer = replace(task("a"), outputs=(Artefact("api description", "spec"),))
    needs = replace(task("b"), inputs=(Artefact("contract", "spec"),))
    known = Known({"a": {"api description": "GET /"}})
    found = inputs_of(plan(producer, needs, edges=(data("a", "b", "api description"),)), needs, known)
    assert found.plain == {"contract": "GET /", "api description": "GET /"}


def test_facts_fill_what_nobody_produced() -> None:
    needs = task("b", "region", "report", "Customer Name")
    known = Known({"a": {"report": "from a"}}, {"region": "eu", "report": "a fact", "customer_name": "Ada", "other": 1})
    found = inputs_of(plan(task("a"), needs, edges=(data("a", "b", "report"),)), needs, known)
    assert found.plain == {"region": "eu", "report": "from a", "Customer Name": "Ada"}


def test_the_nearest_producer_wins() -> None:
    needs = task("h.b", "report", "figures", parent="h")
    tasks = (task("far"), task("a"), task("b"), heading("h"), needs)
    edges = (data("far", "h", "report"), data("far", "h", "figures"), data("b", "h.b", "report"), data("a", "h.b", "report"))
    known = Known({"far": {"report": 1, "figures": 2}, "a": {"report": 3}, "b": {"report": 4}})
    assert inputs_of(plan(*tasks, edges=edges), needs, known).plain == {"report": 4, "figures": 2}
    assert inputs_of(plan(*tasks, edges=edges[::-1]), needs, known).plain == {"report": 4, "figures": 2}


def test_what_was_done_below_a_producing_heading_is_the_headings() -> None:
    needs = task("b", "report")
    tasks = (heading("h"), task("h.1", parent="h"), heading("h.2", parent="h"), task("h.2.1", parent="h.2"), needs)
    known = Known({"h.1": {"report": "draft"}, "h.2.1": {"report": "final"}})
    assert inputs_of(plan(*tasks, edges=(data("h", "b", "report"),)), needs, known).plain == {"report": "final"}


def test_what_was_done_in_the_place_of_a_failed_producer_is_the_producers() -> None:
    needs = task("b", "report")
    tasks = (task("a", state=TaskState.FAILED), heading("a~2"), task("x", parent="a~2"), needs)
    known = Known({"x": {"report": "after all"}})
    edges = (data("a", "b", "report"),)
    assert inputs_of(plan(*tasks, edges=edges), needs, known).plain == {"report": "after all"}
    alive = (task("a"), *tasks[1:])
    assert inputs_of(plan(*alive, edges=edges), needs, known).plain == {}


def test_a_later_value_takes_the_place_of_a_reference_and_the_other_way_round() -> None:
    needs = task("b", "one", "two")
    tasks = (heading("h"), task("h.1", parent="h"), task("h.2", parent="h"), needs)
    known = Known({"h.1": {"one": 1}, "h.2": {"two": 2}}, references={"h.1": {"two": FILE}, "h.2": {"one": FILE}})
    assert inputs_of(plan(*tasks, edges=(data("h", "b"),)), needs, known) == Values({"two": 2}, {"one": FILE})


def test_a_producer_that_went_out_of_the_plan_is_no_trouble() -> None:
    needs = task("b", "report")
    assert inputs_of(plan(needs, edges=(data("gone", "b", "report"),)), needs, Known()) == Values({}, {})


DECLARED = replace(task("t"), outputs=(Artefact("summary", "text"), Artefact("rows", "table"), Artefact("extra")))
GOOD = Values({"summary": "short", "rows": [[1]], "extra": None, "more": 1})


def test_outputs_as_declared_are_taken_and_more_are_welcome() -> None:
    check_outputs(DECLARED, GOOD, max_bytes=200)
    check_outputs(DECLARED, Values({"extra": {}}, {"summary": FILE, "rows": FILE}), max_bytes=200)
    check_outputs(task("t"), Values(), max_bytes=2)


def test_every_output_that_is_missing_or_of_another_type_is_told() -> None:
    with pytest.raises(ValidationError) as raised:
        check_outputs(DECLARED, Values({"summary": 5, "rows": "a,b"}), max_bytes=200)
    assert raised.value.reason == "OUTPUT_MISMATCH"
    assert raised.value.facts == {"field": "done.outputs[summary]", "task_id": "t"}
    assert [(violation.field, violation.description) for violation in raised.value.violations] == [
        ("done.outputs[summary]", "output 'summary' is of type 'text' and must be a JSON string"),
        ("done.outputs[rows]", "output 'rows' is of type 'table' and must be a JSON array or object"),
        ("done.outputs[extra]", "output 'extra' is missing"),
    ]


def test_values_are_measured_as_json_in_utf_8() -> None:
    outputs = Values({"a": "é"})
    check_outputs(task("t"), outputs, max_bytes=10)
    with pytest.raises(ValidationError, match="10 bytes as JSON and at most 9 are kept; store large ones elsewhere"):
        check_outputs(task("t"), outputs, max_bytes=9)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_a_value_that_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="what JSON cannot"):
        check_outputs(task("t"), Values({"a": value}), max_bytes=100)
