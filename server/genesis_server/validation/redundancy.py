"""Does a task repeat another, or do work nobody needs?

The non-redundancy principle of Agent-Oriented Planning (arXiv 2410.02189), without a language model. Everything here may be meant, so
it is a warning.

- Two tasks repeat each other literally when goal (without regard to case and spacing), capability and inputs are the same, in other
  words when other_words.py says so. A literal repeat comes with a fix where dropping it changes nothing else, one in other words with
  the two made into one.
- A task is subsumed when all it puts out another task of the same capability puts out too, and more.
- An output is unused when no task takes it, no other task comes after the one that makes it, and that task says nothing of the goal.

Literal repeats and outputs are found by hash tables; above `MAX_TASKS_FOR_NEAR_REPEATS` tasks only they are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genesis_server.model.validation import DropTask, Finding, FindingKind, Fix, MergeTasks, Principle, Severity
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.neighbours import Neighbours
from genesis_server.validation.other_words import inputs_of, repeats_in_other_words
from genesis_server.validation.outputs import subsumed_tasks, unused_outputs
from genesis_server.validation.policy import RedundancyPolicy

MAX_TASKS_FOR_NEAR_REPEATS = 5_000


@dataclass(frozen=True, slots=True)
class Repeat:
    """A task that says again what an earlier one says."""

    first: int
    second: int
    literal: bool
    sure: bool = True
    """Whether it is more than a guess: few words and no capability leave it open."""


def find_repeats(graph: PlanGraph, policy: RedundancyPolicy, goal: str = "") -> list[Repeat]:
    """Repeats among the primitive tasks, each told once with the earliest task it repeats, in the plan's order."""
    found = _literal_repeats(graph)
    capabilities = graph.tasks.capabilities
    if len(graph.work) <= MAX_TASKS_FOR_NEAR_REPEATS:
        repeats = {repeat.second for repeat in found}
        rows = [row for row in graph.work if row not in repeats]
        for first, second, shared in repeats_in_other_words(graph, rows, policy, goal):
            found.append(Repeat(first, second, literal=False, sure=bool(capabilities[second]) or shared >= policy.sure))
    return sorted(found, key=lambda repeat: repeat.second)


def _literal_repeats(graph: PlanGraph) -> list[Repeat]:
    goals, capabilities = graph.tasks.goals, graph.tasks.capabilities
    texts = [" ".join(goals[row].casefold().split()) for row in graph.work]
    all_differ = len(set(texts)) == len(texts)
    if all_differ:
        return []
    by_text: dict[str, int] = {}
    # By what must be the same beside the text: only tasks whose text another has are looked at more closely.
    by_rest: dict[tuple[str, str, frozenset[str]], int] = {}
    found: list[Repeat] = []
    for row, text in zip(graph.work, texts, strict=True):
        if not text or (first := by_text.setdefault(text, row)) == row:
            continue
        by_rest.setdefault((text, capabilities[first], inputs_of(graph, first)), first)
        same = by_rest.setdefault((text, capabilities[row], inputs_of(graph, row)), row)
        if same != row:
            found.append(Repeat(same, row, literal=True))
    return found


def judge_redundancy(graph: PlanGraph, policy: RedundancyPolicy, goal: str = "") -> Iterator[Finding]:
    """Tasks that repeat another or do what nobody needs, with a fix where something can go."""
    ids = graph.tasks.ids
    repeats = find_repeats(graph, policy, goal)
    neighbours = Neighbours(graph)
    for repeat in repeats:
        first, second = ids[repeat.first], ids[repeat.second]
        fix: Fix | None = None
        if repeat.literal and neighbours.can_go(repeat.first, repeat.second):
            fix = DropTask(second)
        elif not repeat.literal and repeat.sure and neighbours.can_merge(repeat.first, repeat.second):
            fix = MergeTasks(first, (second,), graph.tasks.goals[repeat.first])
        how = f"says the same as '{first}'" if repeat.literal else f"seems to say in other words what '{first}' says"
        advice = "one of them is enough" if fix is not None else "if that is not meant, drop one"
        severity = Severity.WARNING if repeat.sure else Severity.INFO
        yield _finding(FindingKind.REPEATED_TASK, f"task '{second}' {how}; {advice}", first, second, fix=fix, severity=severity)
    told = {repeat.second for repeat in repeats}
    for row, other in subsumed_tasks(graph, told):
        message = f"everything task '{ids[row]}' puts out, task '{ids[other]}' puts out too; one of them is enough"
        fix = DropTask(ids[row]) if neighbours.can_go(other, row) else None
        yield _finding(FindingKind.SUBSUMED_TASK, message, ids[other], ids[row], fix=fix)
    for row, names in unused_outputs(graph, goal):
        listed = ", ".join(f"'{name}'" for name in names[:5])
        message = f"nobody needs what task '{ids[row]}' puts out ({listed}), and it says nothing of the goal; drop it, or say who needs it"
        yield _finding(FindingKind.UNUSED_OUTPUT, message, ids[row])


def _finding(kind: FindingKind, message: str, *task_ids: str, fix: Fix | None = None, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(kind, Principle.NON_REDUNDANCY, severity, message, task_ids=task_ids, fix=fix)
