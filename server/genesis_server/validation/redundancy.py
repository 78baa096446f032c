"""Does a task repeat another?

The non-redundancy principle of Agent-Oriented Planning (arXiv 2410.02189), without a language model.

Two tasks repeat each other literally when goal (without regard to case and spacing), capability and inputs are the same; nearly when
capability, inputs and every number in the goals are the same, their verbs are not all different, and the stems of the goals overlap
enough (data/validation.toml).
Literal repeats are found by one hash table. Near repeats are looked for among earlier tasks that share a word, the rarest words
first and at most `MAX_COMPARISONS` each, so that the time stays linear; on large plans only literal repeats are looked for.
A repeat may be meant, so it is a warning. Only a literal one comes with a fix, and only where dropping it changes nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from genesis_server.model.validation import DropTask, Finding, FindingKind, Principle, Severity
from genesis_server.text.words import content_stems, stem
from genesis_server.validation.graph import PlanGraph
from genesis_server.validation.policy import RedundancyPolicy
from genesis_server.validation.vocabulary import default_vocabulary

MAX_TASKS_FOR_NEAR_REPEATS = 5_000
MAX_COMPARISONS = 50

_Bucket = tuple[str, frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A task that says again what an earlier one says."""

    first: int
    second: int
    literal: bool


def find_repeats(graph: PlanGraph, policy: RedundancyPolicy) -> list[Repeat]:
    """Repeats among the primitive tasks, each told once with the earliest task it repeats, in the plan's order."""
    by_text: dict[str, int] = {}
    # By what must be the same beside the text: only tasks whose text another has are looked at more closely.
    by_rest: dict[tuple[str, str, frozenset[str]], int] = {}
    found: list[Repeat] = []
    capabilities, goals = graph.tasks.capabilities, graph.tasks.goals
    for row in graph.work:
        text = " ".join(goals[row].casefold().split())
        if not text or (first := by_text.setdefault(text, row)) == row:
            continue
        by_rest.setdefault((text, capabilities[first], _inputs(graph, first)), first)
        same = by_rest.setdefault((text, capabilities[row], _inputs(graph, row)), row)
        if same != row:
            found.append(Repeat(same, row, literal=True))
    if len(graph.work) <= MAX_TASKS_FOR_NEAR_REPEATS:
        repeats = {repeat.second for repeat in found}
        found.extend(_near_repeats(graph, [row for row in graph.work if row not in repeats], policy))
    return sorted(found, key=lambda repeat: repeat.second)


def judge_redundancy(graph: PlanGraph, policy: RedundancyPolicy) -> Iterator[Finding]:
    """Tasks that repeat another, with a fix where one of the two can go."""
    ids = graph.tasks.ids
    repeats = find_repeats(graph, policy)
    neighbours = _Neighbours(graph) if repeats else None
    for repeat in repeats:
        first, second = ids[repeat.first], ids[repeat.second]
        can_go = repeat.literal and neighbours is not None and neighbours.can_go(repeat)
        how = "says the same as" if repeat.literal else "says nearly the same as"
        message = f"task '{second}' {how} '{first}'" + ("; one of them is enough" if can_go else "; if that is not meant, drop one")
        yield Finding(
            FindingKind.REPEATED_TASK,
            Principle.NON_REDUNDANCY,
            Severity.WARNING,
            message,
            task_ids=(first, second),
            fix=DropTask(second) if can_go else None,
        )


def _inputs(graph: PlanGraph, row: int) -> frozenset[str]:
    return frozenset(artefact.name for artefact in graph.tasks.inputs.get(row, ()))


def _near_repeats(graph: PlanGraph, rows: list[int], policy: RedundancyPolicy) -> Iterator[Repeat]:
    stems = {row: _own_stems(graph, row) for row in rows}
    counts = Counter(word for words in stems.values() for word in words)
    verbs = frozenset(stem(verb) for verb in default_vocabulary().verbs)
    buckets: dict[_Bucket, dict[str, list[int]]] = {}
    for row in rows:
        words, capability = stems[row], graph.tasks.capabilities[row]
        if len(words) < policy.fewest_words:
            continue
        numbers = frozenset(word for word in words if word[0].isdigit())
        by_word = buckets.setdefault((capability, _inputs(graph, row), numbers), {})
        rarest = sorted(words, key=lambda word: (counts[word], word))
        earlier = dict.fromkeys(other for word in rarest for other in by_word.get(word, ())[:MAX_COMPARISONS])
        candidates = list(earlier)[:MAX_COMPARISONS]
        alike = [other for other in candidates if _alike(stems[other], words, policy, known=bool(capability))]
        first = min((other for other in alike if _same_action(stems[other] & verbs, words & verbs)), default=None)
        if first is not None:
            yield Repeat(first, row, literal=False)
        for word in rarest:
            by_word.setdefault(word, []).append(row)


def _same_action(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether the verbs of two goals leave it open that they ask for the same: one has none, or they share one."""
    return not first or not second or not first.isdisjoint(second)


def _own_stems(graph: PlanGraph, row: int) -> frozenset[str]:
    """Stems of the goal without those of the capability, which all tasks of it may share."""
    return frozenset(content_stems(graph.tasks.goals[row])).difference(content_stems(graph.tasks.capabilities[row]))


def _alike(first: frozenset[str], second: frozenset[str], policy: RedundancyPolicy, *, known: bool) -> bool:
    """Whether two goals say the same; `known`: both name the same capability, so that fewer words need to agree."""
    shared = len(first & second)
    if known:
        return shared >= policy.overlap_with_capability * min(len(first), len(second))
    return shared >= policy.overlap * len(first | second)


class _Neighbours:
    """What stands around tasks, to tell whether one can go."""

    def __init__(self, graph: PlanGraph) -> None:
        self._graph = graph
        self._before: dict[int, set[int]] = {}
        for source, target in zip(graph.sources.tolist(), graph.targets.tolist(), strict=True):
            self._before.setdefault(target, set()).add(source)

    def can_go(self, repeat: Repeat) -> bool:
        """Whether nothing happens between the two that the second may wait for, and nothing is lost with it.

        Both stand under the same heading, the second has no children, makes nothing the first does not make, and waits for nothing
        but the first and what the first waits for.
        """
        graph, first, second = self._graph, repeat.first, repeat.second
        outputs = graph.tasks.outputs
        return (
            graph.tree.parents[first] == graph.tree.parents[second]
            and not graph.tree.has_children[second]
            and not graph.duplicate_ids
            and {made.name for made in outputs.get(second, ())} <= {made.name for made in outputs.get(first, ())}
            and self._before.get(second, set()) - {first} <= self._before.get(first, set())
        )
