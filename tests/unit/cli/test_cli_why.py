"""`genesis why` and `genesis decisions`."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from fake_server import FakeServer, Refusal

from genesis.v1 import decision_pb2, plan_pb2, routing_pb2
from genesis.v1 import orchestrator_service_pb2 as pb2


def _decision(kind: decision_pb2.DecisionKind, decision_id: str) -> decision_pb2.Decision:
    decision = decision_pb2.Decision(id=decision_id, kind=kind, plan_id="plan_1", caller="acme/ann", task_count=4)
    decision.time.seconds = 1_700_000_000
    if kind == decision_pb2.DECISION_KIND_ROUTE:
        decision.target_ids.append("agent-a")
        decision.rule_ids.append("no-small-models")
    return decision


@pytest.fixture
def recorded(fake: FakeServer, plan: plan_pb2.Plan, orchestrated: pb2.OrchestrateResponse) -> FakeServer:
    """A server that recorded how the plan was made and how it was routed."""
    planned = decision_pb2.GetDecisionResponse(decision=_decision(decision_pb2.DECISION_KIND_PLAN, "dec_plan"), plan=plan)
    planned.replay.same = True
    planned.rejected.add(source=plan_pb2.TASK_SOURCE_METHOD, id="hot_fix", score=0.4, reason="release_feature fits better")
    routed = decision_pb2.GetDecisionResponse(decision=_decision(decision_pb2.DECISION_KIND_ROUTE, "dec_route"), plan=plan)
    routed.routes.extend(orchestrated.routes)
    routed.replay.same = True
    routed.replay.note = "it was made by Genesis 0.0.1"
    proof = routed.routes[0].explanation
    proof.level = routing_pb2.EXPLANATION_LEVEL_FULL
    proof.decisive_difference = "cost +0.10"
    proof.facts.add(name="task.capability", value="code.write")
    proof.fired_rules.add(rule_id="no-small-models", effect=routing_pb2.RULE_EFFECT_DENY, priority=9, explanation="Small models may not.")
    blocked = proof.blocked_rules.add(rule_id="night", effect=routing_pb2.RULE_EFFECT_WEIGHT, needed=">= 22")
    blocked.fact.name, blocked.fact.value = "time.hour", "10"
    other = proof.counterfactuals.add(text="would have gone to agent-b if task.max_cost >= 0.40 USD", change="task.max_cost >= 0.40 USD")
    other.target.id = "agent-b"
    proof.decisive_set.rules.append("no-small-models")
    proof.decisive_set.without.id = "agent-c"
    replays = {"dec_plan": planned, "dec_route": routed}

    def listed(request: decision_pb2.ListDecisionsRequest, _: grpc.ServicerContext) -> decision_pb2.ListDecisionsResponse:
        found = [one.decision for one in replays.values() if request.kind in {0, one.decision.kind}]
        return decision_pb2.ListDecisionsResponse(decisions=found)

    fake.on("GetPlan", pb2.GetPlanResponse(plan=plan))
    fake.on("ListDecisions", listed)
    fake.on("GetDecision", lambda request, _: replays[request.decision_id])
    return fake


def test_why_a_task_is_there_and_why_its_agent_has_it(recorded: FakeServer, run) -> None:
    """Asked by the task's id or by its number in the tree."""
    by_id, by_number = run("why", "plan_1/a"), run("why", "plan_1/1.1")
    assert by_id.exit_code == 0, by_id.output
    assert by_id.stdout == by_number.stdout
    text = " ".join(by_id.stdout.split())
    for words in (
        "1.1 Write the code", "agent-a", "no-small-models", "Small models may not.", "night", "time.hour", ">= 22",
        "would have gone to agent-b if task.max_cost >= 0.40 USD", "without: agent-c", "task.capability = code.write",
        "the same", "it was made by Genesis 0.0.1",
    ):  # fmt: skip
        assert words in text, text
    assert "Tell the customers" not in text
    assert {(one.decision_id, one.replay, one.explanation, *one.task_ids) for one in recorded.asked("GetDecision")} == {
        ("dec_plan", True, routing_pb2.EXPLANATION_LEVEL_FULL, "a"),
        ("dec_route", True, routing_pb2.EXPLANATION_LEVEL_FULL, "a"),
    }


def test_why_a_whole_plan_is_as_it_is(recorded: FakeServer, run) -> None:
    """Every task, with the words of the goal and the method it came from."""
    text = " ".join(run("why", "plan_1").stdout.split())
    for words in ("1 Build it", "2.2 Tell the customers", "release_feature", "“tell them”", "waits for", "it needs patch", "hot_fix"):
        assert words in text, text


