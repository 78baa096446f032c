"""Values, budgets and reports come back as they went out; what is secret does not go out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from work_cases import BALANCE, TAKEN, assigned

from genesis.v1 import agent_service_pb2, orchestrator_service_pb2, work_pb2
from genesis_server.model.catalogue import AgentCard, Artefact
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task
from genesis_server.model.update import Known
from genesis_server.model.work import (
    ArtefactReference,
    Attempt,
    AttemptOutcome,
    Declined,
    Done,
    Failed,
    LeaseProgress,
    LeaseToken,
    Report,
    RunBudget,
    Session,
    TaskRun,
    Usage,
    Values,
    WaitingFor,
)
from genesis_server.orchestration.dispatching.answers import TaskRunView
from genesis_server.orchestration.results import RunOptions
from genesis_server.resilience.errors import ValidationError
from genesis_server.rpc.convert import work
from genesis_server.rpc.convert.json_values import MAX_EXACT, json_from_proto, json_to_proto, struct_from_proto
from genesis_server.rpc.convert.workers import progress_from_proto, stream_message_to_proto, worker_to_proto

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
texts = st.text(st.characters(codec="utf-8"), max_size=8)
seconds = st.integers(0, 10**6).map(lambda millis: millis / 1000)
money = st.builds(Money, st.integers(0, 10**15), st.sampled_from(["USD", "EUR"]))
numbers = st.integers(-MAX_EXACT, MAX_EXACT) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)
references = st.builds(ArtefactReference, names, st.just("0" * 64), texts)
values = st.tuples(st.dictionaries(names, json_values, max_size=3), st.dictionaries(names, references, max_size=3)).map(
    lambda both: Values({name: one for name, one in both[0].items() if name not in both[1]}, both[1])
)
tokens = st.integers(0, 10**12)
budgets = st.builds(RunBudget, st.none() | money, st.none() | tokens, st.none() | st.integers(0, 10**6), st.none() | seconds)
usages = st.builds(Usage, money, tokens)


@given(json_values)
def test_a_json_value_survives_the_round_trip_whole_numbers_as_such(value: Any) -> None:
    back = json_from_proto(json_to_proto(value), "x")
    assert back == value
    assert json.dumps(back, sort_keys=True) == json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    """What floating point cannot tell apart: 2.0 and 2."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT:
        return int(value)
    if isinstance(value, Mapping):
        return {name: _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value


@given(values)
def test_values_survive_the_round_trip(told: Values) -> None:
    assert work.values_from_proto(work.values_to_proto(told), "outputs") == told


@given(budgets)
def test_a_budget_survives_the_round_trip(budget: RunBudget) -> None:
    assert work.run_budget_from_proto(work.run_budget_to_proto(budget)) == budget


@given(usages)
def test_usage_survives_the_round_trip_but_for_the_attempts_the_server_counts_itself(usage: Usage) -> None:
    message = work.usage_to_proto(usage)
    message.tasks = 7
    assert work.usage_from_proto(message) == usage


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_json_does_not_know_is_refused_wherever_it_stands(number: float) -> None:
    value = json_to_proto({"deep": [1.5]})
    value.struct_value["deep"][0] = number
    with pytest.raises(ValidationError) as caught:
        json_from_proto(value, "x")
    assert caught.value.facts == {"field": "x"}
    with pytest.raises(ValidationError, match="finite"):
        struct_from_proto(value.struct_value, "x")


def test_values_that_are_none_or_stand_twice_are_refused_with_their_place() -> None:
    one = work_pb2.ArtefactValue(name="a", value=json_to_proto(1))
    reference = work_pb2.ArtefactValue(name="a", reference=work_pb2.ArtefactReference(uri="u"))
    empty = work_pb2.ArtefactValue(name="b")
    nothing = work_pb2.ArtefactValue(name="b")
    nothing.value.SetInParent()
    for messages, field in (
        ([one, one], "outputs[1].name"),
        ([one, reference], "outputs[1].name"),
        ([reference, reference], "outputs[1].name"),
        ([one, empty], "outputs[1]"),
        ([one, nothing], "outputs[1].value"),
    ):
        with pytest.raises(ValidationError) as caught:
            work.values_from_proto(messages, "outputs")
        assert caught.value.facts == {"field": field}


LEASE = work_pb2.LeaseToken(lease_id="l", token=3)


def told(**outcome: Any) -> work_pb2.ReportRequest:
    return work_pb2.ReportRequest(plan_id="p", task_id="t", **outcome)


def test_a_report_arrives_as_it_was_told() -> None:
    token = LeaseToken("l", 3)
    done = work_pb2.ReportedDone(outputs=[work_pb2.ArtefactValue(name="n", value=json_to_proto(3))])
    assert work.report_from_proto(told(done=done, lease=LEASE)) == Report("p", "t", Done(Values({"n": 3})), token)
    usage = work_pb2.Usage(tokens=5, tasks=9)
    assert work.report_from_proto(told(failed={"error": "e", "permanent": True}, usage=usage, agent_id="tool")) == Report(
        "p", "t", Failed("e", permanent=True), None, Usage(tokens=5), "tool"
    )
    assert work.report_from_proto(told(done=done, request_id="again")).request_id == "again"
    assert work.report_from_proto(told(declined={"reason": "r", "hand_back": True}, lease=LEASE)) == Report(
        "p", "t", Declined("r", hand_back=True), token
    )


def test_a_report_that_says_nothing_and_one_that_declines_what_nobody_holds_are_refused() -> None:
    for request, field in ((told(), "outcome"), (told(declined={}), "declined")):
        with pytest.raises(ValidationError) as caught:
            work.report_from_proto(request)
        assert caught.value.facts == {"field": field}


def test_what_became_of_a_report_says_where_the_budget_stands() -> None:
    message = work.reported_to_proto(TAKEN)
    assert (message.task_state, message.plan_state, message.duplicate) == (2, 1, False)
    assert (message.balance.limit.tasks, message.balance.spent.tasks, message.balance.begin_time.seconds) == (9, 1, 100)
    assert not message.balance.limit.HasField("cost")
    assert not message.balance.limit.HasField("tokens")


def test_the_work_on_a_task_goes_out_without_its_leases() -> None:
    token = LeaseToken("very secret", 77)
    ended = Attempt(1, "a", "s1", token, 10.0, 60.0, outcome=AttemptOutcome.FAILED, error="e", end=12.0, usage=Usage(tokens=4))
    running = Attempt(2, "b", "s2", token, 20.0, 60.0, fraction=0.5, message="half")
    view = TaskRunView(TaskRun("t", (ended, running), dead_letter="d"), WaitingFor.SLOT, "all are busy")
    message = work.task_run_to_proto(view)
    assert b"very secret" not in message.SerializeToString()
    assert (message.task_id, message.waiting_for, message.waiting_message, message.dead_letter) == ("t", 2, "all are busy", "d")
    first, second = message.attempts
    assert (first.number, first.agent_id, first.session_id, first.outcome, first.error) == (1, "a", "s1", 3, "e")
    assert (first.begin_time.seconds, first.end_time.seconds, first.usage.tokens) == (10, 12, 4)
    assert (second.progress, second.progress_message) == (0.5, "half")
    assert not second.HasField("end_time")
    assert not second.HasField("usage")


@given(begin=st.floats(0, 2_000), now=st.floats(0, 2_000))
def test_the_time_left_of_an_attempt_is_never_less_than_none_nor_more_than_all(begin: float, now: float) -> None:
    one = assigned(1)
    attempt = Attempt(1, "a", "s", LeaseToken("l", 1), begin, 60.0)
    message = stream_message_to_proto(type(one)("p", "g", one.task, one.inputs, attempt, one.target), now=now)
    assert 0 <= message.assignment.time_left.ToTimedelta().total_seconds() <= 60


def test_progress_and_workers() -> None:
    message = agent_service_pb2.LeaseProgress(plan_id="p", task_id="t", lease=LEASE, fraction=0.5, message="m")
    assert progress_from_proto([message]) == (LeaseProgress("p", "t", LeaseToken("l", 3), 0.5, "m"),)
    session = Session("s", "a", AgentCard("a", ()), joined=5.0, load=0.25)
    worker = worker_to_proto(session, running_tasks=3)
    assert (worker.session_id, worker.join_time.seconds, worker.load, worker.running_tasks) == ("s", 5, 0.25, 3)


PLAN = Plan("g", (Task("a", "a", outputs=(Artefact("report", "text"),)), Task("b", "b")))
KNOWN = Known(
    outputs={"b": {"n": 3}, "a": {"report": "é" * 10}, "gone": {"x": 1}},
    references={"a": {"big": ArtefactReference("s3://x", "0" * 64, "text/csv")}},
)


def test_artefacts_go_out_in_the_plans_order_with_their_types_and_sizes() -> None:
    found = work.artefacts_to_proto(PLAN, KNOWN, contents=False)
    assert [(one.task_id, one.artefact.name, one.type, one.size) for one in found] == [
        ("a", "report", "text", 22),
        ("a", "big", "", 0),
        ("b", "n", "", 1),
    ]
    assert {one.artefact.WhichOneof("content") for one in found} == {None}
    found = work.artefacts_to_proto(PLAN, KNOWN, contents=True)
    assert [one.artefact.WhichOneof("content") for one in found] == ["value", "reference", "value"]
    assert found[1].artefact.reference.media_type == "text/csv"


def test_contents_of_artefacts_end_where_an_answer_would_be_too_large() -> None:
    found = work.artefacts_to_proto(PLAN, KNOWN, contents=True, max_bytes=22)
    assert [one.artefact.WhichOneof("content") for one in found] == ["value", None, None]
    assert [one.size for one in found] == [22, 0, 1]


def test_how_a_plan_is_carried_out_is_what_the_request_says() -> None:
    request = orchestrator_service_pb2.OrchestrateRequest(goal="g")
    assert work.run_options_from_proto(request, traceparent="tp") is None
    request.run_budget.tokens = 0
    assert work.run_options_from_proto(request, traceparent="tp") == RunOptions(RunBudget(tokens=0), traceparent="tp")
    request.dispatch.SetInParent()
    assert work.run_options_from_proto(request, traceparent="") == RunOptions(RunBudget(tokens=0), dispatched=True, priority=5)
    request.dispatch.priority = 0
    request.ClearField("run_budget")
    assert work.run_options_from_proto(request, traceparent="") == RunOptions(dispatched=True, priority=0)
    request.catalogue.SetInParent()
    with pytest.raises(ValidationError) as caught:
        work.run_options_from_proto(request, traceparent="")
    assert caught.value.facts == {"field": "dispatch"}
    planned = orchestrator_service_pb2.PlanRequest(goal="g", run_budget=work_pb2.RunBudget(tasks=1))
    assert work.run_options_from_proto(planned, traceparent="") == RunOptions(RunBudget(tasks=1))


def test_a_balance_names_what_is_exhausted() -> None:
    assert list(work.balance_to_proto(replace(BALANCE, exhausted=("cost", "time"))).exhausted) == ["cost", "time"]
