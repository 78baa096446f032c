"""Local repair: the part of a plan that a failure touches is made anew, the rest stays.

What failed stays in the plan as it ended. For the task that failed, then for each heading above it, these are tried:

1. another entry of the catalogue that puts out the same takes the task's place, as a new task `<id>~2`;
2. for work: a method for its words takes its place, as a new heading `<id>~2`;
   for a heading: the level below it is made anew by another method. What failed there, and what waits for that, is dropped; what is done
   and what does not depend on it stays, and serves the new steps.

A change is taken when the graph stays acyclic, somebody can do every new task, every new input is there, what others need of the dropped
tasks is still produced, and the limits hold. Of the methods that do, the one that changes the fewest tasks is taken; of the entries, the
one that answers best. When a level has no repair, the level above it is the one to repair ("repair" in the notes of HTDAG,
arXiv 2502.07056). Finished tasks never change. The same work by somebody else keeps its approval; what takes the place of work that
needed one in any other way is to be approved anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from genesis_server.agents.index import Match
from genesis_server.model.catalogue import Artefact
from genesis_server.model.plan import (
    MAX_NEW_TASKS_PER_UPDATE,
    MAX_TASKS_PER_PLAN,
    MAX_UPDATES_PER_PLAN,
    Edge,
    EdgeKind,
    EdgeOrigin,
    EdgeSource,
    Task,
    TaskKind,
    TaskOrigin,
    TaskSource,
    TaskState,
)
from genesis_server.planning.dag import LifetimeError, TaskGraph, TaskGraphError
from genesis_server.planning.dataflow import Supply, feeds
from genesis_server.planning.expansion import capabilities, expand
from genesis_server.planning.methods import MethodMatch
from genesis_server.planning.order import CycleError
from genesis_server.planning.tokens import without_quotes
from genesis_server.planning.update.alternatives import Replan, other_methods, substitutes
from genesis_server.planning.update.approval import any_asks, approved_as
from genesis_server.planning.update.ids import next_id
from genesis_server.planning.update.level import remake
from genesis_server.planning.update.refusals import limit_in_words, update_limit
from genesis_server.planning.update.supply import ahead, at_hand, behind, duties, line_above, serves, work_in
from genesis_server.planning.update.waits import circle

Attempt = Callable[[], str]
"""Makes a repair and says what was done, or raises because it does not do."""


class _BackError(Exception):
    """Takes a trial back."""


class UnfitError(Exception):
    """A repair that does not do; the next one is tried."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of a failure."""

    note: str
    """One sentence."""
    replanned: bool
    """Whether something was put in its place."""
    hopeless: bool = False
    """Whether it is needed and nothing can take its place."""


def repair(
    graph: TaskGraph,
    failed_id: str,
    *,
    facts: Sequence[str],
    replan: Replan,
    may_replan: bool = True,
    is_refused: bool = False,
    lost: Collection[str] = (),
) -> Repaired:
    """Repair the plan around a task whose state is FAILED, or around a heading whose level failed as it is.

    It is hopeless, too, when only a repair beyond the limits would do; the note says which limit.

    Args:
        graph: the plan.
        failed_id: the task.
        facts: names of what is known.
        replan: what to repair from.
        may_replan: whether the plan may be re-planned once more.
        is_refused: whether the work itself was refused, so that the same work by somebody else is no repair.
        lost: headings that will not be done whatever happens; neither they nor what is above them is repaired.
    """
    failed = graph.task(failed_id)
    needed_by_others = duties(graph, [failed_id], facts)
    if failed.origin is not None and failed.origin.source is TaskSource.CATALOGUE and not needed_by_others:
        return Repaired("nobody needs what it would have produced", replanned=False)
    work = _Repair(graph, facts, replan)
    for group in work.attempts(failed_id, same_work=not is_refused, lost=lost):
        if (attempt := work.best_of(group)) is None:
            continue
        if may_replan:
            return Repaired(attempt(), replanned=True)
        work.limit = "updates", MAX_UPDATES_PER_PLAN
        break
    if work.limit is not None:
        return Repaired(f"it is not repaired, for {limit_in_words(*work.limit)}", replanned=False, hopeless=True)
    return Repaired("nobody else can do it, and no other method fits", replanned=False, hopeless=True)


