"""Recorded decisions over the wire: read, found again, and made again after everything they were made from has changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import grpc
import pytest

import genesis
from errors import failure
from genesis.v1 import decision_pb2, orchestrator_service_pb2_grpc, routing_pb2
from servers import Server, running
from tokens import SETTINGS, token

Stub = orchestrator_service_pb2_grpc.OrchestratorServiceStub
GOAL = "Run the tests, and if they pass deploy it, otherwise notify the team"

OTHER_AGENTS = """
[[agents]]
id = "solo"
name = "The only one left"
description = "Does everything."
version = "1.0.0"
max_concurrent_tasks = 4
region = "eu"
max_data_class = "confidential"
models = [
    { id = "m", input_price_per_million_tokens = "1.00 USD", output_price_per_million_tokens = "4.00 USD", success_prior = 0.7 },
]

[[agents.skills]]
id = "qa.test_run"
name = "Run tests"
description = "Runs the tests of a program."
tags = ["tests"]
examples = ["Run the tests"]
outputs = [{ name = "test_report", type = "test_report" }]
expected_duration = "5m"

[end]
"""
OTHER_RULES = """
[[rules]]
id = "nobody-deploys"
effect = "deny"
when = 'task.capability == "deploy.release"'
explanation = "Nobody deploys."

