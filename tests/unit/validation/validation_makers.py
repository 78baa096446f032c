"""Short ways to make plans, and what networkx thinks of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import AgentCard, Catalogue, Model, Skill, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, Plan, Task, TaskKind
from genesis_server.model.routing import Assignment, Target, TargetKind, TaskRoute, Unassigned, UnassignedReason
from genesis_server.model.validation import Finding, FindingKind, Severity
from genesis_server.validation.graph import PlanGraph, graph_of_plan
from genesis_server.validation.schedule import NANOS_PER_SECOND
from genesis_server.validation.structure import Limits, Structure, judge_structure

DATA = Path(os.environ.get("GENESIS_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data"))


def needs_data(folder: str) -> pytest.MarkDecorator:
    """Skip without an outside data set."""
    return pytest.mark.skipif(not (DATA / folder).is_dir(), reason=f"needs the outside data set {folder}; set GENESIS_DATA to their folder")


def plan_of(tasks: Iterable[Task | str], edges: Iterable[tuple[str, str] | Edge] = (), *, goal: str = "") -> Plan:
    """A plan of tasks (or ids of tasks that say nothing) and edges (or pairs of ids)."""
    return Plan(
        goal=goal,
        tasks=tuple(Task(id=task, goal=f"do {task}") if isinstance(task, str) else task for task in tasks),
        edges=tuple(edge if isinstance(edge, Edge) else Edge(*edge) for edge in edges),
    )


def structure_of(plan: Plan, *, limits: Limits | None = None) -> Structure:
    """The structure of a plan whose tasks take a second unless they say otherwise."""
    graph = graph_of_plan(plan)
    durations = [round(graph.tasks.seconds.get(row, 1.0) * NANOS_PER_SECOND) for row in range(graph.size)]
    return judge_structure(graph, durations=durations, limits=limits or Limits(max_depth=100))


def of_kind(findings: Iterable[Finding], kind: FindingKind) -> list[Finding]:
    """Findings of one kind."""
    return [finding for finding in findings if finding.kind is kind]


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Findings that fail a principle."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


@st.composite
def plans(draw: st.DrawFn, *, nested: bool = True, acyclic: bool = False, largest: int = 7) -> Plan:
    """Small plans with sound references; acyclic ones join earlier tasks to later ones."""
    size = draw(st.integers(1, largest))
    kinds = st.sampled_from([TaskKind.UNSPECIFIED, TaskKind.PRIMITIVE]) if nested else st.just(TaskKind.PRIMITIVE)
    tasks = [
        Task(
            id=f"t{number}",
            goal=f"do {number}",
            kind=draw(kinds),
            expected_seconds=float(draw(st.integers(0, 3))),
            parent_id=draw(st.sampled_from(["", *(f"t{other}" for other in range(number))])) if nested else "",
        )
        for number in range(size)
    ]
    pairs = [(a, b) for a, b in product(range(size), repeat=2) if a < b or not acyclic]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=10)) if pairs else []
    return plan_of(tasks, [(f"t{a}", f"t{b}") for a, b in chosen])


def under(graph: PlanGraph, row: int) -> set[int]:
    """A row and every row under it."""
    found = {row}
    for child in graph.tree.children[row] if not graph.tree.flat else ():
        found |= under(graph, child)
    return found


def leaves(graph: PlanGraph, row: int) -> set[int]:
    """What an edge to or from a row means: every task under it without children, and every primitive one."""
    return {other for other in under(graph, row) if not graph.tree.has_children[other] or other in set(graph.work)}


def expanded(graph: PlanGraph, *, with_self: bool = False) -> nx.DiGraph:
    """Every edge between tasks spelt out, each heading replaced by the tasks under it."""
    found = nx.DiGraph()
    rows = {name: row for row, name in enumerate(graph.tasks.ids)}
    for row in range(graph.size):
        found.add_nodes_from(leaves(graph, row))
    for first, second in zip(graph.edges.from_ids, graph.edges.to_ids, strict=True):
        source, target = rows[first], rows[second]
        if target in under(graph, source) or source in under(graph, target):
            if with_self:
                found.add_edges_from((row, row) for row in leaves(graph, source) & leaves(graph, target))
            continue
        found.add_edges_from(product(leaves(graph, source), leaves(graph, target)))
    return found


SMALL = Model("small", Money.of(1), Money.of(2), 0.6)
LARGE = Model("large", Money.of(10), Money.of(20), 0.9)


def skill(name: str, words: str = "", seconds: float = 60.0) -> Skill:
    """A skill described by some words."""
    return Skill(name, name, words, expected_seconds=seconds)


def index_of(*owners: AgentCard | Tool) -> CatalogueIndex:
    """An index over agents and tools."""
    agents = tuple(owner for owner in owners if isinstance(owner, AgentCard))
    tools = tuple(owner for owner in owners if isinstance(owner, Tool))
    return CatalogueIndex(Catalogue(agents, tools, "test"))


def assigned(
    task_id: str, agent: str, model: str = "", used: str = "", *, cost: float = 0.0, success: float = 0.8, seconds: float = 0.0
) -> TaskRoute:
    """A task given to an agent."""
    target = Target(TargetKind.AGENT, agent, model, used)
    return TaskRoute(task_id, assignment=Assignment(target, 0.5, success, Money.of(cost), seconds, "test"))


def to_tool(task_id: str, tool: str, *, cost: float = 0.0) -> TaskRoute:
    """A task given to a tool."""
    return TaskRoute(task_id, assignment=Assignment(Target(TargetKind.TOOL, tool), 0.5, 0.9, Money.of(cost), 0.0, "test"))


def unassigned(task_id: str, reason: UnassignedReason, message: str = "") -> TaskRoute:
    """A task nobody got."""
    return TaskRoute(task_id, unassigned=Unassigned(reason, message))
