"""Load and sticky keys among candidates that are about as good."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from routing_cases import agent, chosen, index_of, model, side_by_side

from genesis_server.model.catalogue import Tool
from genesis_server.model.plan import Plan, Task
from genesis_server.model.routing import RoutingConstraints
from genesis_server.routing.balance import Workload
from genesis_server.routing.policy import default_policy
from genesis_server.routing.pool import pool_of
from genesis_server.routing.router import route_plan
from genesis_server.routing.rules.rulebook import EMPTY_RULEBOOK

DO = Task("t", "do it", capability="do")


def _many(count: int) -> Plan:
    return side_by_side(*[replace(DO, id=f"t{number}") for number in range(count)])


def _chosen(plan: Plan, *agents: str, **keys: object) -> list[str]:
    index = index_of(*[agent(name) for name in agents])
    return [name.partition("/")[0] for name in chosen(route_plan(plan, index=index, rulebook=EMPTY_RULEBOOK, **keys))]  # type: ignore[arg-type]


@given(st.integers(2, 12), st.integers(0, 2**63))
@settings(max_examples=60)
def test_tasks_are_spread_evenly_over_equal_agents(count: int, seed: int) -> None:
    """Nobody gets much more than an even share; one drawn at random instead of the less loaded of two would be far off."""
    names = [f"agent{number}" for number in range(count)]
    shares = Counter(_chosen(_many(30 * count), *names, seed=seed))
    assert max(shares.values()) <= 30 + 6
    assert min(shares.get(name, 0) for name in names) >= 30 - 12


def test_tasks_in_flight_count() -> None:
    """Who is already at work is passed over for somebody as good; an agent with more slots may have more of it."""
    assert _chosen(side_by_side(DO), "a", "b", load={"a": 1}) == ["b"]
    assert _chosen(side_by_side(DO), "a", "b", load={"a": 1, "b": 2}) == ["a"]
    roomy = index_of(agent("a", max_concurrent_tasks=4), agent("b"))
    routing = route_plan(side_by_side(DO), index=roomy, rulebook=EMPTY_RULEBOOK, load={"a": 2, "b": 1})
    assert chosen(routing) == ["a/"]
    (route,) = routing.routes
    assert route.assignment
    assert route.assignment.reason.startswith("Chosen because it has less to do than b, which is about as good (0.5 to 1 tasks a slot): ")
    assert route.explanation
    assert route.explanation.load
    assert route.explanation.load.text == (
        "of the two that are about as good a has 0.5 tasks for each slot and b has 1 tasks for each slot: a, which has less"
    )


def test_load_never_beats_a_clearly_better_score() -> None:
    """A busy good agent keeps the task; only those about as good share the work."""
    index = index_of(agent("good", model("m", 1, 0.95)), agent("poor", model("m", 1, 0.6)))
    routing = route_plan(side_by_side(DO), index=index, rulebook=EMPTY_RULEBOOK, load={"good": 50})
    assert chosen(routing) == ["good/m"]
    assert routing.routes[0].explanation
    assert routing.routes[0].explanation.load is None


def test_models_of_one_agent_do_not_compete_for_its_load() -> None:
    """An agent counts once among those that are about as good, with its best model."""
    index = index_of(agent("a", model("m", 1, 0.9), model("n", 1, 0.901)), agent("b", model("m", 1, 0.9)))
    (route,) = route_plan(side_by_side(DO), index=index, rulebook=EMPTY_RULEBOOK).routes
    assert route.explanation
    assert route.explanation.load
    assert [(target.id, target.model_id) for target in route.explanation.load.near_best] == [("a", "n"), ("b", "m")]


def test_a_tool_is_never_busy() -> None:
    """A plain function as good as an agent gets the second task too."""
    index = index_of(Tool("do"), Tool("other"))
    assert chosen(route_plan(_many(3), index=index, rulebook=EMPTY_RULEBOOK, load={"do": 9})) == ["do/"] * 3


def test_a_sticky_key_names_the_same_agent_whatever_the_load() -> None:
    """A customer's tasks stay with one agent, and other customers with others."""
    names = [f"agent{number}" for number in range(8)]
    limits = [RoutingConstraints(sticky_key=f"customer {number}") for number in range(40)]
    homes = [_chosen(_many(3), *names, constraints=limit, load={"agent1": 5}) for limit in limits]
    assert all(len(set(home)) == 1 for home in homes)
    assert len({home[0] for home in homes}) >= 6
    (route,) = route_plan(side_by_side(DO), index=index_of(agent("a"), agent("b")), constraints=limits[0], rulebook=EMPTY_RULEBOOK).routes
    assert route.explanation
    assert route.explanation.load
    assert len(route.explanation.load.compared) == 1
    assert "the sticky key names" in route.explanation.load.text
    assert route.assignment
    assert "named by the sticky key among 2" in route.assignment.reason


@given(st.text(min_size=1, max_size=9), st.integers(2, 9))
@settings(max_examples=60)
def test_a_key_moves_only_when_its_agent_goes(key: str, count: int) -> None:
    """Another agent's going leaves a key where it was."""
    names = [f"agent{number}" for number in range(count)]
    limits = RoutingConstraints(sticky_key=key)
    (home,) = _chosen(side_by_side(DO), *names, constraints=limits)
    for gone in names:
        if gone != home and count > 2:
            assert _chosen(side_by_side(DO), *[name for name in names if name != gone], constraints=limits) == [home]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=30), st.integers(0, 3))
def test_a_workload_remembers_every_load_there_was(given_to: list[tuple[int, int]], in_flight: int) -> None:
    """Of every owner, whatever was given after."""
    pool = pool_of(index_of(*[agent(f"agent{number}", max_concurrent_tasks=number + 1) for number in range(4)]), default_policy())
    workload, seen = Workload(pool, {"agent1": in_flight}), list[tuple[int, int, list[float]]]()
    for level, owner in given_to:
        before = given_to[: len(seen)]
        loads = [(before.count((level, each)) + in_flight * (each == 1)) / (each + 1) for each in range(4)]
        seen.append((level, workload.given_on(level), loads))
        workload.give(level, owner)
    for level, count, loads in seen:
        assert workload.loads(level, count) == loads
        assert [workload.load(level, count, owner) for owner in range(4)] == loads
