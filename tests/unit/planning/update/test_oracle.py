"""Repairs of small plans against an oracle that enumerates every repair there is.

The oracle knows no graph code of the server: it builds each changed plan from scratch, for every heading above the failure, every tool,
every method, every set of unfinished tasks dropped and every set of steps left out, keeps the sound ones and counts changed tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st
from update_cases import applied, assert_sound, plan

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.catalogue import Artefact, Catalogue, Tool
from genesis_server.model.plan import Plan, Task, TaskKind, TaskOrigin, TaskSource, TaskState
from genesis_server.model.update import Known, TaskFailed
from genesis_server.planning.methods import Intent, Method, MethodLibrary, Step
from genesis_server.planning.update.alternatives import Replan
from genesis_server.planning.update.apply import update

WORDS = ("melt", "forge", "grind", "paint", "cast the bell for the tower")
ARTEFACTS = tuple(Artefact(f"{colour}_ingot", f"{colour}_metal") for colour in ("red", "blue", "green"))
LIVE = {TaskState.PENDING, TaskState.DONE}


@st.composite
def tools(draw: st.DrawFn) -> tuple[Tool, ...]:
    """Tools by verbs of WORDS, several for one verb, with inputs and outputs."""
    found = draw(
        st.lists(
            st.tuples(st.sampled_from(WORDS), st.sets(st.integers(0, 2), max_size=1), st.sets(st.integers(0, 2), max_size=1)),
            min_size=2,
            max_size=6,
        )
    )
    return tuple(
        Tool(
            f"{verb.replace(' ', '_')}_{number}",
            verb,
            inputs=tuple(ARTEFACTS[n] for n in needs - makes),
            outputs=tuple(ARTEFACTS[n] for n in makes),
        )
        for number, (verb, needs, makes) in enumerate(found)
    )


@st.composite
def methods(draw: st.DrawFn, available: tuple[Tool, ...]) -> tuple[Method, ...]:
    """Methods for the word "bell", of tools that are there."""
    found: list[Method] = []
    for number in range(draw(st.integers(0, 2))):
        chosen: list[Tool] = []
        for tool in draw(st.lists(st.sampled_from(available), min_size=1, max_size=3, unique=True)):
            made = {output for other in chosen for output in other.outputs}
            asked = {need for other in chosen for need in other.inputs}
            if made.isdisjoint(tool.outputs) and asked.isdisjoint(tool.outputs):
                chosen.append(tool)
        steps = [
            Step(f"s{place}", "step", tool.name, tool.inputs, tool.outputs, after=(f"s{place - 1}",) if place else ())
            for place, tool in enumerate(chosen)
        ]
        made = {output for step in steps for output in step.outputs}
        needs = sorted({need for step in steps for need in step.inputs} - made, key=lambda one: one.name)
        found.append(Method(f"m{number}", "M", "", (Intent((("bell",),)),), tuple(steps), needs=tuple(needs)))
    return tuple(found)


@st.composite
def small_plans(draw: st.DrawFn) -> tuple[Plan, str, Replan]:
    """A plan of at most 8 tasks on two levels, one that fails, and what there is to repair it from."""
    available = draw(tools())
    library = draw(methods(available))
    tasks: list[Task] = []
    edges: list[tuple[str, str]] = []
    for level in ("", "bell"):
        if level:
            tasks.append(
                Task(
                    "bell", "cast the bell for the tower of the old town hall", kind=TaskKind.COMPOUND, origin=TaskOrigin(TaskSource.CLAUSE)
                )
            )
        names = [f"{level}{number}" for number in range(draw(st.integers(1, 4 if level else 3)))]
        for name in names:
            tool = draw(st.sampled_from(available))
            state = draw(st.sampled_from([TaskState.PENDING, TaskState.PENDING, TaskState.DONE]))
            tasks.append(
                Task(
                    name,
                    tool.description,
                    capability=tool.name,
                    inputs=tool.inputs,
                    outputs=tool.outputs,
                    parent_id=level,
                    state=state,
                    origin=TaskOrigin(TaskSource.CLAUSE),
                )
            )
        level_ids = [*names, "bell"] if not level else names
        if not level:
            level_ids = draw(st.permutations(level_ids))
        pairs = list(combinations(level_ids, 2))
        edges += draw(st.lists(st.sampled_from(pairs), unique=True, max_size=5)) if pairs else []
    work = [task for task in tasks if task.kind is not TaskKind.COMPOUND]
    failing = draw(st.sampled_from(work))
    tasks = [replace(task, state=TaskState.PENDING) if task.id == failing.id else task for task in tasks]
    return plan(tasks, *edges), failing.id, Replan(CatalogueIndex(Catalogue(tools=available)), MethodLibrary(library, "m"))


@dataclass(frozen=True)
class Found:
    """A repair of the oracle: how far up its level is, and how many tasks it changes."""

    height: float
    size: int


class Oracle:
    """Every repair of one failure."""

    def __init__(self, before: Plan, failed: str, replan: Replan) -> None:
        self.before, self.failed, self.replan = before, failed, replan
        self.tasks = {task.id: task for task in before.tasks}
        self.edges = {(edge.from_id, edge.to_id) for edge in before.edges}
        self.tools = {tool.name: tool for tool in replan.index.catalogue.tools}

    def repairs(self) -> Iterator[Found]:
        task = self.tasks[self.failed]
        if any(self._fits(task, tool) for tool in self.tools.values()):
            yield Found(0, 2)
        for method in self.replan.methods.methods if "bell" in task.goal else ():
            made = frozenset(output for step in method.steps for output in step.outputs)
            able = task.capability not in {step.capability for step in method.steps}
            given = {*task.inputs, *method.needs}
            fed = all(self._there(task, step.inputs, given, made) for step in method.steps)
            if able and fed and self._there(task, method.needs, {*task.inputs}) and {*task.outputs} | self._needed({task.id}, task) <= made:
                yield Found(0.5, 2 + len(method.steps))
        if task.parent_id:
            for method in self.replan.methods.methods:
                yield from (Found(1, size) for size in self._by(method))
            heading = self.tasks["bell"]
            bad = {task.capability}
            if any(self._fits(heading, tool, bad=bad) for tool in self.tools.values()):
                dropped = [one for one in self._below() if one.state is TaskState.PENDING and one.id != self.failed]
                yield Found(1.5, 3 + len(dropped))

    def _fits(self, task: Task, tool: Tool, *, bad: frozenset[str] | set[str] = frozenset()) -> bool:
        """Whether a tool can do what a task should have done."""
        if tool.name in {task.capability} | set(bad):
            return False
        score = {match.offer.capability: match.score for match in self.replan.index.match(task.goal)}.get(tool.name, 0.0)
        mine = set(tool.outputs)
        gone = {task.id} if task.kind is not TaskKind.COMPOUND else {one.id for one in self._below()}
        return score >= 0.3 and set(task.outputs) | self._needed(gone, task) <= mine and self._there(task, tool.inputs, {*task.inputs})

    def _below(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.parent_id == "bell"]

    def _there(self, task: Task, inputs: tuple[Artefact, ...], given: set[Artefact], extra: frozenset[Artefact] = frozenset()) -> bool:
        """Whether every input is given, done, made before, or made by no tool at all."""
        before = self._before(task.id)
        made = {
            output
            for other in self.tasks.values()
            if other.id != self.failed and (other.state is TaskState.DONE or other.id in before)
            for output in other.outputs
        }
        producible = {output for tool in self.tools.values() for output in tool.outputs}
        return all(one in made | given | extra or one not in producible for one in inputs)

    def _graph(self) -> nx.DiGraph:
        """What must end before what may start, between work only."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.tasks)
        inside = [task.id for task in self._below()]
        for a, b in self.edges:
            graph.add_edges_from((x, y) for x in ([*inside, a] if a == "bell" else [a]) for y in ([*inside, b] if b == "bell" else [b]))
        return graph

    def waiting(self) -> set[str]:
        """The work that waits for what failed; what is done already waits for nothing and lets nothing wait."""
        open_ = [one for one in self.tasks if self.tasks[one].state is TaskState.PENDING]
        graph = self._graph().subgraph(open_)
        above = {self.tasks[self.failed].parent_id} - {""}
        return set().union(*(nx.descendants(graph, one) for one in {self.failed, *above})) - {"bell"}

    def _before(self, task_id: str) -> set[str]:
        return nx.ancestors(self._graph(), task_id)

    def _needed(self, gone: set[str], task: Task) -> set[Artefact]:
        """What unfinished work behind needs and nobody else makes."""
        behind = nx.descendants(self._graph(), task.id) - gone
        outputs = {output for one in gone if self.tasks[one].state is not TaskState.DONE for output in self.tasks[one].outputs}
        others = {
            output
            for other in self.tasks.values()
            if (other.id not in gone or other.state is TaskState.DONE) and other.state in LIVE and other.id != self.failed
            for output in other.outputs
        }
        waiting = [self.tasks[one] for one in behind if self.tasks[one].state is TaskState.PENDING]
        return {one for other in waiting for one in other.inputs if one in outputs and one not in others}

    def _by(self, method: Method) -> Iterator[int]:
        """Sizes of the sound repairs by a method, over every set of dropped tasks and of steps left out."""
        heading = self.tasks["bell"]
        if self.tasks[self.failed].capability in {step.capability for step in method.steps} or not self._there(
            heading, method.needs, set()
        ):
            return
        needed = self._needed({one.id for one in self._below()}, heading)
        must_go = nx.descendants(self._graph(), self.failed) & {one.id for one in self._below() if one.state is TaskState.PENDING}
        free = [one.id for one in self._below() if one.state is TaskState.PENDING and one.id not in must_go and one.id != self.failed]
        for extra in subsets(free):
            dropped = must_go | set(extra)
            kept = [one for one in self._below() if one.id not in dropped and one.id != self.failed]
            for left_out in subsets([step.id for step in method.steps]):
                steps = [step for step in method.steps if step.id not in left_out]
                if not all(self._served(step, kept) for step in method.steps if step.id in left_out):
                    continue
                made = {output for one in (*kept, *steps) for output in one.outputs}
                if needed <= made and self._inputs_hold(steps, method, kept):
                    yield len(dropped) + len(steps) + 2

    def _served(self, step: Step, kept: list[Task]) -> bool:
        return any(one.capability == step.capability or (step.outputs and set(step.outputs) <= set(one.outputs)) for one in kept)

    def _inputs_hold(self, steps: list[Step], method: Method, kept: list[Task]) -> bool:
        heading = self.tasks["bell"]
        made = frozenset(output for one in (*kept, *steps) for output in one.outputs)
        return all(self._there(heading, step.inputs, set(method.needs), made) for step in steps)


