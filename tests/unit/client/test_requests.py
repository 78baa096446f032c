"""The requests of updates, watches, decisions and rulebooks, from friendly arguments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from fake_server import FakeServer
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

import genesis
from genesis import _requests as requests
from genesis import _values as values
from genesis.admin.v1 import policy_service_pb2 as policy
from genesis.v1 import decision_pb2, update_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2

QUICK = genesis.Retry(initial_backoff=0.01, max_backoff=0.02)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def client(fake: FakeServer) -> Iterator[genesis.Client]:
    with genesis.connect(fake.address, retry=QUICK) as connected:
        yield connected


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ({"done": "a"}, {"done": {"task_id": "a", "outputs": {}}}),
        ({"done": "a", "outputs": {"n": 1, "deep": {"x": [None, (True, "y")]}}},
         {"done": {"task_id": "a", "outputs": {"n": 1.0, "deep": {"x": [None, [True, "y"]]}}}}),
        ({"failed": "a", "error": "broken"}, {"failed": {"task_id": "a", "error": "broken"}}),
        ({"facts": {"open": False}}, {"information": {"facts": {"open": False}}}),
        ({"text": "in blue", "about": ["a", "b"]}, {"information": {"facts": {}, "task_ids": ["a", "b"], "text": "in blue"}}),
        ({"edits": [{"remove_task_id": "a"}, {"addTask": {"id": "b"}}, update_pb2.Edit(remove_task_id="c")]},
         {"edit": {"edits": [{"remove_task_id": "a"}, {"add_task": {"id": "b"}}, {"remove_task_id": "c"}]}}),
        ({"pause": True}, {"pause": {}}),
        ({"resume": True}, {"resume": {}}),
        ({"cancel": True}, {"cancel": {}}),
        ({"cancel": True, "pause": False, "done": None}, {"cancel": {}}),
    ],
)  # fmt: skip
def test_each_way_to_say_what_happened_is_its_event(said: dict[str, Any], event: dict[str, Any]) -> None:
    """With the version that was seen."""
    request = requests.update_plan("p", version=2, request_id="mine", **said)
    told = json_format.MessageToDict(request, preserving_proto_field_name=True)
    assert told == {"plan_id": "p", "version": "2", "request_id": "mine", **event}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"version": 3},
        {"pause": False},
        {"done": None},
        {"done": "a", "failed": "b"},
        {"pause": True, "resume": True},
        {"done": "a", "text": "x"},
        {"done": "a", "error": "x"},
        {"pasue": True},
    ],
)
def test_nothing_two_things_or_an_unknown_one_is_a_type_error(said: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(TypeError):
        requests.update_plan("p", **said)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), object(), {1, 2}, b"x"])
def test_what_json_does_not_have_is_a_value_error(wrong: object) -> None:
    """Alone, and deep inside."""
    for value in (wrong, {"deep": [wrong]}):
        with pytest.raises(ValueError, match="JSON"):
            requests.update_plan("p", facts={"x": value})


def test_what_contains_itself_is_a_value_error() -> None:
    """It has no end."""
    endless: dict[str, Any] = {}
    endless["x"] = endless
    with pytest.raises(ValueError, match="JSON"):
        values.struct(endless)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_every_json_value_arrives(given: dict[str, Any]) -> None:
    """Numbers as numbers, also inside lists and objects."""
    assert json_format.MessageToDict(values.struct(given)) == given


@pytest.mark.parametrize("wrong", [3, None, "x", ["a"], [[1, 2]], {"remove": "a"}, {"add_task": 3}])
def test_an_edit_that_is_none_is_a_value_error(wrong: Any) -> None:
    """Whatever it is instead."""
    with pytest.raises(ValueError, match="edit is not of the contract's form"):
        requests.update_plan("p", edits=[wrong])


def test_times_are_instants_whatever_zone_they_are_given_in() -> None:
    """To the microsecond."""
    noon = datetime(2026, 1, 31, 12, 0, 0, 250, tzinfo=UTC)
    there = noon.astimezone(timezone(timedelta(hours=5, minutes=30)))
    request = requests.list_decisions(start=noon, end=there, kind="route", plan_id="p", target_id="t", rule_id="r", page_size=7)
    assert request.start_time == request.end_time
    assert request.start_time.ToDatetime(tzinfo=UTC) == noon
    assert (request.kind, request.plan_id, request.target_id, request.rule_id, request.page_size) == (2, "p", "t", "r", 7)
    local = datetime(2026, 7, 1, 12)  # noqa: DTZ001  (what is tested)
    assert values.timestamp(local) == values.timestamp(local.astimezone())
    empty = requests.list_decisions()
    assert not empty.HasField("start_time")
    assert not empty.HasField("end_time")


def test_an_unknown_kind_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="'plan', 'route'"):
        requests.list_decisions(kind="update")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{}, {"text": "a", "version": "b"}, {"text": None}])
def test_a_rulebook_is_its_text_or_its_version(wrong: dict[str, Any]) -> None:
    """Neither or both is a TypeError, in a preview and in an activation."""
    with pytest.raises(TypeError, match="text or its version"):
        requests.preview_rulebook(**wrong)
    with pytest.raises(TypeError, match="text or its version"):
        requests.activate_rulebook("because", **wrong)


def test_rulebooks_and_decisions_take_what_their_options_say() -> None:
    """Field by field."""
    activated = requests.activate_rulebook("because", version="v", expected_version="u", request_id="mine")
    assert activated == policy.ActivateRulebookRequest(cause="because", version="v", expected_version="u", request_id="mine")
    assert len(requests.activate_rulebook("because", text="t").request_id) == 36
    previewed = requests.preview_rulebook(text="t", page_size=3, plan_id="p")
    assert previewed == policy.PreviewRulebookRequest(text="t", page_size=3, plan_id="p")
    decision = requests.get_decision("d", replay=True, explanation="full", task_ids=["a"])
    assert decision == decision_pb2.GetDecisionRequest(decision_id="d", replay=True, explanation=3, task_ids=["a"])
    assert requests.watch_plan("p", after_version=4) == update_pb2.WatchPlanRequest(plan_id="p", after_version=4)
    assert requests.validate("p", apply_fixes=True).apply_fixes
    assert not requests.validate("p").apply_fixes
    for call in (requests.watch_plan, requests.get_decision, requests.get_rulebook, requests.lint_rulebook):
        with pytest.raises(TypeError, match="colour"):
            call("x", colour="blue")  # type: ignore[call-arg]


def test_lists_fetch_page_after_page(fake: FakeServer, client: genesis.Client) -> None:
    """Decisions, changes of the rulebook, and previews; each page is asked for with the token of the one before."""
    decision, change = decision_pb2.Decision, policy.RulebookChange
    pages = decision_pb2.ListDecisionsResponse
    fake.on("ListDecisions", pages(decisions=[decision(id="2")], next_page_token="t"), pages(decisions=[decision(id="1")]))
    changes = policy.ListRulebookChangesResponse
    fake.on("ListRulebookChanges", changes(changes=[change(sequence=2)], next_page_token="t"), changes(changes=[change(sequence=1)]))
    fake.on("PreviewRulebook", policy.PreviewRulebookResponse(next_page_token="t"), policy.PreviewRulebookResponse(version="v"))
    assert [one.id for one in client.list_decisions(plan_id="p")] == ["2", "1"]
    assert [one.sequence for one in client.rulebook_changes()] == [2, 1]
    assert [page.version for page in client.preview_rulebook(text="t")] == ["", "v"]
    for name in ("ListDecisions", "ListRulebookChanges", "PreviewRulebook"):
        assert [request.page_token for request in fake.asked(name)] == ["", "t"]


def test_calls_go_to_their_methods_and_give_their_answers(fake: FakeServer, client: genesis.Client) -> None:
    """One for each method that reads or changes plans, decisions and rulebooks."""
    fake.on("UpdatePlan", update_pb2.UpdatePlanResponse(version=2))
    fake.on("WatchPlan", [update_pb2.WatchPlanResponse(version=1), update_pb2.WatchPlanResponse(version=2)])
    fake.on("GetDecision", decision_pb2.GetDecisionResponse(replay=decision_pb2.Replay(same=True)))
    fake.on("GetRulebook", policy.GetRulebookResponse(version="v"))
    fake.on("LintRulebook", policy.LintRulebookResponse(valid=True))
    fake.on("ActivateRulebook", policy.ActivateRulebookResponse(change=policy.RulebookChange(sequence=3)))
    fake.on("Validate", pb2.ValidateResponse(repairs=[pb2.Repair(round=1)]))
    assert client.update_plan("p", pause=True).version == 2
    assert [change.version for change in client.watch_plan("p", after_version=0)] == [1, 2]
    assert client.get_decision("d", replay=True).replay.same
    assert client.get_rulebook().version == "v"
    assert client.lint_rulebook("[end]").valid
    assert client.activate_rulebook("because", version="v").change.sequence == 3
    assert client.validate("p", apply_fixes=True).repairs[0].round == 1
    assert [name for name, _ in fake.requests] == [
        "UpdatePlan", "WatchPlan", "GetDecision", "GetRulebook", "LintRulebook", "ActivateRulebook", "Validate",
    ]  # fmt: skip


async def test_the_asynchronous_client_does_the_same(fake: FakeServer) -> None:
    """Updates, watches and pages."""
    decision, pages = decision_pb2.Decision, decision_pb2.ListDecisionsResponse
    fake.on("UpdatePlan", update_pb2.UpdatePlanResponse(version=2))
    fake.on("WatchPlan", [update_pb2.WatchPlanResponse(version=1), update_pb2.WatchPlanResponse(version=2)])
    fake.on("ListDecisions", pages(decisions=[decision(id="2")], next_page_token="t"), pages(decisions=[decision(id="1")]))
    fake.on("ActivateRulebook", policy.ActivateRulebookResponse(change=policy.RulebookChange(sequence=3)))
    async with genesis.aio.connect(fake.address, retry=QUICK) as client:
        assert (await client.update_plan("p", done="a")).version == 2
        assert [change.version async for change in client.watch_plan("p")] == [1, 2]
        assert [one.id async for one in client.list_decisions()] == ["2", "1"]
        assert (await client.activate_rulebook("because", text="[end]")).change.sequence == 3
        with pytest.raises(TypeError):
            await client.update_plan("p")