def test_why_after_an_update_tells_the_decision_each_task_has_its_agent_from(
    recorded: FakeServer, run, plan: plan_pb2.Plan, orchestrated: pb2.OrchestrateResponse
) -> None:
    """An update routes the whole plan again and keeps only what came or changed of it."""
    stored = pb2.GetPlanResponse(plan=plan, routes=orchestrated.routes)
    newer = decision_pb2.GetDecisionResponse(decision=_decision(decision_pb2.DECISION_KIND_ROUTE, "dec_newer"), plan=plan)
    newer.routes.extend(orchestrated.routes)
    newer.routes[0].assignment.target.id = "agent-z"
    newer.replay.same = True
    older = decision_pb2.GetDecisionResponse(decision=_decision(decision_pb2.DECISION_KIND_ROUTE, "dec_route"), plan=plan)
    older.routes.extend(orchestrated.routes)
    older.replay.same = True
    answers = {one.decision.id: one for one in (newer, older)}

    def listed(request: decision_pb2.ListDecisionsRequest, _: grpc.ServicerContext) -> decision_pb2.ListDecisionsResponse:
        return decision_pb2.ListDecisionsResponse(decisions=[one.decision for one in answers.values() if one.decision.kind == request.kind])

    recorded.on("GetPlan", stored)
    recorded.on("ListDecisions", listed)
    recorded.on("GetDecision", lambda request, _: answers[request.decision_id])
    text = " ".join(run("why", "plan_1/a").stdout.split())
    assert "agent-a" in text
    assert "agent-z" not in text
    assert "dec_route" in text
    assert "dec_newer" not in text


def test_why_in_json_is_both_decisions(recorded: FakeServer, run) -> None:
    """One document after the other, the plan first."""
    text, decoder = run("why", "plan_1/a", "--json").stdout, json.JSONDecoder()
    first, end = decoder.raw_decode(text)
    second, _ = decoder.raw_decode(text[end:].lstrip())
    assert (first["decision"]["id"], second["decision"]["id"]) == ("dec_plan", "dec_route")


def test_why_says_when_nothing_was_recorded(recorded: FakeServer, run) -> None:
    """The plan is shown all the same."""
    recorded.on("ListDecisions", decision_pb2.ListDecisionsResponse())
    result = run("why", "plan_1/a")
    assert result.exit_code == 0
    assert "The routing was not recorded" in " ".join(result.stdout.split())
    assert "Write the code" in result.stdout


def test_a_task_that_is_not_in_the_plan_is_exit_code_4(recorded: FakeServer, run) -> None:
    """And nothing is made again for it."""
    result = run("why", "plan_1/zzz")
    assert result.exit_code == 4
    assert "no task 'zzz'" in " ".join(result.stderr.split())
    assert not recorded.asked("GetDecision")


def test_a_plan_that_is_not_there_is_exit_code_4(fake: FakeServer, run) -> None:
    """With the server's reason."""
    fake.on("GetPlan", Refusal(grpc.StatusCode.NOT_FOUND, "no plan plan_9", "PLAN_NOT_FOUND"))
    result = run("why", "plan_9/a")
    assert result.exit_code == 4
    assert "PLAN_NOT_FOUND: no plan plan_9" in " ".join(result.stderr.split())


def test_decisions_are_listed_by_what_is_asked(recorded: FakeServer, run) -> None:
    """With who got work and which rules fired."""
    result = run("decisions", "list", "--plan", "plan_1", "--target", "agent-a", "--rule", "no-small-models", "--limit", "2")
    assert result.exit_code == 0, result.output
    for words in ("dec_plan", "dec_route", "2023-11-14 22:13 UTC", "agent-a", "no-small-models"):
        assert words in result.stdout
    [request] = recorded.asked("ListDecisions")
    assert (request.plan_id, request.target_id, request.rule_id, request.page_size) == ("plan_1", "agent-a", "no-small-models", 2)


def test_no_more_decisions_are_listed_than_asked_for(recorded: FakeServer, run) -> None:
    """Also in JSON."""
    listed: dict[str, Any] = json.loads(run("decisions", "list", "--limit", "1", "--json").stdout)
    assert [one["id"] for one in listed["decisions"]] == ["dec_plan"]


def test_a_decision_is_shown_as_it_was_recorded(recorded: FakeServer, run) -> None:
    """Nothing is made again unless that is asked for."""
    assert run("decisions", "get", "dec_plan").exit_code == 0
    text = " ".join(run("decisions", "get", "dec_route", "--replay").stdout.split())
    assert "dec_route · route · 2023-11-14 22:13:20 UTC · by acme/ann" in text
    assert "agent-a" in text
    first, second = recorded.asked("GetDecision")
    assert (first.replay, second.replay) == (False, True)


def test_a_decision_that_comes_out_otherwise_is_exit_code_1(recorded: FakeServer, run) -> None:
    """With what differs; a script can tell."""
    answer = decision_pb2.GetDecisionResponse(decision=_decision(decision_pb2.DECISION_KIND_ROUTE, "dec_route"))
    answer.replay.differences.append("task 'a' went to agent-b")
    recorded.on("GetDecision", answer)
    result = run("decisions", "get", "dec_route", "--replay")
    assert result.exit_code == 1
    assert "task 'a' went to agent-b" in " ".join(result.stdout.split())
    assert run("decisions", "get", "dec_route", "--replay", "--json").exit_code == 1


@pytest.mark.parametrize("args", [["decisions", "list", "--limit", "0"], ["decisions", "get"], ["why"], ["decisions", "make"]])
def test_wrong_input_is_exit_code_2(fake: FakeServer, run, args: list[str]) -> None:
    """And nothing is sent."""
    result = run(*args)
    assert result.exit_code == 2
    assert not fake.requests