[end]
"""


@pytest.fixture
def client(server: Server) -> Iterator[genesis.Client]:
    """A client of the shared server."""
    with genesis.connect(server.address) as connected:
        yield connected


def outcomes(routes: list[routing_pb2.TaskRoute]) -> list[routing_pb2.TaskRoute]:
    """Routes without their proofs."""
    bare: list[routing_pb2.TaskRoute] = []
    for route in routes:
        copy = routing_pb2.TaskRoute()
        copy.CopyFrom(route)
        copy.ClearField("explanation")
        bare.append(copy)
    return bare


def test_a_decision_comes_out_the_same_on_a_fresh_server_with_other_agents_and_other_rules(tmp_path: Path) -> None:
    """At FULL, although no explanation at all was asked for when it was made."""
    with running(tmp_path) as server, genesis.connect(server.address) as client:
        answer = client.orchestrate(GOAL, explanation="none", budget="5 USD")
        client.route(answer.plan.id, explanation="none", seed=3, sticky_key="ann")
        sent = client.route(answer.plan, explanation="none", data_class="public")
        assert not any(route.HasField("explanation") for route in [*answer.routes, *sent.routes])
        recorded = {one.id: client.get_decision(one.id) for one in client.list_decisions()}
        rulebook = client.get_rulebook().version
    kinds = [one.decision.kind for one in recorded.values()]
    assert (kinds.count(decision_pb2.DECISION_KIND_PLAN), kinds.count(decision_pb2.DECISION_KIND_ROUTE)) == (1, 3)

    (tmp_path / "agents.toml").write_text(OTHER_AGENTS)
    (tmp_path / "rulebook.toml").write_text(OTHER_RULES)
    changed = {"GENESIS_AGENTS_FILE": str(tmp_path / "agents.toml"), "GENESIS_RULEBOOK_FILE": str(tmp_path / "rulebook.toml")}
    with running(tmp_path, settings=changed) as server, genesis.connect(server.address) as client:
        assert [agent.card.id for agent in client.agents()] == ["solo"]
        assert client.get_rulebook().version != rulebook
        assert {route.assignment.target.id for route in client.orchestrate(GOAL).routes} <= {"solo", ""}
        for decision_id, before in recorded.items():
            after = client.get_decision(decision_id, replay=True, explanation="full")
            assert after.replay.same, after.replay.differences
            assert list(after.replay.differences) == []
            assert after.replay.note == ""
            assert after.decision == before.decision
            assert after.plan == before.plan
            assert outcomes(list(after.routes)) == list(before.routes)
            for route in after.routes:
                assert route.explanation.level == routing_pb2.EXPLANATION_LEVEL_FULL
                assert len(route.explanation.candidates) == route.explanation.candidate_count
                assert route.explanation.facts
                assert route.explanation.blocked_rules
                assert route.explanation.HasField("decisive_set")


def test_an_answer_names_its_decision_and_the_decision_has_the_answer(client: genesis.Client) -> None:
    answer = client.orchestrate(GOAL, explanation="none", budget="7 USD")
    found = client.get_decision(answer.provenance.decision_id)
    assert found.decision.kind == decision_pb2.DECISION_KIND_ROUTE
    assert found.decision.plan_id == answer.plan.id
    assert found.decision.goal == GOAL
    assert found.decision.constraints.budget.units == 7
    assert found.decision.provenance.rulebook_version == client.get_rulebook().version
    assert found.decision.expire_time.seconds > found.decision.time.seconds
    assert not found.HasField("replay")
    assert list(found.routes) == list(answer.routes)
    assert sorted({route.assignment.target.id for route in answer.routes}) == list(found.decision.target_ids)


def test_a_replay_tells_what_was_looked_at_and_not_taken_and_only_the_tasks_asked_for(client: genesis.Client) -> None:
    answer = client.orchestrate(GOAL)
    [planned] = client.list_decisions(plan_id=answer.plan.id, kind="plan")
    assert client.get_decision(planned.id, replay=True, explanation="full").rejected
    task_id = answer.routes[0].task_id
    again = client.get_decision(answer.provenance.decision_id, replay=True, explanation="full", task_ids=[task_id])
    assert again.replay.same
    assert [route.task_id for route in again.routes] == [task_id]


def test_decisions_are_found_by_plan_agent_rule_kind_and_time(client: genesis.Client) -> None:
    goals = ["Roll back the release", "Write a haiku about the sea", GOAL]
    answers = [client.orchestrate(goal, explanation="full") for goal in goals]
    heads = {answer.plan.id: list(client.list_decisions(plan_id=answer.plan.id)) for answer in answers}
    assert [len(found) for found in heads.values()] == [2, 2, 2]
    mine = {one.id: one for found in heads.values() for one in found}

    def listed(**wanted: object) -> set[str]:
        return {one.id for one in client.list_decisions(page_size=3, **wanted)} & mine.keys()  # type: ignore[arg-type]

    targets = {target for one in mine.values() for target in one.target_ids}
    rules = {rule for one in mine.values() for rule in one.rule_ids}
    assert {"deploy", "qa"} <= targets
    assert "deployer-rolls-back" in rules
    for target in targets:
        assert listed(target_id=target) == {one.id for one in mine.values() if target in one.target_ids}
    for rule in rules:
        assert listed(rule_id=rule) == {one.id for one in mine.values() if rule in one.rule_ids}
    assert listed(kind="plan") == {one.id for one in mine.values() if one.kind == decision_pb2.DECISION_KIND_PLAN}
    last = max(mine.values(), key=lambda one: one.time.ToNanoseconds())
    moment = last.time.ToDatetime(tzinfo=UTC)
    assert listed(start=moment) == {last.id}
    assert listed(end=moment) == mine.keys() - {last.id}
    assert listed(plan_id=answers[0].plan.id, target_id="deploy", rule_id="deployer-rolls-back") == {answers[0].provenance.decision_id}
    assert listed(rule_id="no-such-rule") == set()


def test_pages_follow_each_other_newest_first_and_a_token_fits_its_own_question_only(client: genesis.Client, orchestrator: Stub) -> None:
    plan_id = client.orchestrate(GOAL).plan.id
    for seed in range(4):
        client.route(plan_id, seed=seed)
    ids: list[str] = []
    token_of_page = ""
    while True:
        page = orchestrator.ListDecisions(decision_pb2.ListDecisionsRequest(plan_id=plan_id, page_size=2, page_token=token_of_page))
        assert len(page.decisions) <= 2
        ids += [one.id for one in page.decisions]
        if not page.next_page_token:
            break
        token_of_page = page.next_page_token
    assert len(ids) == len(set(ids)) == 6
    assert ids == sorted(ids, reverse=True)
    with pytest.raises(grpc.RpcError) as caught:
        orchestrator.ListDecisions(decision_pb2.ListDecisionsRequest(target_id="qa", page_token=token_of_page))
    assert failure(caught.value).reason == "INVALID_PAGE_TOKEN"


def test_a_decision_nobody_made_is_told_by_name(client: genesis.Client) -> None:
    with pytest.raises(genesis.NotFound) as caught:
        client.get_decision("dec_nobody")
    assert caught.value.reason == "DECISION_NOT_FOUND"


def test_without_retention_nothing_is_recorded(tmp_path: Path) -> None:
    with running(tmp_path, settings={"GENESIS_DECISION_RETENTION_DAYS": "0"}) as server, genesis.connect(server.address) as client:
        assert client.orchestrate(GOAL).provenance.decision_id == ""
        assert list(client.list_decisions()) == []


def test_another_tenant_sees_no_decision_and_a_viewer_of_ours_does(tmp_path: Path) -> None:
    with running(tmp_path, settings=SETTINGS) as server:
        with genesis.connect(server.address, token=token("client")) as ours:
            decision_id = ours.orchestrate(GOAL).provenance.decision_id
        with genesis.connect(server.address, token=token("viewer")) as viewer:
            found = viewer.get_decision(decision_id, replay=True)
            assert found.replay.same
            assert found.decision.caller.endswith("ann")
        with genesis.connect(server.address, token=token("admin", tenant="other")) as theirs:
            assert list(theirs.list_decisions()) == []
            with pytest.raises(genesis.NotFound):
                theirs.get_decision(decision_id)
