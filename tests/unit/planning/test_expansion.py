"""A method made into tasks."""

from __future__ import annotations

import networkx as nx
import pytest

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact, Catalogue, Tool
from genesis_server.model.plan import EdgeKind, RetryPolicy, Task, TaskKind, TaskOrigin, TaskSource
from genesis_server.planning.dag import LimitError, TaskGraph
from genesis_server.planning.expansion import LONGEST_QUOTE, capabilities, expand, quoted
from genesis_server.planning.methods import Intent, Method, MethodLibrary, MethodMatch, Step

WATER = Artefact("water", "hot")
TEA = Method(
    "make-tea",
    "Make tea",
    "Boil and pour",
    (Intent((("tea",),)),),
    (
        Step(
            "boil",
            "Boil water for {goal} {x}",
            "kitchen.boil",
            outputs=(WATER,),
            acceptance="It bubbles",
            difficulty=0.1,
            expected_seconds=60,
        ),
        Step(
            "serve",
            "Serve it",
            steps=(
                Step("pour", "Pour water on leaves", "kitchen.pour", inputs=(WATER, Artefact("leaves")), outputs=(Artefact("tea"),)),
                Step("sweeten", "Sweeten", "kitchen.sugar", inputs=(Artefact("tea"),), after=("pour",)),
            ),
        ),
        Step("tidy", "Tidy up", "kitchen.clean", after=("serve",), needs_approval=True, timeout_seconds=20.0, max_attempts=7),
    ),
    needs=(Artefact("leaves"),),
)
ALL = {step.capability: step.capability for step in TEA.leaves()}


def _expand(graph: TaskGraph, goal: str = "a cup of tea") -> Task:
    heading = Task(id="tea", goal=goal, origin=TaskOrigin(TaskSource.METHOD, method_id="make-tea"))
    return expand(graph, heading, MethodMatch(TEA, 0.5), ALL)


def test_a_step_hands_on_whether_it_is_approved_how_long_and_how_often_it_is_tried() -> None:
    graph = TaskGraph("a cup of tea")
    _expand(graph)
    tidy, boil = graph.task("tea.tidy"), graph.task("tea.boil")
    assert (tidy.needs_approval, tidy.timeout_seconds, tidy.retry) == (True, 20.0, RetryPolicy(max_attempts=7))
    assert (boil.needs_approval, boil.timeout_seconds, boil.retry, boil.approved_by) == (False, None, RetryPolicy(), "")


def test_steps_stand_below_a_heading_with_their_facts() -> None:
    graph = TaskGraph("a cup of tea")
    top = _expand(graph)
    tasks = {task.id: task for task in graph.freeze().tasks}
    assert list(tasks) == ["tea", "tea.boil", "tea.serve", "tea.serve.pour", "tea.serve.sweeten", "tea.tidy"]
    assert (top.kind, top.inputs, top.outputs) == (TaskKind.COMPOUND, TEA.needs, ())
    boil = tasks["tea.boil"]
    assert boil.goal == "Boil water for a cup of tea {x}"
    assert (boil.capability, boil.acceptance, boil.difficulty, boil.expected_seconds) == ("kitchen.boil", "It bubbles", 0.1, 60)
    assert boil.origin is not None
    assert (boil.origin.source, boil.origin.method_id, boil.origin.catalogue_entry) == (TaskSource.METHOD, "make-tea", "kitchen.boil")
    serve = tasks["tea.serve"]
    assert (serve.kind, serve.inputs, serve.outputs) == (TaskKind.COMPOUND, (WATER, Artefact("leaves")), (Artefact("tea"),))


def test_artefacts_and_stated_order_become_edges_between_siblings() -> None:
    graph = TaskGraph("a cup of tea")
    _expand(graph)
    edges = {(edge.from_id, edge.to_id): (edge.kind, edge.artefact) for edge in graph.freeze().edges}
    assert edges == {
        ("tea.boil", "tea.serve"): (EdgeKind.DATA, "water"),
        ("tea.serve", "tea.tidy"): (EdgeKind.ORDER, ""),
        ("tea.serve.pour", "tea.serve.sweeten"): (EdgeKind.DATA, "tea"),
    }


def test_an_expansion_that_does_not_fit_adds_nothing() -> None:
    graph = TaskGraph("a cup of tea", max_tasks=5)
    before = graph.freeze()
    with pytest.raises(LimitError):
        _expand(graph)
    assert graph.freeze() == before


def test_a_long_goal_is_quoted_in_short() -> None:
    assert quoted("one\n two") == "one two"
    short = quoted("word " * 200)
    assert len(short) <= LONGEST_QUOTE + 1
    assert short.endswith("word…")


def test_a_capability_of_the_same_id_is_taken() -> None:
    tools = tuple(Tool(name) for name in ALL)
    assert capabilities(TEA, CatalogueIndex(Catalogue(tools=tools))) == ALL


def test_an_entry_that_answers_a_step_takes_its_place() -> None:
    tools = (
        Tool("boiler", "Boil water"),
        Tool("pourer", "Pour water on leaves"),
        Tool("sweetener", "Sweeten with sugar"),
        Tool("cleaner", "Tidy and clean the kitchen"),
    )
    found = capabilities(TEA, CatalogueIndex(Catalogue(tools=tools)))
    assert found == {"kitchen.boil": "boiler", "kitchen.pour": "pourer", "kitchen.sugar": "sweetener", "kitchen.clean": "cleaner"}


def test_a_method_with_a_step_nobody_can_do_is_not_used() -> None:
    tools = (Tool("kitchen.boil"), Tool("kitchen.pour"), Tool("kitchen.sugar"))
    assert capabilities(TEA, CatalogueIndex(Catalogue(tools=(*tools, Tool("paint", "Paints walls"))))) is None


def test_every_method_that_ships_becomes_a_valid_plan(methods: MethodLibrary, shipped_index: CatalogueIndex) -> None:
    for method in methods.methods:
        available = capabilities(method, shipped_index)
        assert available is not None
        graph = TaskGraph("goal")
        expand(graph, Task(id="m", goal="goal", origin=TaskOrigin(TaskSource.METHOD)), MethodMatch(method, 1.0), available)
        plan = graph.freeze()
        order = nx.DiGraph([(edge.from_id, edge.to_id) for edge in plan.edges])
        assert nx.is_directed_acyclic_graph(order), method.id
        siblings = [task.id for task in plan.tasks if task.depth == 2]
        assert nx.number_weakly_connected_components(order.subgraph(siblings)) == 1, method.id
        assert set(siblings) <= set(order), method.id
