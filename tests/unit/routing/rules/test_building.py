"""The facts of plans, tasks, callers, time and candidates, as rules see them."""

from __future__ import annotations

from genesis_server.model.caller import Caller, Role
from genesis_server.model.catalogue import AgentCard, Artefact, Catalogue, DataClass, Model, Skill, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task, TaskConstraints, TaskKind, TaskOrigin, TaskSource
from genesis_server.model.routing import Fact, RoutingConstraints
from genesis_server.routing.rules.building import candidate_facts, catalogue_candidates, facts_of_call
from genesis_server.routing.rules.facts import CANDIDATE_FACTS, FACTS, TASK_FACTS, parse_instant, text_of

NOW = parse_instant("2026-11-21T05:04:03Z")
TASK = Task(
    "t1",
    "Delete the old Accounts",
    capability="build.database",
    inputs=(Artefact("spec", "Spec"), Artefact("note")),
    outputs=(Artefact("log", "text"),),
    difficulty=0.8,
    expected_seconds=60.0,
    constraints=TaskConstraints(("eu", "us"), DataClass.RESTRICTED, Money.of(0.25), 90.0),
    depth=2,
    origin=TaskOrigin(TaskSource.METHOD, "migration"),
)


def test_a_task_with_everything_has_every_fact() -> None:
    constraints = RoutingConstraints(Money.of(2), ("eu",), DataClass.CONFIDENTIAL, 600.0)
    caller = Caller("acme", "bob", frozenset({Role.CLIENT, Role.VIEWER}))
    plan = Plan("Clean UP", (TASK, Task("t0", "all", kind=TaskKind.COMPOUND)))
    facts = facts_of_call(plan, constraints=constraints, caller=caller, now=NOW, live_agents=3).of_tasks([TASK])[0]
    assert {fact.name: fact.value for fact in facts.shown()} == {
        "task.id": "t1",
        "task.goal": "delete the old accounts",
        "task.words": "account, delet, old",
        "task.capability": "build.database",
        "task.kind": "primitive",
        "task.difficulty": "0.8",
        "task.depth": "2",
        "task.data_class": "restricted",
        "task.max_cost": "0.25",
        "task.deadline_seconds": "90",
        "task.expected_seconds": "60",
        "task.regions": "eu",
        "task.inputs": "note, spec",
        "task.outputs": "log",
        "task.input_types": "spec",
        "task.method": "migration",
        "plan.goal": "clean up",
        "plan.task_count": "2",
        "plan.depth": "2",
        "plan.budget": "2",
        "plan.deadline_seconds": "600",
        "plan.regions": "eu",
        "plan.live_agents": "3",
        "plan.data_class": "confidential",
        "caller.tenant": "acme",
        "caller.subject": "bob",
        "caller.roles": "client, viewer",
        "caller.anonymous": "false",
        "time.now": "2026-11-21T05:04:03Z",
        "time.date": "2026-11-21",
        "time.hour": "5",
        "time.weekday": "sat",
    }
    assert list(TASK_FACTS) == [fact.name for fact in facts.shown()]


def test_a_bare_task_lacks_what_nobody_said_and_nothing_that_is_never_missing() -> None:
    facts = facts_of_call(Plan("", ()), constraints=RoutingConstraints(), caller=None, now=NOW).of_tasks(
        [Task("t", "", kind=TaskKind.COMPOUND)]
    )[0]
    missing = {name for name in TASK_FACTS if facts.get(name) is None}
    optional = {name for name, kind in TASK_FACTS.items() if not kind.always}
    assert missing == (optional | {"caller.roles", "task.goal"}) - {"plan.regions"}
    assert facts.get("task.data_class") == "internal"
    assert facts.get("task.difficulty") == 0.5
    assert facts.get("task.kind") == "compound"
    assert facts.fact("task.max_cost") == Fact("task.max_cost", "missing")
    assert facts.fact("task.regions") == Fact("task.regions", "none")


