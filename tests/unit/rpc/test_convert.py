"""What goes out comes back the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from genesis.v1 import catalogue_pb2, common_pb2, orchestrator_service_pb2, plan_pb2, routing_pb2
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, DataClass, Model, Skill, Tool
from genesis_server.model.decision import DecisionKind
from genesis_server.model.money import Money
from genesis_server.model.plan import (
    Edge,
    EdgeKind,
    EdgeOrigin,
    EdgeSource,
    Guard,
    GuardOperator,
    Plan,
    PlanCounters,
    PlanState,
    Requirement,
    RequirementKind,
    RetryPolicy,
    Task,
    TaskConstraints,
    TaskKind,
    TaskOrigin,
    TaskSource,
    TaskState,
)
from genesis_server.model.routing import (
    Assignment,
    BudgetSummary,
    Candidate,
    ExplanationLevel,
    NearestMiss,
    RouteExplanation,
    RuleEffect,
    ScoreParts,
    Target,
    TargetKind,
    TaskRoute,
    Unassigned,
    UnassignedReason,
)
from genesis_server.model.span import Span
from genesis_server.model.validation import DropEdge, DropTask, Finding, FindingKind, Principle, Reallocate, Repair, Severity
from genesis_server.model.work import AttemptOutcome, LeaseNoticeKind, WaitingFor
from genesis_server.resilience.errors import ValidationError
from genesis_server.rpc import convert
from genesis_server.rpc.convert.plans import _TASK_READERS
from genesis_server.rpc.convert.values import duration_from_proto, duration_to_proto, money_from_proto, money_to_proto

texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
seconds = st.integers(0, 10**6).map(lambda millis: millis / 1000)
money = st.builds(Money, st.integers(0, 10**15), st.sampled_from(["USD", "EUR"]))
artefacts = st.lists(st.builds(Artefact, names, texts), max_size=2).map(tuple)
spans = st.builds(lambda start, text: Span(start, start + len(text), text), st.integers(0, 99), texts)
shares = st.floats(0, 1)
constraints = st.builds(
    TaskConstraints,
    regions=st.lists(names, max_size=2).map(tuple),
    data_class=st.sampled_from(DataClass),
    max_cost=st.none() | money,
    deadline_seconds=st.none() | seconds,
)
origins = st.builds(TaskOrigin, st.sampled_from(TaskSource), texts, st.lists(spans, max_size=2).map(tuple), texts, shares)
guards = st.builds(Guard, texts, texts, st.sampled_from(GuardOperator), texts, texts, st.none() | spans)
requirements = st.builds(
    Requirement, st.sampled_from(RequirementKind), texts, st.none() | st.floats(allow_nan=False), texts, st.none() | spans
)
# What is not said reads as the beginning: nothing was done yet.
task_states = st.sampled_from([state for state in TaskState if state])
plan_states = st.sampled_from([state for state in PlanState if state])
tasks = st.builds(
    Task,
    id=names,
    goal=texts,
    kind=st.sampled_from(TaskKind),
    capability=texts,
    inputs=artefacts,
    outputs=artefacts,
    acceptance=texts,
    difficulty=st.none() | shares,
    expected_seconds=st.none() | seconds,
    constraints=constraints,
    parent_id=texts,
    depth=st.integers(0, 5),
    origin=st.none() | origins,
    guards=st.lists(guards, max_size=2).map(tuple),
    requirements=st.lists(requirements, max_size=2).map(tuple),
    state=task_states,
    error=texts,
    retry=st.builds(RetryPolicy, st.integers(0, 100), st.integers(0, 100), st.none() | seconds),
    timeout_seconds=st.none() | seconds,
    needs_approval=st.booleans(),
)
edge_origins = st.builds(EdgeOrigin, st.sampled_from(EdgeSource), texts, st.none() | spans)
edges = st.builds(Edge, names, names, st.sampled_from(EdgeKind), texts, st.none() | edge_origins)
plans = st.builds(
    Plan,
    goal=texts,
    tasks=st.lists(tasks, max_size=3).map(tuple),
    edges=st.lists(edges, max_size=3).map(tuple),
    id=texts,
    version=st.integers(0, 10),
    create_time=seconds,
    counters=st.builds(PlanCounters, st.integers(0, 1000), st.integers(0, 10)),
    state=plan_states,
)
skills = st.builds(
    Skill,
    id=names,
    name=texts,
    description=texts,
    tags=st.lists(texts, max_size=2).map(tuple),
    examples=st.lists(texts, max_size=2).map(tuple),
    inputs=artefacts,
    outputs=artefacts,
    expected_seconds=seconds,
)
cards = st.builds(
    AgentCard,
    id=names,
    skills=st.lists(skills, max_size=2, unique_by=lambda skill: skill.id).map(tuple),
    name=names,
    description=texts,
    version=texts,
    models=st.lists(st.builds(Model, names, money, money, st.floats(0.01, 1)), max_size=2, unique_by=lambda model: model.id).map(tuple),
    max_concurrent_tasks=st.integers(1, 9),
    region=texts,
    max_data_class=st.sampled_from([item for item in DataClass if item]),
)
tools = st.builds(
    Tool,
    name=names,
    description=texts,
    examples=st.lists(texts, max_size=2).map(tuple),
    inputs=artefacts,
    outputs=artefacts,
    cost_per_call=money,
    expected_seconds=seconds,
)


@given(plans)
def test_a_plan_survives_the_round_trip(plan: Plan) -> None:
    assert convert.plan_from_proto(convert.plan_to_proto(plan)) == plan


def test_who_approved_a_task_goes_out_and_is_not_for_callers_to_say() -> None:
    out = convert.plan_to_proto(Plan("g", (Task("a", "g", needs_approval=True, approved_by="ann"),)))
    assert out.tasks[0].approved_by == "ann"
    assert convert.plan_from_proto(out).tasks == (Task("a", "g", needs_approval=True),)


def test_every_field_of_a_task_is_read_or_is_not_for_callers_to_say() -> None:
    """A field that the contract gets is passed over until somebody decides that callers may say it."""
    assert set(plan_pb2.Task.DESCRIPTOR.fields_by_name) == {*_TASK_READERS, "approved_by"}


def test_a_plan_that_says_no_state_has_not_begun() -> None:
    """And a source of a later version of the contract is one that is not known."""
    message = plan_pb2.Plan(goal="g", tasks=[plan_pb2.Task(id="a")])
    message.tasks[0].origin.source = 99
    message.edges.add(from_task_id="a", to_task_id="b").origin.source = 99
    plan = convert.plan_from_proto(message)
    assert (plan.state, plan.tasks[0].state) == (PlanState.ACTIVE, TaskState.PENDING)
    assert plan.tasks[0].origin == TaskOrigin(TaskSource.UNSPECIFIED)
    assert plan.edges[0].origin == EdgeOrigin(EdgeSource.UNSPECIFIED)


@given(st.lists(cards, max_size=2, unique_by=lambda card: card.id), st.lists(tools, max_size=2, unique_by=lambda tool: tool.name))
def test_a_catalogue_survives_the_round_trip(agents: list[AgentCard], some_tools: list[Tool]) -> None:
    catalogue = Catalogue(tuple(agents), tuple(some_tools), "s1")
    assert convert.catalogue_from_proto(convert.catalogue_to_proto(catalogue), snapshot_id="s1") == catalogue


@given(money)
def test_money_survives_the_round_trip(amount: Money) -> None:
    assert money_from_proto(common_pb2.Money(**money_to_proto(amount))) == amount


@given(seconds)
def test_a_duration_survives_the_round_trip(duration: float) -> None:
    assert duration_from_proto(Duration(**duration_to_proto(duration))) == pytest.approx(duration, abs=1e-9)


def test_every_id_that_stands_twice_is_named() -> None:
    skill = catalogue_pb2.Skill(id="s")
    agent = catalogue_pb2.AgentCard(id="a", skills=[skill, skill], models=[catalogue_pb2.Model(id="m")] * 2)
    message = catalogue_pb2.Catalogue(agents=[agent, agent], tools=[catalogue_pb2.Tool(name="t")] * 2)
    with pytest.raises(ValidationError) as caught:
        convert.catalogue_from_proto(message, snapshot_id="")
    assert [violation.field for violation in caught.value.violations] == [
        "catalogue.agents[1].id",
        "catalogue.tools[1].name",
        "catalogue.agents[0].skills[1].id",
        "catalogue.agents[0].models[1].id",
        "catalogue.agents[1].skills[1].id",
        "catalogue.agents[1].models[1].id",
    ]


TARGET = Target(TargetKind.AGENT, "build", "small-1", "code.fix")
ASSIGNMENT = Assignment(TARGET, 0.5, 0.75, Money(12), 60.0, "because")
CANDIDATE = Candidate(TARGET, 0.5, ScoreParts(0.1, 0.2, 0.3, 0.4), Money(12), (UnassignedReason.REGION,), "in the wrong region")


def _sent(*routes: TaskRoute) -> list[routing_pb2.TaskRoute]:
    answer = orchestrator_service_pb2.RouteResponse()
    convert.write_routes(routes, answer.routes)
    return list(answer.routes)


def test_what_is_nothing_is_said_all_the_same() -> None:
    """Costs of nothing, parts of a score that are all 0 and durations of no time are there, as any other."""
    free = replace(ASSIGNMENT, expected_cost=Money(), expected_seconds=0.0)
    worst = Candidate(TARGET, 0.0, ScoreParts(0.0, 0.0, 0.0, 0.0), Money())
    (route,) = _sent(TaskRoute("t", assignment=free, explanation=RouteExplanation(ExplanationLevel.SUMMARY, (worst,), "", "", 0, 0)))
    assert all(route.assignment.HasField(name) for name in ("target", "expected_cost", "expected_duration"))
    (candidate,) = route.explanation.candidates
    assert all(candidate.HasField(name) for name in ("target", "parts", "expected_cost"))


def test_a_route_goes_out_with_its_proof_and_comes_back_without() -> None:
    explanation = RouteExplanation(ExplanationLevel.FULL, (CANDIDATE,), "skill match +0.2", "by id", 1, 2)
    assigned = TaskRoute("t1", assignment=ASSIGNMENT, explanation=explanation)
    miss = NearestMiss(TARGET, (UnassignedReason.REGION, UnassignedReason.BUDGET), "a region")
    unassigned = TaskRoute("t2", unassigned=Unassigned(UnassignedReason.REGION, "nobody", miss))
    out = _sent(assigned, unassigned)
    assert out[0].explanation.candidates[0].detail == "in the wrong region"
    assert out[0].explanation.decisive_difference == "skill match +0.2"
    assert list(out[1].unassigned.nearest_miss.failed) == [routing_pb2.UNASSIGNED_REASON_REGION, routing_pb2.UNASSIGNED_REASON_BUDGET]
    back = convert.routes_from_proto(out)
    assert back == (replace(assigned, explanation=None), TaskRoute("t2", unassigned=Unassigned(UnassignedReason.REGION, "nobody")))


def test_a_route_that_says_nothing_is_refused_with_its_place() -> None:
    (assigned,) = _sent(TaskRoute("t1", assignment=ASSIGNMENT))
    with pytest.raises(ValidationError) as caught:
        convert.routes_from_proto([assigned, routing_pb2.TaskRoute(task_id="t2")])
    assert caught.value.facts == {"field": "routes[1]"}


def test_limits_that_are_not_set_are_none() -> None:
    read = convert.constraints_from_proto(routing_pb2.RoutingConstraints(excluded_targets=["a"]))
    assert read.budget is None
    assert read.deadline_seconds is None
    assert read.excluded_targets == frozenset({"a"})


@pytest.mark.parametrize(
    ("fix", "field"),
    [(Reallocate("t1", TARGET), "reallocate"), (DropTask("t1"), "drop_task"), (DropEdge(Edge("a", "b", EdgeKind.DATA, "x")), "drop_edge")],
)
def test_a_repair_names_its_fix(fix: Reallocate | DropTask | DropEdge, field: str) -> None:
    finding = Finding(FindingKind.REPEATED_TASK, Principle.NON_REDUNDANCY, Severity.WARNING, "again", (Span(0, 1, "a"),), ("t1",), fix)
    message = convert.repair_to_proto(Repair(2, finding, fix))
    assert message.round == 2
    assert message.fix.WhichOneof("action") == message.finding.fix.WhichOneof("action") == field


def test_the_money_of_a_routing_says_whether_there_was_a_limit() -> None:
    assert not convert.budget_to_proto(BudgetSummary(Money(1), Money(1), None, met=True)).HasField("limit")
    assert convert.budget_to_proto(BudgetSummary(Money(1), Money(1), Money(2), met=True)).limit.nanos == 2


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (FindingKind, "genesis.v1.FindingKind"),
        (Principle, "genesis.v1.Principle"),
        (Severity, "genesis.v1.Severity"),
        (TaskKind, "genesis.v1.TaskKind"),
        (TaskSource, "genesis.v1.TaskSource"),
        (EdgeKind, "genesis.v1.EdgeKind"),
        (DataClass, "genesis.v1.DataClass"),
        (UnassignedReason, "genesis.v1.UnassignedReason"),
        (ExplanationLevel, "genesis.v1.ExplanationLevel"),
        (TargetKind, "genesis.v1.TargetKind"),
        (RuleEffect, "genesis.v1.RuleEffect"),
        (GuardOperator, "genesis.v1.GuardOperator"),
        (RequirementKind, "genesis.v1.RequirementKind"),
        (EdgeSource, "genesis.v1.EdgeSource"),
        (TaskState, "genesis.v1.TaskState"),
        (PlanState, "genesis.v1.PlanState"),
        (DecisionKind, "genesis.v1.DecisionKind"),
        (AttemptOutcome, "genesis.v1.AttemptOutcome"),
        (WaitingFor, "genesis.v1.WaitingFor"),
        (LeaseNoticeKind, "genesis.v1.LeaseNoticeKind"),
    ],
)
def test_the_domain_counts_its_enums_as_the_contract_does(ours: type, theirs: str) -> None:
    from google.protobuf import descriptor_pool

    import genesis.v1.agent_service_pb2
    import genesis.v1.orchestrator_service_pb2

    assert genesis.v1.agent_service_pb2
    assert genesis.v1.orchestrator_service_pb2
    contract = descriptor_pool.Default().FindEnumTypeByName(theirs)
    prefix = "".join("_" + char if char.isupper() else char.upper() for char in contract.name).lstrip("_") + "_"
    assert {item.name: item.value for item in ours} == {value.name.removeprefix(prefix): value.number for value in contract.values}  # type: ignore[attr-defined]
