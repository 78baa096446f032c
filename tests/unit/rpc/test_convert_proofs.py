"""Proofs, recorded decisions, rulebooks and events of plans on the wire: nothing is lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf import json_format

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis.v1 import decision_pb2, plan_pb2, routing_pb2, update_pb2
from genesis_server.model.caller import Caller
from genesis_server.model.decision import Decision, DecisionHead, DecisionKind
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, Plan, Task, TaskState
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import (
    Assignment,
    BlockedRule,
    BudgetSummary,
    Candidate,
    Counterfactual,
    DecisiveSet,
    ExplanationLevel,
    Fact,
    FiredRule,
    LoadChoice,
    RouteExplanation,
    Routing,
    RoutingConstraints,
    RuleEffect,
    ScoreParts,
    Target,
    TargetKind,
    TaskRoute,
)
from genesis_server.model.update import (
    AddEdgeEdit,
    AddTaskEdit,
    Approve,
    Cancel,
    ChangeBudget,
    ChangeTaskEdit,
    Information,
    Pause,
    PlanDiff,
    PlanEvent,
    RemoveEdgeEdit,
    RemoveTaskEdit,
    Resume,
    RunEvent,
    StartDispatch,
    TaskDone,
    TaskFailed,
    UndecidedGuard,
    UserEdit,
)
from genesis_server.model.work import RunBudget
from genesis_server.orchestration.decisions.replay import Replayed
from genesis_server.orchestration.policy.desk import check_text
from genesis_server.orchestration.policy.preview import DecisionChange, Preview
from genesis_server.orchestration.policy.versions import RulebookChange
from genesis_server.resilience.errors import ValidationError
from genesis_server.rpc.convert.decisions import decision_to_proto, filter_from_proto, head_to_proto, replay_to_proto
from genesis_server.rpc.convert.routes import write_routes
from genesis_server.rpc.convert.rulebooks import change_to_proto, linted_to_proto, preview_to_proto
from genesis_server.rpc.convert.updates import diff_to_proto, event_from_proto, undecided_to_proto

BUILD = Target(TargetKind.AGENT, "build", "small-1", "code.fix")
QA = Target(TargetKind.AGENT, "qa", "large-1", "code.fix")
FACT = Fact("task.difficulty", "0.9")
EXPLANATION = RouteExplanation(
    ExplanationLevel.FULL,
    (Candidate(BUILD, 0.5, ScoreParts(0.1, 0.2, 0.3, 0.4, -0.5), Money(12)),),
    "cost +0.10",
    "by id",
    feasible_count=2,
    candidate_count=3,
    facts=(FACT,),
    fired=(FiredRule("hard", RuleEffect.PREFER, 7, "Hard tasks go to qa.", (FACT,), 2),),
    blocked=(BlockedRule("night", RuleEffect.WEIGHT, 3, Fact("time.hour", "10"), ">= 22"),),
    load=LoadChoice((BUILD, QA), (QA,), "qa is less loaded"),
    counterfactuals=(
        Counterfactual("would have gone to qa if task.max_cost >= 0.40 USD", "task.max_cost >= 0.40 USD", QA),
        Counterfactual("nobody would have got it", "no rule", None),
    ),
    decisive=DecisiveSet(("task.difficulty",), ("hard",), None),
)
PLAN = Plan("Mend it", (Task("a", "mend"), Task("b", "test")), (Edge("a", "b"),), id="plan_1", version=1)
HEAD = DecisionHead(
    "dec_1",
    DecisionKind.ROUTE,
    1_700_000_000.25,
    1_700_000_100.0,
    "plan_1",
    "Mend it",
    "acme/ann",
    Provenance(DegradationLevel.HEURISTIC, rulebook_version="rulebook_a"),
    2,
    RoutingConstraints(budget=Money(5_000_000_000), excluded_targets=frozenset({"x"})),
    ("build",),
    ("hard",),
)
ROUTING = Routing(
    tuple([TaskRoute(name, Assignment(BUILD, 0.5, 0.75, Money(12), 60.0, "because"), explanation=EXPLANATION) for name in ("a", "b")]),
    BudgetSummary(Money(24), Money(24), None, met=True),
)
DECISION = Decision(
    HEAD, Caller("acme", "ann", frozenset()), "v1", "routing_1", own_catalogue=False, explanation=ExplanationLevel.NONE, plan=PLAN,
    routing=ROUTING,
)  # fmt: skip


def _sent(explanation: RouteExplanation) -> routing_pb2.RouteExplanation:
    answer = decision_pb2.GetDecisionResponse()
    write_routes([replace(ROUTING.routes[0], explanation=explanation)], answer.routes)
    return answer.routes[0].explanation


def test_a_proof_goes_out_whole() -> None:
    """Every part of it, with its order."""
    message = _sent(EXPLANATION)
    told = json_format.MessageToDict(message, preserving_proto_field_name=True)
    build = {"kind": "TARGET_KIND_AGENT", "id": "build", "model_id": "small-1", "skill_id": "code.fix"}
    qa = build | {"id": "qa", "model_id": "large-1"}
    fact = {"name": "task.difficulty", "value": "0.9"}
    assert told["candidates"][0]["parts"] == {"skill_match": 0.1, "success": 0.2, "cost": 0.3, "load": 0.4, "rules": -0.5}
    assert (told["feasible_count"], told["candidate_count"], told["tie_break"]) == (2, 3, "by id")
    assert told["facts"] == [fact]
    assert told["fired_rules"] == [
        {"rule_id": "hard", "effect": "RULE_EFFECT_PREFER", "priority": 7, "explanation": "Hard tasks go to qa.", "facts": [fact],
         "candidate_count": 2}
    ]  # fmt: skip
    assert told["blocked_rules"] == [
        {"rule_id": "night", "effect": "RULE_EFFECT_WEIGHT", "priority": 3, "fact": {"name": "time.hour", "value": "10"}, "needed": ">= 22"}
    ]
    assert told["load_choice"] == {"near_best": [build, qa], "compared": [qa], "text": "qa is less loaded"}
    first, second = told["counterfactuals"]
    assert (first["change"], first["target"]) == ("task.max_cost >= 0.40 USD", qa)
    assert "target" not in second
    assert told["decisive_set"] == {"facts": ["task.difficulty"], "rules": ["hard"]}


def test_a_proof_without_load_and_decisive_set_says_neither() -> None:
    """Absent is not the same as empty."""
    message = _sent(replace(EXPLANATION, load=None, decisive=None))
    assert not message.HasField("load_choice")
    assert not message.HasField("decisive_set")


def test_the_head_of_a_decision_goes_out_whole() -> None:
    """With the time to the microsecond, so that it finds the decision again."""
    message = head_to_proto(HEAD)
    assert (message.id, message.kind, message.plan_id) == ("dec_1", decision_pb2.DECISION_KIND_ROUTE, "plan_1")
    assert (message.time.seconds, message.time.nanos, message.expire_time.seconds) == (1_700_000_000, 250_000_000, 1_700_000_100)
    assert (message.goal, message.caller, message.task_count) == ("Mend it", "acme/ann", 2)
    assert message.provenance.rulebook_version == "rulebook_a"
    assert message.constraints.budget.units == 5
    assert (list(message.target_ids), list(message.rule_ids)) == (["build"], ["hard"])
    assert not head_to_proto(replace(HEAD, constraints=None)).HasField("constraints")
    request = decision_pb2.ListDecisionsRequest(start_time=message.time, end_time=message.expire_time)
    assert filter_from_proto(request).takes(HEAD)
    assert not filter_from_proto(decision_pb2.ListDecisionsRequest(end_time=message.time)).takes(HEAD)


def test_a_filter_that_says_nothing_takes_everything() -> None:
    assert filter_from_proto(decision_pb2.ListDecisionsRequest()).takes(HEAD)
    for other in ({"plan_id": "x"}, {"target_id": "x"}, {"rule_id": "x"}, {"kind": decision_pb2.DECISION_KIND_PLAN}):
        assert not filter_from_proto(decision_pb2.ListDecisionsRequest(**other)).takes(HEAD)


def test_a_decision_goes_out_as_recorded_and_a_replay_says_how_it_compares() -> None:
    """Of the routes only those asked for."""
    assert [route.task_id for route in decision_to_proto(DECISION, ()).routes] == ["a", "b"]
    recorded = decision_to_proto(DECISION, ["b"])
    assert [route.task_id for route in recorded.routes] == ["b"]
    assert not recorded.HasField("replay")
    again = replay_to_proto(Replayed(DECISION, PLAN, same=False, differences=("'a' went to qa",), note="n", routing=ROUTING), ["a"])
    assert [(route.task_id, route.explanation.level) for route in again.routes] == [("a", routing_pb2.EXPLANATION_LEVEL_FULL)]
    assert (again.replay.same, list(again.replay.differences), again.replay.note) == (False, ["'a' went to qa"], "n")
    assert [task.id for task in again.plan.tasks] == ["a", "b"]


def test_what_is_wrong_with_a_rulebook_goes_out_by_line() -> None:
    """Mistakes with their key; rules that do nothing with a witness."""
    mistaken = linted_to_proto(check_text('colour = 3\n[[rules]]\nid = "a"\neffect = "deny"\nexplanation = ""\n[end]\n'))
    assert (mistaken.valid, mistaken.version) == (False, "")
    assert [finding.kind for finding in mistaken.findings] == [policy.RULEBOOK_FINDING_KIND_MISTAKE] * 2
    lines = [finding.line for finding in mistaken.findings]
    assert lines == sorted(lines) == [1, 5]
    assert mistaken.findings[1].message.startswith("rules[0].explanation: ")
    twice = '[[rules]]\nid = "{}"\neffect = "deny"\nwhen = "task.difficulty > 0.5"\nexplanation = "x"\n'
    shadowed = linted_to_proto(check_text(twice.format("a") + twice.format("b") + "[end]\n"))
    assert shadowed.valid
    assert shadowed.version.startswith("rulebook_")
    assert {finding.kind for finding in shadowed.findings} == {policy.RULEBOOK_FINDING_KIND_SHADOWED}
    assert set(shadowed.findings[0].rule_ids) == {"a", "b"}


def test_a_preview_and_a_change_go_out_whole() -> None:
    """Nobody is an absent target."""
    change = DecisionChange("dec_1", "plan_1", "a", BUILD, None, ("hard",), "because of hard")
    message = preview_to_proto(Preview("rulebook_b", 5, 1, (change,), ("dec_0",), "more"), "token")
    assert (message.version, message.decision_count, message.changed_count, message.next_page_token) == ("rulebook_b", 5, 1, "token")
    assert list(message.skipped_decision_ids) == ["dec_0"]
    assert (message.changes[0].before.id, message.changes[0].HasField("after")) == ("build", False)
    assert list(message.changes[0].rule_ids) == ["hard"]
    entry = change_to_proto(RulebookChange(3, 1_700_000_000.0, "acme/ann", "rulebook_a", "rulebook_b", "why", roll_back=True))
    assert entry == policy.RulebookChange(
        sequence=3, time=entry.time, actor="acme/ann", from_version="rulebook_a", to_version="rulebook_b", cause="why", roll_back=True
    )
    assert entry.time.seconds == 1_700_000_000


@pytest.mark.parametrize(
    ("told", "event"),
    [
        ({"done": {"task_id": "a", "outputs": {"n": 3, "deep": {"x": [1, 2.5, None, True, "3"]}}}},
         TaskDone("a", {"n": 3, "deep": {"x": [1, 2.5, None, True, "3"]}})),
        ({"failed": {"task_id": "a", "error": "broken"}}, TaskFailed("a", "broken")),
        ({"information": {"facts": {"open": True}, "task_ids": ["a"], "text": "t"}}, Information({"open": True}, ("a",), "t")),
        ({"pause": {}}, Pause()),
        ({"resume": {}}, Resume()),
        ({"cancel": {}}, Cancel()),
        ({"approve": {"task_id": "a", "refused": True, "comment": "too dear"}}, Approve("a", "ann", refused=True, comment="too dear")),
        ({"budget": {"tokens": "5"}}, ChangeBudget(RunBudget(tokens=5))),
        ({"dispatch": {}}, StartDispatch(5, "00-trace")),
        ({"dispatch": {"priority": 0}}, StartDispatch(0, "00-trace")),
        ({"edit": {"edits": [
            {"add_task": {"id": "a", "goal": "g", "kind": 1, "depth": 1}}, {"change_task": {"id": "a", "goal": "h", "kind": 1, "depth": 1}},
            {"remove_task_id": "b"}, {"add_edge": {"from_task_id": "a", "to_task_id": "c", "kind": 2}},
            {"remove_edge": {"from_task_id": "c", "to_task_id": "d"}}]}},
         UserEdit((AddTaskEdit(Task("a", "g")), ChangeTaskEdit(Task("a", "h")), RemoveTaskEdit("b"), AddEdgeEdit(Edge("a", "c")),
                   RemoveEdgeEdit("c", "d")))),
    ],
)  # fmt: skip
def test_every_event_arrives_as_it_was_told(told: dict[str, object], event: PlanEvent | RunEvent) -> None:
    """Whole numbers as such, for guards compare with them."""
    message = json_format.ParseDict(told, update_pb2.UpdatePlanRequest(plan_id="p"))
    assert event_from_proto(message, actor="ann", traceparent="00-trace") == event


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (update_pb2.UpdatePlanRequest(plan_id="p"), "event"),
        (update_pb2.UpdatePlanRequest(edit={"edits": [{"remove_task_id": "a"}, {}]}), "edit.edits[1]"),
    ],
)  # fmt: skip
def test_an_event_that_says_nothing_is_refused_with_its_place(request_: update_pb2.UpdatePlanRequest, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        event_from_proto(request_, actor="ann")
    assert caught.value.facts == {"field": field}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_refused_with_its_field(number: float) -> None:
    done, information = update_pb2.UpdatePlanRequest(), update_pb2.UpdatePlanRequest()
    done.done.outputs["x"] = number
    information.information.facts.get_or_create_list("x").append(number)
    for request, field in ((done, "done.outputs"), (information, "information.facts")):
        with pytest.raises(ValidationError) as caught:
            event_from_proto(request, actor="ann")
        assert caught.value.facts == {"field": field}


def test_a_difference_goes_out_with_whole_tasks_and_edges() -> None:
    failed = Task("a", "mend", state=TaskState.FAILED, error="broken")
    message = diff_to_proto(PlanDiff((Task("a~2", "mend"),), (failed,), ("b",), (Edge("a~2", "c"),), (Edge("a", "c"),)))
    assert [task.id for task in message.added_tasks] == ["a~2"]
    assert [(task.id, task.state, task.error) for task in message.changed_tasks] == [("a", plan_pb2.TASK_STATE_FAILED, "broken")]
    assert list(message.removed_task_ids) == ["b"]
    assert [edge.from_task_id for edge in [*message.added_edges, *message.removed_edges]] == ["a~2", "a"]
    guard = undecided_to_proto(UndecidedGuard("c", "if they agree", "answer"))
    assert guard == update_pb2.UndecidedGuard(task_id="c", text="if they agree", artefact="answer")