def test_a_task_takes_the_calls_regions_and_class_where_it_has_none_of_its_own() -> None:
    constraints = RoutingConstraints(regions=("eu",), data_class=DataClass.PUBLIC)
    facts = facts_of_call(Plan("", ()), constraints=constraints, caller=None, now=NOW).of_tasks([Task("t", "x")])[0]
    assert facts.get("task.regions") == frozenset({"eu"})
    assert facts.get("task.data_class") == "public"


def test_facts_can_be_taken_away_and_replaced() -> None:
    facts = facts_of_call(Plan("", ()), constraints=RoutingConstraints(), caller=None, now=NOW).of_tasks([TASK])[0]
    less = facts.without({"task.id", "time.hour"})
    assert (less.get("task.id"), less.get("time.hour"), less.get("task.depth"), less.now) == (None, None, 2.0, NOW)
    assert facts.replaced({"task.difficulty": 0.1, "task.id": None}).get("task.difficulty") == 0.1
    assert facts.replaced({"task.id": None}).get("task.id") is None


def test_candidates_are_agents_with_skill_and_model_and_tools() -> None:
    model = Model("m1", Money.of(1), Money.of(4), 0.9)
    agent = AgentCard("a", (Skill("s", tags=("x",), expected_seconds=9.0), Skill("t")), models=(model,), region="eu", version="2")
    bare = AgentCard("b", (Skill("s"),))
    tool = Tool("search", cost_per_call=Money.of(0.5))
    found = catalogue_candidates(Catalogue((agent, bare), (tool,)))
    assert [each.get("agent.id") for each in found] == ["a", "a", "b", "search"]
    assert found[0] == candidate_facts(agent, agent.skills[0], model)
    shown = {name: text_of(name, found[0].get(name)) for name in CANDIDATE_FACTS}
    assert shown == {
        "agent.id": "a",
        "agent.kind": "agent",
        "agent.version": "2",
        "agent.region": "eu",
        "agent.max_data_class": "internal",
        "agent.skill": "s",
        "agent.skills": "s, t",
        "agent.tags": "x",
        "agent.has_model": "true",
        "agent.model": "m1",
        "agent.models": "m1",
        "agent.max_concurrent_tasks": "1",
        "agent.input_price": "1",
        "agent.output_price": "4",
        "agent.call_price": "missing",
        "agent.success_prior": "0.9",
        "agent.expected_seconds": "9",
        "agent.live": "false",
    }
    assert found[2].get("agent.has_model") is False
    assert {name for name in CANDIDATE_FACTS if found[3].get(name) is not None} == {
        "agent.id",
        "agent.kind",
        "agent.skill",
        "agent.skills",
        "agent.tags",
        "agent.models",
        "agent.has_model",
        "agent.call_price",
        "agent.expected_seconds",
        "agent.live",
    }
    for each in found:
        assert all(each.get(name) is not None for name, kind in CANDIDATE_FACTS.items() if kind.always)


def test_rules_see_who_is_there() -> None:
    assert candidate_facts(AgentCard("a", (Skill("s"),), live=True)).get("agent.live") is True
    assert candidate_facts(Tool("search")).get("agent.live") is False


def test_every_fact_says_what_it_means() -> None:
    assert all(kind.meaning.endswith(".") and kind.name == name for name, kind in FACTS.items())


def test_tasks_together_have_the_facts_of_each_alone() -> None:
    shared = TaskConstraints(data_class=DataClass.PUBLIC)
    tasks = (TASK, Task("a", "x", constraints=shared), Task("b", "y", constraints=shared), Task("c", "z"))
    call = facts_of_call(Plan("", tasks), constraints=RoutingConstraints(regions=("us",)), caller=None, now=NOW)
    assert call.of_tasks(tasks) == [facts for task in tasks for facts in call.of_tasks([task])]
