"""The method library: ready decompositions for goals of a kind (classical HTN), and how a goal finds its method.

A method has intents. An intent is a list of groups of words and phrases; a text has the intent when it has a word of every group
close together and none of the words that tell it is about something else. The score of a method is

    words of the text that the best such intent accounts for / content words of the text (never fewer than 4, at most 16)

and a method fits from THRESHOLD on: in a long text two words that happen to stand together are not enough. Words are the same when
they differ by inflection only ("hire" and "hiring", not "engine" and "engineer"); "push ... live" allows up to six words in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from genesis_server.model.catalogue import Artefact
from genesis_server.text.words import stem, stop_words, word_texts, words

THRESHOLD = 0.12
WINDOW = 25
GAP = 6
FEWEST_WORDS = 4
MOST_WORDS = 16
ELLIPSIS = "..."
_VETO = -1
_INFLECTIONS = frozenset({"", "e", "s", "es", "d", "ed", "ing", "y", "ies", "ied"})


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a method: work for a capability, or a heading over further steps."""

    id: str
    goal: str
    """What is to be done; `{goal}` stands for the words of the goal."""
    capability: str = ""
    inputs: tuple[Artefact, ...] = ()
    outputs: tuple[Artefact, ...] = ()
    acceptance: str = ""
    difficulty: float | None = None
    expected_seconds: float | None = None
    after: tuple[str, ...] = ()
    """Siblings it waits for although nothing flows."""
    steps: tuple[Step, ...] = ()
    needs_approval: bool = False
    """Whether somebody has to approve it before it is done; of a heading: before anything below it is."""
    timeout_seconds: float | None = None
    """The longest one attempt may take; None: the server's default."""
    max_attempts: int = 0
    """Over all agents; 0: the server's default."""

    def leaves(self) -> Iterator[Step]:
        """Itself, or the steps below it that are work."""
        if not self.steps:
            yield self
        for step in self.steps:
            yield from step.leaves()


@dataclass(frozen=True, slots=True)
class Intent:
    """One way to ask for something."""

    groups: tuple[tuple[str, ...], ...]
    """Words and phrases; one of each group has to be there."""
    unless: tuple[str, ...] = ()
    """Words and phrases that must not be there."""


@dataclass(frozen=True, slots=True)
class Method:
    """How goals of a kind are carried out."""

    id: str
    title: str
    description: str
    intents: tuple[Intent, ...]
    steps: tuple[Step, ...]
    needs: tuple[Artefact, ...] = ()
    """What must be there before the first step."""
    unless: tuple[str, ...] = ()
    """Words and phrases that must not be there, whatever the intent."""

    def leaves(self) -> Iterator[Step]:
        """All steps that are work."""
        for step in self.steps:
            yield from step.leaves()