def reword(graph: TaskGraph, heading_id: str, text: str, *, facts: Sequence[str], replan: Replan) -> None:
    """Give a heading new words: what is left below it follows the first method that fits them, or stays when none does.

    Raises DecompositionError UPDATE_LIMIT when the only methods that fit are larger than the limits allow.
    """
    work = _Repair(graph, facts, replan)
    for match in replan.methods.match(without_quotes(text)):
        available = capabilities(match.method, replan.index)
        attempt = work.best_of([partial(work.by_words, heading_id, text, match, available)]) if available is not None else None
        if attempt is not None:
            attempt()
            return
    if work.limit is not None:
        raise update_limit(*work.limit)
    old = graph.task(heading_id)
    graph.replace_task(approved_as(replace(old, goal=text), old))


class _Repair:
    """The search for a repair of one graph."""

    def __init__(self, graph: TaskGraph, facts: Sequence[str], replan: Replan) -> None:
        self.limit: tuple[str, int] | None = None
        self._graph = graph
        self._facts = facts
        self._replan = replan
        self._before = frozenset(task.id for task in graph.tasks())
        self._created = graph.created
        self._sound = not circle(graph)
        self._producible = Supply()
        self._producible.add(output for offer in replan.index.offers for output in offer.outputs)

    def attempts(self, failed_id: str, *, same_work: bool, lost: Collection[str] = ()) -> Iterator[Sequence[Attempt]]:
        """The repairs to try, the smallest level first, in groups of one kind; `same_work`: also the same by somebody else."""
        touched = failed_id
        for task_id in line_above(self._graph, failed_id):
            if task_id in lost:
                return
            task = self._graph.task(task_id)
            methods = list(other_methods(self._graph, task, self._replan))
            if task.kind is TaskKind.COMPOUND:
                yield [partial(self._by_method, task_id, touched, *found) for found in methods]
            # Each entry is one new task: the first that does is the smallest change.
            for match in substitutes(self._graph, task, self._replan, same_work=same_work):
                yield [partial(self._by_entry, task_id, match)]
            if task.kind is not TaskKind.COMPOUND:
                yield [partial(self._as_heading, task_id, *found) for found in methods]
            touched = task_id

    def best_of(self, group: Sequence[Attempt]) -> Attempt | None:
        """The repair of a group that changes the fewest tasks, the first of equal ones; None when none does."""
        sizes = [(size, place) for place, attempt in enumerate(group) if (size := self._size(attempt)) is not None]
        return group[min(sizes)[1]] if sizes else None

    def _size(self, attempt: Attempt) -> int | None:
        """How many tasks a repair changes; None when it does not do. The graph is left as it is."""
        before = {task.id: task for task in self._graph.tasks()}
        size = None
        try:
            with self._graph.transaction():
                attempt()
                if self._sound and circle(self._graph):
                    raise UnfitError
                if self._graph.created - self._created > MAX_NEW_TASKS_PER_UPDATE:
                    self.limit = "new_tasks", MAX_NEW_TASKS_PER_UPDATE
                    raise UnfitError
                after = {task.id: task for task in self._graph.tasks()}
                size = sum(before.get(one) != after.get(one) for one in before.keys() | after.keys())
                raise _BackError
        except LifetimeError:
            self.limit = "tasks", MAX_TASKS_PER_PLAN
        except (UnfitError, TaskGraphError, CycleError, _BackError):
            pass
        return size

    def _by_entry(self, task_id: str, match: Match) -> str:
        """Another entry of the catalogue does what a task, or all tasks below a heading, should have done."""
        old, offer = self._graph.task(task_id), match.offer
        # Somebody else with the same capability does the same work; the catalogue knows it in less detail than the task.
        is_same = old.kind is not TaskKind.COMPOUND and offer.capability == self._replan.capability_of(old)
        inputs, outputs = (old.inputs, old.outputs) if is_same else (offer.inputs, offer.outputs)
        self._require(task_id, inputs, given=old.inputs)
        if not serves(outputs, self._owed(old)):
            raise UnfitError
        origin = replace(old.origin or TaskOrigin(TaskSource.CATALOGUE), catalogue_entry=offer.capability, match_score=match.score)
        new = replace(
            old,
            id=next_id(task_id, self._graph),
            kind=TaskKind.PRIMITIVE,
            capability=offer.capability,
            inputs=inputs,
            outputs=outputs,
            expected_seconds=old.expected_seconds if is_same else None,
            origin=origin,
            state=TaskState.PENDING,
            error="",
            needs_approval=any_asks(self._graph.task(one) for one in self._graph.subtree(task_id)),
            approved_by=old.approved_by if is_same else "",
        )
        self._take_over(old, new)
        return f"{new.id} takes its place, by {offer.capability}"

    def _as_heading(self, task_id: str, match: MethodMatch, available: Mapping[str, str]) -> str:
        """A method's steps do what a task should have done."""
        old = self._graph.task(task_id)
        self._require(task_id, match.method.needs, given=old.inputs)
        origin = TaskOrigin(TaskSource.METHOD, match.method.id, old.origin.spans if old.origin else (), match_score=match.score)
        new = replace(
            old,
            id=next_id(task_id, self._graph),
            kind=TaskKind.COMPOUND,
            capability="",
            inputs=match.method.needs,
            expected_seconds=None,
            origin=origin,
            state=TaskState.PENDING,
            error="",
            approved_by="",
        )
        needed = self._owed(old)
        self._take_over(old, new)
        self._remake(new.id, match, available)
        if not serves(_outputs_below(self._graph, new.id), needed):
            raise UnfitError
        return f"{new.id} takes its place, by the method {match.method.id}"

    def _by_method(self, heading_id: str, touched_id: str, match: MethodMatch, available: Mapping[str, str]) -> str:
        """Another method goes on with what is done below a heading."""
        graph = self._graph
        self._require(heading_id, match.method.needs, given=graph.task(heading_id).inputs)
        dropped = graph.children(heading_id) if touched_id == heading_id else [touched_id, *behind(graph, [touched_id])]
        needed = duties(graph, [heading_id], self._facts)
        asks = any_asks(graph.task(one) for child in dropped for one in graph.subtree(child)) or graph.task(heading_id).needs_approval
        if touched_id != heading_id:
            self._give_up(touched_id)
        for child in dropped:
            self._drop(child, heading_id)
        if touched_id != heading_id:
            inside = frozenset(graph.subtree(heading_id))
            _redirect_guards(graph, frozenset([touched_id]), heading_id, except_in=inside)
        old = graph.task(heading_id)
        spans = old.origin.spans if old.origin else ()
        graph.replace_task(replace(old, origin=TaskOrigin(TaskSource.METHOD, match.method.id, spans, match_score=match.score)))
        self._remake(heading_id, match, available, asks=asks)
        if not serves(_outputs_below(graph, heading_id), needed):
            raise UnfitError
        return f"{heading_id} goes on by the method {match.method.id}"

    def by_words(self, heading_id: str, text: str, match: MethodMatch, available: Mapping[str, str]) -> str:
        """A method goes on below a heading in other words; steps that are there already get the words and keep their ids."""
        graph = self._graph
        old = graph.task(heading_id)
        heading = approved_as(replace(old, goal=text), old)
        graph.replace_task(heading)
        if heading.origin is None or heading.origin.method_id != match.method.id:
            return self._by_method(heading_id, heading_id, match, available)
        scratch = TaskGraph(text)
        expand(scratch, Task(heading_id, text, origin=heading.origin), match, available)
        for step in scratch.tasks():
            if step.id in graph and not (there := graph.task(step.id)).state.ended:
                graph.replace_task(approved_as(replace(there, goal=step.goal), there))
        return f"{heading_id} is in other words"

    def _take_over(self, old: Task, new: Task) -> None:
        """Put a task in the place of one that failed: it waits for what that one waited for, what waited for that one waits for it."""
        graph = self._graph
        self._give_up(old.id)
        for child in graph.children(old.id):
            self._drop(child, new.id)
        graph.add_task(new, old.parent_id)
        for edge in graph.before(old.id):
            outputs = [output for task in work_in(graph, [edge.from_id]) for output in task.outputs]
            self._flow(edge.from_id, replace(edge, to_id=new.id), outputs, new.inputs)
        for edge in graph.after(old.id):
            if graph.task(edge.to_id).state.ended:
                continue
            graph.remove_edge(edge.from_id, edge.to_id)
            if edge.artefact in {output.name for output in new.outputs}:
                graph.add_edge(new.id, edge.to_id, edge.kind, edge.artefact, edge.origin)
                continue
            needed = [one for task in work_in(graph, [edge.to_id]) for one in task.inputs]
            self._flow(new.id, edge, new.outputs, needed)

    def _flow(self, from_id: str, edge: Edge, outputs: Sequence[Artefact], needed: Sequence[Artefact]) -> None:
        """Make the later end of an edge wait, for what flows when something does."""
        flow = next((output for output in outputs if any(feeds(output, one) for one in needed)), None)
        if flow is None:
            self._graph.add_edge(from_id, edge.to_id, EdgeKind.ORDER, "", edge.origin)
        else:
            self._graph.add_edge(from_id, edge.to_id, EdgeKind.DATA, flow.name, EdgeOrigin(EdgeSource.ARTEFACT, flow.name))

    def _owed(self, task: Task) -> list[Artefact]:
        """What must be put out in a task's place."""
        # What nobody waits for still tells what the task was about: words alone do not tell paying an invoice from scanning it.
        telling = [output for output in task.outputs if feeds(output, output)]
        return [*telling, *duties(self._graph, [task.id], self._facts)]

    def _give_up(self, task_id: str) -> None:
        """End a heading that the repair goes around."""
        task = self._graph.task(task_id)
        if not task.state.ended:
            self._graph.replace_task(replace(task, state=TaskState.FAILED, error="what it needs cannot be done; see the tasks below it"))

    def _drop(self, task_id: str, heir_id: str) -> None:
        """Take out what has not ended, here and below; a guard on it asks the heir instead."""
        graph = self._graph
        gone = [one for one in graph.subtree(task_id) if not any(graph.task(below).state.ended for below in graph.subtree(one))]
        for one in gone:
            if one in graph:
                graph.remove_task(one)
        _redirect_guards(graph, frozenset(gone), heir_id)

    def _require(self, task_id: str, inputs: Sequence[Artefact], *, given: Sequence[Artefact]) -> None:
        """Raise UnfitError when an input is not there although somebody could produce it; any other is the caller's to give."""
        missing = at_hand(self._graph, task_id, self._facts, given).missing(inputs)
        if len(self._producible.missing(missing)) < len(missing):
            raise UnfitError

    def _remake(self, heading_id: str, match: MethodMatch, available: Mapping[str, str], *, asks: bool = False) -> None:
        """The level of a heading by a method; every input of the new work must be there. `asks`: the new work is to be approved."""
        graph, given = self._graph, [*match.method.needs, *self._graph.task(heading_id).inputs]
        before = {task.id for task in graph.tasks()}
        remake(graph, heading_id, match, available, facts=self._facts, replan=self._replan, taken=self._before)
        for task in graph.tasks():
            if task.id not in before and task.kind is not TaskKind.COMPOUND:
                named = [output for other in work_in(graph, ahead(graph, task.id)) for output in other.outputs]
                self._require(task.id, task.inputs, given=[*given, *named])
                if asks and not task.needs_approval:
                    graph.replace_task(replace(task, needs_approval=True))


def _redirect_guards(graph: TaskGraph, gone: frozenset[str], heir_id: str, *, except_in: frozenset[str] = frozenset()) -> None:
    """Let the guards on tasks that went ask another one."""
    for task in graph.tasks():
        if task.id in except_in or task.state.ended:
            continue
        if any(guard.task_id in gone for guard in task.guards):
            guards = [replace(guard, task_id=heir_id) if guard.task_id in gone else guard for guard in task.guards]
            graph.replace_task(replace(task, guards=tuple(guards)))


def _outputs_below(graph: TaskGraph, heading_id: str) -> list[Artefact]:
    """What the work below a heading puts out or will; what the heading promises proves nothing."""
    lost = {TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED}
    return [output for task in work_in(graph, [heading_id]) if task.state not in lost for output in task.outputs]
