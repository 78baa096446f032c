"""Plans' messages as columns, and their declared constraints."""

from __future__ import annotations

from typing import Any

import protovalidate
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.v1 import catalogue_pb2, common_pb2, orchestrator_service_pb2, plan_pb2, routing_pb2
from genesis_server.rpc import plan_columns
from genesis_server.rpc.convert import plan_from_proto
from genesis_server.rpc.merged_columns import MergedColumns, merged_columns
from genesis_server.rpc.plan_columns import PlanColumns
from genesis_server.validation.graph import build_graph, graph_of_plan

_ids = st.one_of(st.sampled_from(["", "a", "b", "x" * 128, "x" * 129]), st.text(max_size=3))
_names = st.sampled_from(["", "n", "n" * 200, "n" * 201])
_texts = st.sampled_from(["", "t", "t" * 5_000, "t" * 5_001, "é" * 5_000])
_numbers = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, 0.5, -0.1, 1.1, float("nan"), float("inf")]))
_kinds = st.sampled_from([0, 1, 2, 3, 77])
_durations = st.one_of(
    st.none(),
    st.builds(Duration, seconds=st.sampled_from([0, 1, -1, 3_162_239_999, 3_162_240_000, 3_162_240_001]), nanos=st.sampled_from([0, 1])),
)
_artefacts = st.lists(st.builds(common_pb2.Artefact, name=_names, type=_names), max_size=2)
_spans = st.builds(common_pb2.Span, start=st.just(1), end=st.just(2), text=_texts)
_constraints = st.builds(
    plan_pb2.TaskConstraints,
    regions=st.lists(st.sampled_from(["eu", "", "r" * 65]), max_size=2),
    data_class=st.sampled_from([0, 4, 9]),
    max_cost=st.one_of(
        st.none(), st.builds(common_pb2.Money, currency_code=st.sampled_from(["", "USD", "usd"]), units=st.sampled_from([1, -1]))
    ),
    deadline=_durations,
)
_origins = st.builds(plan_pb2.TaskOrigin, source=st.just(1), spans=st.lists(_spans, max_size=1))
_tasks = st.builds(
    plan_pb2.Task,
    id=_ids,
    goal=_texts,
    kind=_kinds,
    capability=_names,
    inputs=_artefacts,
    outputs=_artefacts,
    acceptance=_texts,
    difficulty=_numbers,
    expected_duration=_durations,
    constraints=st.one_of(st.none(), _constraints),
    parent_id=_ids,
    origin=st.one_of(st.none(), _origins),
)
_edges = st.builds(plan_pb2.Edge, from_task_id=_ids, to_task_id=_ids, kind=_kinds, artefact=_names)
_goals = st.sampled_from(["", "g", "g" * 5_001])


def _request(
    task: plan_pb2.Task | None = None, edge: plan_pb2.Edge | None = None, **more: object
) -> orchestrator_service_pb2.ValidateRequest:
    plan = plan_pb2.Plan(goal="g", tasks=[task] if task else [], edges=[edge] if edge else [])
    return orchestrator_service_pb2.ValidateRequest(plan=plan, **more)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=300)
@given(_tasks)
def test_tasks_look_wrong_whenever_protovalidate_finds_something(task: plan_pb2.Task) -> None:
    """The check by columns never lets through what breaks a declared constraint."""
    request = _request(task)
    broken = bool(protovalidate.collect_violations(request))
    assert PlanColumns(request).suspicious or not broken


@settings(deadline=None)
@given(_edges, _goals)
def test_edges_and_the_rest_look_wrong_whenever_protovalidate_finds_something(edge: plan_pb2.Edge, goal: str) -> None:
    """Edges, and the fields around the plan."""
    request = _request(edge=edge, goal=goal)
    broken = bool(protovalidate.collect_violations(request))
    assert PlanColumns(request).suspicious or not broken


@pytest.mark.parametrize(
    "more",
    [
        {"routes": [routing_pb2.TaskRoute(task_id="")]},
        {"catalogue": catalogue_pb2.Catalogue(agents=[catalogue_pb2.AgentCard(id="!")])},
        {"constraints": routing_pb2.RoutingConstraints(regions=[""])},
    ],
)
def test_routes_catalogue_and_constraints_are_checked_too(more: dict[str, object]) -> None:
    assert PlanColumns(_request(**more)).suspicious


