"""Who else could do a task, and which other method a heading has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from genesis_server.agents.index import CatalogueIndex, Match
from genesis_server.model.plan import Task, TaskState
from genesis_server.planning.dag import TaskGraph
from genesis_server.planning.expansion import SUBSTITUTE, capabilities
from genesis_server.planning.methods import MethodLibrary, MethodMatch
from genesis_server.planning.tokens import without_quotes
from genesis_server.planning.update.ids import attempts
from genesis_server.planning.update.supply import line_above


@dataclass(frozen=True, slots=True)
class Replan:
    """What a plan is repaired from."""

    index: CatalogueIndex
    methods: MethodLibrary
    targets: Mapping[str, str] = field(default_factory=dict[str, str])
    """Agent or tool each task was given to, by task id, where that is known."""
    capabilities: Mapping[str, str] = field(default_factory=dict[str, str])
    """Capability a task without one was routed by, by task id, where that is known."""
    failed: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Agents that tried a task in vain before or beside its target, by task id."""

    def capability_of(self, task: Task) -> str:
        """What a task asks for, or was routed by."""
        return task.capability or self.capabilities.get(task.id, "")


def substitutes(graph: TaskGraph, task: Task, replan: Replan, *, same_work: bool = True) -> Iterator[Match]:
    """Entries that could do a task which failed, best first: the same capability elsewhere, then others that answer its words.

    Another entry answers from expansion.SUBSTITUTE on. Who failed at it, or at another attempt, is not among them; when nobody knows who
    that was, nobody with the same capability is; nor when the `same_work` would not do.
    """
    tried = [other for other in attempts(task, graph.tasks()) if other.state is TaskState.FAILED or other.id == task.id]
    tried += [graph.task(one) for one in graph.subtree(task.id) if graph.task(one).state is TaskState.FAILED]
    failed_at = {replan.capability_of(other) for other in tried} - {""}
    failed = {replan.targets[other.id] for other in tried if other.id in replan.targets}
    failed.update(*(replan.failed.get(other.id, ()) for other in tried))
    known = all(other.id in replan.targets for other in tried)
    seen: set[str] = set()
    if same_work and known and (capability := replan.capability_of(task)):
        for offer in replan.index.with_capability(capability):
            if offer.target_id not in failed and capability not in seen:
                seen.add(capability)
                yield Match(offer, 1.0)
    for match in replan.index.match(task.goal):
        capability = match.offer.capability
        if match.score >= SUBSTITUTE and capability not in failed_at | seen and match.offer.target_id not in failed:
            seen.add(capability)
            yield match


def other_methods(graph: TaskGraph, task: Task, replan: Replan) -> Iterator[tuple[MethodMatch, Mapping[str, str]]]:
    """Methods for the words of a task whose every step somebody can do, best first, each with the capabilities to take.

    Not among them: the methods the task and the headings above it follow or followed, and those that ask for what failed below it.
    """
    below = [graph.task(one) for one in graph.subtree(task.id)]
    above = [graph.task(one) for one in line_above(graph, task.id)]
    tried = [*below, *above, *attempts(task, graph.tasks())]
    followed = {other.origin.method_id for other in tried if other.origin is not None}
    failed = {replan.capability_of(other) for other in tried if other.state is TaskState.FAILED} - {""}
    for match in replan.methods.match(without_quotes(task.goal)):
        found = capabilities(match.method, replan.index) if match.method.id not in followed else None
        if found is not None and failed.isdisjoint(found.values()):
            yield match, found
