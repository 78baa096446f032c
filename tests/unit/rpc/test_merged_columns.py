"""Columns by merging: what they say is what the messages say."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from genesis.v1 import common_pb2, plan_pb2
from genesis_server.rpc.merged_columns import MergedColumns, merged_columns

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

VARINT, FIXED64, LENGTH, GROUP, GROUP_END, FIXED32 = range(6)


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number % 128 + 128]) + _varint(number // 128)


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field * 8 + wire_type)


def _with_length(field: int, content: bytes) -> bytes:
    return _tag(field, LENGTH) + _varint(len(content)) + content


def _records(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A field of a task or an edge, or one that they do not have, sent as any type."""
    fields = st.integers(1, 23)
    return st.one_of(
        st.builds(lambda field, number: _tag(field, VARINT) + _varint(number), fields, st.sampled_from([0, 1, 2, 300, 2**64 - 1])),
        st.builds(lambda field, value: _tag(field, FIXED64) + value, fields, st.binary(min_size=8, max_size=8)),
        st.builds(lambda field, value: _tag(field, FIXED32) + value, fields, st.binary(min_size=4, max_size=4)),
        st.builds(_with_length, fields, content),
        st.builds(lambda field, inner: _tag(field, GROUP) + inner + _tag(field, GROUP_END), fields, st.sampled_from([b"", b"\x08\x01"])),
    )


_contents = st.sampled_from([b"", b"a", b"\x08\x01", b"\x1a\x01\x80", b"\xc3\xa9", b"\x80"])
_rows = st.lists(_records(_contents), max_size=4).map(b"".join)
_sent = st.lists(st.builds(_with_length, st.sampled_from([4, 5]), _rows), max_size=4).map(b"".join)


def _agree(columns: MergedColumns, rows: list[Any], descriptor: Any) -> None:
    """Every field says by columns what the messages say one by one."""
    for field in descriptor.fields:
        name = field.name
        having = [number for number, row in enumerate(rows) if (row.HasField(name) if field.has_presence else getattr(row, name))]
        assert [number for number, _ in columns.rows_with(name)] == having
        if not field.is_repeated and field.message_type is None:
            # As text, since no NaN is the same as another.
            assert repr(columns.values(name)) == repr([getattr(row, name) for row in rows])
            assert repr(columns.found(name)) == repr([getattr(rows[number], name) for number in having])


@settings(deadline=None)
@given(_plans)
def test_columns_hold_what_the_rows_hold(plan: plan_pb2.Plan) -> None:
    """Whether all rows have a field, none, or some."""
    tasks, edges = merged_columns(plan)
    for field in ("id", "goal", "capability"):
        assert tasks.values(field) == [getattr(task, field) for task in plan.tasks]
    assert tasks.values("kind") == [task.kind for task in plan.tasks]
    assert edges.values("to_task_id") == [edge.to_task_id for edge in plan.edges]
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
    assert tasks.values("goal") == ["last", ""]


NUMBER_AS_BYTES = _with_length(3, b"\x80")
"""The kind of a task, or of an edge, whose type on the wire is that of a text; packed numbers that break off."""


@settings(deadline=None, max_examples=500)
@given(_sent)
@example(_with_length(4, _with_length(1, b"a") + _tag(3, VARINT) + b"\x02" + NUMBER_AS_BYTES))
@example(_with_length(4, _with_length(1, b"a") + _with_length(3, b"\x01\x02")) + _with_length(4, _with_length(1, b"b")))
@example(_with_length(4, _with_length(8, bytes(16))) + _with_length(4, _tag(8, FIXED64) + bytes(8)))
@example(_with_length(5, NUMBER_AS_BYTES) + _with_length(5, _tag(3, VARINT) + b"\x01"))
def test_whatever_bytes_parse_as_a_plan_give_the_columns_of_that_plan(sent: bytes) -> None:
    """Unknown fields, numbers sent as bytes, fields sent twice, groups."""
    try:
        plan = plan_pb2.Plan.FromString(sent)
    except DecodeError:
        assume(False)
        return
    rows = plan_pb2.Plan.FromString(sent)
    tasks, edges = merged_columns(plan)
    _agree(tasks, list(rows.tasks), plan_pb2.Task.DESCRIPTOR)
    _agree(edges, list(rows.edges), plan_pb2.Edge.DESCRIPTOR)
