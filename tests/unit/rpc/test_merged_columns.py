"""Columns by merging: what they say is what the messages say."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.v1 import common_pb2, plan_pb2
from genesis_server.rpc.merged_columns import merged_columns

_texts = st.sampled_from(["", "a", "é"])
_tasks = st.builds(
    plan_pb2.Task,
    id=_texts,
    goal=_texts,
    kind=st.sampled_from([0, 1, -1]),
    inputs=st.lists(st.builds(common_pb2.Artefact, name=_texts), max_size=2),
    difficulty=st.sampled_from([None, 0.0, 0.5]),
    expected_duration=st.one_of(st.none(), st.just(Duration()), st.just(Duration(seconds=1))),
)
_edges = st.builds(plan_pb2.Edge, from_task_id=_texts, to_task_id=_texts, kind=st.sampled_from([0, 2]))
_plans = st.builds(plan_pb2.Plan, tasks=st.lists(_tasks, max_size=4), edges=st.lists(_edges, max_size=4))


@settings(deadline=None)
@given(_plans)
def test_columns_hold_what_the_rows_hold(plan: plan_pb2.Plan) -> None:
    """Whether all rows have a field, none, or some."""
    tasks, edges = merged_columns(plan)
    for field in ("id", "goal", "capability"):
        assert tasks.values(field, "") == [getattr(task, field) for task in plan.tasks]
    assert tasks.values("kind", 0) == [task.kind for task in plan.tasks]
    assert edges.values("to_task_id", "") == [edge.to_task_id for edge in plan.edges]
    assert tasks.found("difficulty") == [task.difficulty for task in plan.tasks if task.HasField("difficulty")]


@settings(deadline=None)
@given(_plans)
def test_rows_with_a_field_are_those_that_have_it(plan: plan_pb2.Plan) -> None:
    """Fields that may stand often, that tell unset from empty, and that do not."""
    tasks, _ = merged_columns(plan)
    assert tasks.rows_with("inputs") == [(row, task) for row, task in enumerate(plan.tasks) if task.inputs]
    assert tasks.rows_with("goal") == [(row, task) for row, task in enumerate(plan.tasks) if task.goal]
    timed = [(row, task) for row, task in enumerate(plan.tasks) if task.HasField("expected_duration")]
    assert tasks.rows_with("expected_duration") == timed
    assert tasks.rows_with("timeout") == []


@pytest.mark.parametrize("first", ["x", ""])
def test_of_a_field_that_was_sent_twice_the_last_counts(first: str) -> None:
    """Else the values of one task would be taken for those of the next."""
    twice = plan_pb2.Task(goal=first).SerializeToString() + plan_pb2.Task(goal="last").SerializeToString()
    sent = b"\x22" + bytes([len(twice)]) + twice + plan_pb2.Plan(tasks=[plan_pb2.Task()]).SerializeToString()
    tasks, _ = merged_columns(plan_pb2.Plan.FromString(sent))
    assert tasks.values("goal", "") == ["last", ""]