@pytest.mark.parametrize(
    "task",
    [
        plan_pb2.Task(id="a", retry=plan_pb2.RetryPolicy(max_attempts=101)),
        plan_pb2.Task(id="a", timeout=Duration(seconds=-1)),
        plan_pb2.Task(id="a", approved_by="n" * 201),
        plan_pb2.Task(id="a", guards=[plan_pb2.Guard(artefact="n" * 201)]),
    ],
)
def test_what_few_tasks_have_is_checked_too(task: plan_pb2.Task) -> None:
    assert protovalidate.collect_violations(_request(task))
    assert PlanColumns(_request(task)).suspicious


RULES = 1159
"""The number of protovalidate's option of fields, oneofs and messages; nothing in the process knows its name."""


def _has_rules(declared: Any) -> bool:
    return any(option.field_number == RULES for option in UnknownFieldSet(declared.GetOptions()))


def _constrained(message: Any, around: frozenset[str] = frozenset()) -> set[str]:
    """Fields of a message that have rules, or hold messages in which something has."""
    around |= {message.full_name}
    return {field.name for field in message.fields if _has_rules(field) or _holds_rules(field.message_type, around)}


def _holds_rules(message: Any, around: frozenset[str]) -> bool:
    if message is None or message.full_name in around:
        return False
    return _has_rules(message) or any(map(_has_rules, message.oneofs)) or bool(_constrained(message, around))


def test_every_constrained_field_of_tasks_and_edges_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a constraint that is declared some day would not hold for large plans."""

    class Watched(MergedColumns):
        """Columns that know which of them were asked for."""

        def __init__(self, columns: MergedColumns) -> None:
            self.asked: set[str] = set()
            self._columns = columns

        def found(self, field: str) -> list[Any]:
            self.asked.add(field)
            return self._columns.found(field)

        def values(self, field: str) -> list[Any]:
            self.asked.add(field)
            return self._columns.values(field)

        def rows_with(self, field: str) -> list[tuple[int, Any]]:
            self.asked.add(field)
            return self._columns.rows_with(field)

    request = _request(plan_pb2.Task(id="a"), plan_pb2.Edge(from_task_id="a", to_task_id="b"))
    tasks, edges = map(Watched, merged_columns(request.plan))
    monkeypatch.setattr(plan_columns, "merged_columns", lambda _: (tasks, edges))
    PlanColumns(request)
    for columns, message in ((tasks, plan_pb2.Task.DESCRIPTOR), (edges, plan_pb2.Edge.DESCRIPTOR)):
        assert _constrained(message) <= columns.asked
        assert not _has_rules(message)


def test_too_many_artefacts_look_wrong() -> None:
    task = plan_pb2.Task(id="a", inputs=[common_pb2.Artefact(name=f"n{n}") for n in range(101)])
    assert PlanColumns(_request(task)).suspicious


@settings(deadline=None)
@given(st.lists(_tasks, max_size=4), st.lists(_edges, max_size=4))
def test_columns_are_those_of_the_plan_made_of_objects(tasks: list[plan_pb2.Task], edges: list[plan_pb2.Edge]) -> None:
    """Both ways into the validator give the same columns."""
    for task in tasks:
        task.kind = task.kind % 3
        task.constraints.ClearField("max_cost")
        task.constraints.data_class = task.constraints.data_class % 5
        task.constraints.ClearField("deadline")
        del task.constraints.regions[:]
        task.origin.ClearField("spans")
    for edge in edges:
        edge.kind = edge.kind % 3
    request = orchestrator_service_pb2.ValidateRequest(plan=plan_pb2.Plan(tasks=tasks, edges=edges))
    expected = graph_of_plan(plan_from_proto(request.plan))
    columns = PlanColumns(request)
    found = build_graph(columns.tasks, columns.edges)
    assert found.tasks == expected.tasks
    assert found.edges == expected.edges
    assert (found.work, found.duplicate_ids, found.duplicate_edges) == (expected.work, expected.duplicate_ids, expected.duplicate_edges)
    assert found.sources.tolist() == expected.sources.tolist()


def test_a_large_sound_plan_looks_sound() -> None:
    """Else every large plan would be checked twice."""
    task = plan_pb2.Task(
        id="a",
        goal="g",
        kind=plan_pb2.TASK_KIND_PRIMITIVE,
        inputs=[common_pb2.Artefact(name="x", type="text")],
        difficulty=1.0,
        expected_duration=Duration(seconds=60),
        constraints=plan_pb2.TaskConstraints(regions=["eu"]),
        origin=plan_pb2.TaskOrigin(spans=[common_pb2.Span(start=0, end=1, text="g")]),
    )
    assert not PlanColumns(_request(task, plan_pb2.Edge(from_task_id="a", to_task_id="b"))).suspicious
