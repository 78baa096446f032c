"""Who is there goes first, below every other preference; while nobody is, all is as if nobody could be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_cases import agent, chosen, index_of, model, side_by_side

from genesis_server.model.catalogue import AgentCard
from genesis_server.model.plan import Task
from genesis_server.model.routing import ExplanationLevel
from genesis_server.routing.router import route_plan
from genesis_server.routing.rules.loading import default_rulebook

NOW = 1_767_776_400.0
RULE = "live-agents-first"
REVIEW = side_by_side(Task("t", "review the change", capability="code.review"))


def routed(*agents: AgentCard, plan=REVIEW, rulebook=None, level: ExplanationLevel = ExplanationLevel.SUMMARY):
    return route_plan(plan, index=index_of(*agents), rulebook=rulebook or default_rulebook(), now=NOW, explanation=level)


def test_a_live_agent_goes_before_a_better_one_that_is_not_there() -> None:
    better, worse = agent("a", model("m", 1, 0.95), skill="code.review"), agent("b", model("m", 1, 0.75), skill="code.review")
    assert chosen(routed(better, worse)) == ["a/m"]
    routing = routed(better, replace(worse, live=True))
    assert chosen(routing) == ["b/m"]
    proof = routing.routes[0].explanation
    assert proof is not None
    assert {rule.rule_id: rule.candidate_count for rule in proof.fired}[RULE] == 1
    assert "Agents with a worker that is alive go first; 1 are." in [rule.explanation for rule in proof.fired]


def test_when_the_live_one_cannot_do_it_another_one_is_advised() -> None:
    able, there = agent("a", model("m", 1), skill="code.review"), agent("b", model("m", 1), skill="code.fix", live=True)
    assert chosen(routed(able, there)) == ["a/m"]


@given(st.lists(st.tuples(st.sampled_from(["code.review", "code.fix"]), st.sampled_from([0.6, 0.8, 0.95])), min_size=1, max_size=5))
@settings(max_examples=50)
def test_while_nobody_is_there_the_rule_changes_nothing(offered: list[tuple[str, float]]) -> None:
    agents = [agent(f"a{number}", model("m", 1, prior), skill=skill) for number, (skill, prior) in enumerate(offered)]
    plan = side_by_side(Task("t", "review the change", capability="code.review"), Task("u", "fix the crash", capability="code.fix"))
    without = default_rulebook().without({RULE})
    assert routed(*agents, plan=plan).routes == routed(*agents, plan=plan, rulebook=without).routes


@pytest.mark.parametrize("live", [False, True])
def test_the_whole_proof_says_whether_the_rule_spoke(live: bool) -> None:
    proof = routed(agent("a", skill="code.review", live=live), level=ExplanationLevel.FULL).routes[0].explanation
    assert proof is not None
    assert (RULE in [rule.rule_id for rule in proof.fired], RULE in [rule.rule_id for rule in proof.blocked]) == (live, not live)