def subsets(items: list[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(items, size) for size in range(len(items) + 1))


@given(small_plans())
@settings(max_examples=400, deadline=None)
def test_a_repair_is_local_and_minimal_and_found_whenever_there_is_one(case: tuple[Plan, str, Replan]) -> None:
    """The repair stays in the smallest level that has one, and no repair in that level changes fewer tasks."""
    before, failed, replan = case
    updated = update(before, TaskFailed(failed, "broken"), known=Known(), replan=replan)
    found = sorted(Oracle(before, failed, replan).repairs(), key=lambda one: (one.height, one.size))
    assert updated.replanned == bool(found), found
    check_invariants(before, updated.plan)
    if not found:
        assert updated.plan.hopeless == (failed,)
        now = {task.id: task.state for task in updated.plan.tasks}
        waits = Oracle(before, failed, replan).waiting()
        assert {one for one, state in now.items() if state is TaskState.CANCELLED and one != "bell"} == waits
        return
    tasks, edges = applied(before, updated.diff)
    assert tasks == {task.id: task for task in updated.plan.tasks}
    assert edges == set(updated.plan.edges)
    states = {
        one.id
        for one in updated.diff.changed_tasks
        if one == replace(before_of(before, one.id), state=one.state) and one.id != failed and one.state is not TaskState.FAILED
    }
    changed = {*(one.id for one in (*updated.diff.added_tasks, *updated.diff.changed_tasks)), *updated.diff.removed_task_ids} - states
    parent = before_of(before, failed).parent_id
    least = found[0]
    assert len(changed) == least.size, (least, changed)
    if least.height < 1:
        assert all(one == failed or one.startswith(f"{failed}~") for one in changed)
    if least.height <= 1 and parent:
        assert all(one == parent or one.startswith(parent) for one in changed)


def before_of(before: Plan, task_id: str) -> Task:
    return next(task for task in before.tasks if task.id == task_id)


def check_invariants(before: Plan, after: Plan) -> None:
    """Sound, finished work as it was, ids unique."""
    assert_sound(after)
    now = {task.id: task for task in after.tasks}
    assert all(now[task.id] == task for task in before.tasks if task.state.ended)