@dataclass(frozen=True, slots=True)
class MethodMatch:
    """A method that fits a text, and how well, 0 to 1."""

    method: Method
    score: float


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase as runs of words with gaps between them, and what a hit of it counts for: (method, intent, group)."""

    runs: tuple[tuple[str, ...], ...]
    stems: tuple[str, ...]
    targets: list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class _Hit:
    """A phrase found in a text."""

    group: int
    places: tuple[int, ...]
    """Where its words stand."""


class MethodLibrary:
    """An immutable snapshot of all methods."""

    def __init__(self, methods: Iterable[Method], snapshot_id: str) -> None:
        """Index the methods; `snapshot_id` is derived from their content."""
        self.methods = tuple(methods)
        self.snapshot_id = snapshot_id
        phrases: dict[tuple[tuple[str, ...], ...], _Phrase] = {}
        read: dict[str, _Phrase] = {}
        # The phrases say the same few words again and again: each is kept once.
        kept: dict[str, str] = {}
        for number, method in enumerate(self.methods):
            for place, intent in enumerate(method.intents):
                for group, options in [*enumerate(intent.groups), (_VETO, (*method.unless, *intent.unless))]:
                    # One for all its phrases: most are vetoes, which every intent of a method has again.
                    target = (number, place, group)
                    for option in options:
                        phrase = read.get(option)
                        if phrase is None:
                            runs = tuple([tuple([kept.setdefault(word, word) for word in run]) for run in phrase_runs(option)])
                            stems = tuple(dict.fromkeys([stem(word) for run in runs for word in run]))
                            phrase = read[option] = phrases.setdefault(runs, _Phrase(runs, stems, []))
                        phrase.targets.append(target)
        self._phrases: dict[str, list[_Phrase]] = {}
        for phrase in phrases.values():
            self._phrases.setdefault(stem(phrase.runs[0][0]), []).append(phrase)

    def match(self, text: str) -> list[MethodMatch]:
        """The methods that fit a text, best first, ties in the library's order."""
        found = words(text)
        stops = stop_words()
        telling = [word.text not in stops for word in found]
        size = min(max(sum(telling), FEWEST_WORDS), MOST_WORDS)
        hits = self._hits([word.text for word in found])
        best: dict[int, float] = {}
        for (number, place), found_here in hits.items():
            if any(hit.group == _VETO for hit in found_here):
                continue
            groups = len(self.methods[number].intents[place].groups)
            covered = _covered(found_here, groups)
            score = min(1.0, sum(telling[at] for at in covered) / size)
            if covered and score >= THRESHOLD:
                best[number] = max(score, best.get(number, 0.0))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
        return [MethodMatch(self.methods[number], score) for number, score in ranked]

    def _hits(self, texts: list[str]) -> dict[tuple[int, int], list[_Hit]]:
        """For each intent the phrases found in a text."""
        hits: dict[tuple[int, int], list[_Hit]] = {}
        stems = [stem(text) for text in texts]
        there = frozenset(stems)
        for start, first in enumerate(stems):
            for phrase in self._phrases.get(first, ()):
                found = _places_of(phrase.runs, texts, start) if there.issuperset(phrase.stems) else ()
                if found:
                    for method, intent, group in phrase.targets:
                        hits.setdefault((method, intent), []).append(_Hit(group, found))
        return hits


def phrase_runs(phrase: str) -> tuple[tuple[str, ...], ...]:
    """A phrase as runs of words, split where "..." allows others."""
    return tuple([tuple(word_texts(part)) for part in phrase.split(ELLIPSIS)])


@lru_cache(maxsize=65_536)
def same_word(a: str, b: str) -> bool:
    """Whether two lower-case words differ by inflection at most."""
    if a == b:
        return True
    if stem(a) != stem(b):
        return False
    shared = next((at for at, (left, right) in enumerate(zip(a, b, strict=False)) if left != right), min(len(a), len(b)))
    return all(_inflects(word[shared:], doubled=a[shared - 1 : shared]) for word in (a, b))


def _inflects(ending: str, *, doubled: str) -> bool:
    """Whether this is an ending of inflection, with the last letter before it doubled or not."""
    return ending in _INFLECTIONS or (ending[:1] == doubled and ending[1:] in _INFLECTIONS)


def _places_of(runs: tuple[tuple[str, ...], ...], texts: list[str], start: int) -> tuple[int, ...]:
    """Places of the words of a phrase that starts at `start`; empty when it does not stand there."""
    if not _stands(runs[0], texts, start):
        return ()
    end = start + len(runs[0])
    places = list(range(start, end))
    for run in runs[1:]:
        found = next((at for at in range(end, min(end + GAP, len(texts) - len(run)) + 1) if _stands(run, texts, at)), None)
        if found is None:
            return ()
        end = found + len(run)
        places.extend(range(found, end))
    return tuple(places)


def _stands(run: tuple[str, ...], texts: list[str], start: int) -> bool:
    there = texts[start : start + len(run)]
    return len(there) == len(run) and all(same_word(a, b) for a, b in zip(run, there, strict=True))


def _covered(hits: list[_Hit], groups: int) -> set[int]:
    """Words accounted for by hits around the tightest window that has one of every group; empty when there is none."""
    hits = sorted(hits, key=lambda hit: hit.places[0])
    counts: dict[int, int] = {}
    tightest: tuple[int, int] | None = None
    left = 0
    for hit in hits:
        end = hit.places[-1] + 1
        counts[hit.group] = counts.get(hit.group, 0) + 1
        while len(counts) == groups:
            start = hits[left].places[0]
            if end - start <= WINDOW and (tightest is None or end - start < tightest[1] - tightest[0]):
                tightest = (start, end)
            leaving = hits[left].group
            counts[leaving] -= 1
            if not counts[leaving]:
                del counts[leaving]
            left += 1
    if tightest is None:
        return set()
    low, high = tightest[0] - WINDOW, tightest[1] + WINDOW
    return {at for hit in hits for at in hit.places if low <= at < high}
