"""What a goal asks for: its actions and the details it gives, each with its place in the text.

An action is a verb where an action can begin (at the start of a sentence, after a comma, a colon or a joiner such as "and" or "then",
past polite openers) with the words up to the next action or the end of the sentence. A detail is a number, a date, a quotation, an
identifier or a name. Both are found with word lists and patterns; nothing is understood.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from genesis_server.model.span import Span
from genesis_server.text.words import Word, stem, stop_words, words
from genesis_server.validation.vocabulary import Vocabulary

_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|`([^`]+)`|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_BREAK = re.compile(r"[.;:!?\n,…–—]")
_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}|\d{1,2}(st|nd|rd|th)")
_SENTENCE_END = re.compile(r"[.;!?…](?=\s|$)|\n")


class DetailKind(Enum):
    """What a detail is."""

    NUMBER = "number"
    DATE = "date"
    QUOTATION = "quotation"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Detail:
    """A piece of the goal that says how much, when, or exactly which."""

    kind: DetailKind
    span: Span
    terms: frozenset[str]
    """What must stand in a task; see `terms_of`."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something the goal asks to be done."""

    span: Span
    verb: str
    """In lower case."""
    verb_span: Span
    terms: frozenset[str]
    """Stems of its content words, without those of its details."""
    own_terms: frozenset[str]
    """Those of them that no other action of the goal has."""
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class GoalElements:
    """All that was found."""

    actions: tuple[Action, ...]
    details: tuple[Detail, ...]


def terms_of(word: str) -> str:
    """What a word is compared by: numbers without thousands separators, other words by their stem."""
    return word.replace(",", "") if word[:1].isdigit() else stem(word)


def goal_elements(goal: str, vocabulary: Vocabulary) -> GoalElements:
    """The actions and details of a goal, in textual order."""
    details = tuple(sorted(_details(goal, vocabulary), key=lambda detail: detail.span.start))
    tokens = [word for word in words(goal) if not _within(word, details, {DetailKind.QUOTATION})]
    found = [_action(goal, part, details, vocabulary) for part in _parts(goal, tokens, vocabulary)]
    counts = Counter(term for action in found for term in action.terms)
    actions = tuple(Action(a.span, a.verb, a.verb_span, a.terms, frozenset(t for t in a.terms if counts[t] == 1), a.details) for a in found)
    return GoalElements(actions, details)


def _parts(goal: str, tokens: list[Word], vocabulary: Vocabulary) -> Iterator[list[Word]]:
    """The words of each action."""
    places = [token.start for token in tokens]
    begins = {0} | {bisect_left(places, found.end()) for found in _BREAK.finditer(goal)}
    begins |= {number + 1 for number, token in enumerate(tokens) if token.text in vocabulary.joiners}
    heads: set[int] = set()
    for begin in begins:
        head = begin
        while head < len(tokens) and tokens[head].text in vocabulary.openers:
            head += 1
        if head < len(tokens) and _is_verb(tokens, head, vocabulary):
            heads.add(head)
    sentence_ends = [found.start() for found in _SENTENCE_END.finditer(goal)] + [len(goal)]
    for head, following in pairwise([*sorted(heads), len(tokens)]):
        end = sentence_ends[bisect_left(sentence_ends, tokens[head].end)]
        part = [token for token in tokens[head:following] if token.end <= end]
        while len(part) > 1 and part[-1].text in vocabulary.joiners:
            part.pop()
        yield part


def _is_verb(tokens: list[Word], place: int, vocabulary: Vocabulary) -> bool:
    word = tokens[place].text
    followed = place + 1 < len(tokens) and tokens[place + 1].text in vocabulary.determiners
    return word in vocabulary.verbs or (word in vocabulary.verbs_before_objects and followed)


def _action(goal: str, part: list[Word], details: tuple[Detail, ...], vocabulary: Vocabulary) -> Action:
    start, end = part[0].start, part[-1].end
    silent = stop_words() | vocabulary.measures | vocabulary.months | vocabulary.weekdays
    terms = frozenset(stem(w.text) for w in part if w.text not in silent and not w.text[0].isdigit() and not _within(w, details))
    verb_span = Span(start, part[0].end, goal[start : part[0].end])
    inside = tuple(detail for detail in details if start <= detail.span.start < end)
    return Action(Span(start, end, goal[start:end]), part[0].text, verb_span, terms, terms, inside)


def _within(word: Word, details: tuple[Detail, ...], kinds: set[DetailKind] | None = None) -> bool:
    return any(
        detail.span.start <= word.start and word.end <= detail.span.end for detail in details if kinds is None or detail.kind in kinds
    )


def _details(goal: str, vocabulary: Vocabulary) -> Iterator[Detail]:
    taken: list[tuple[int, int]] = []
    for found in _QUOTED.finditer(goal):
        terms = frozenset(terms_of(word.text) for word in words(found.group()) if word.text not in stop_words())
        # Quotation marks around most of a goal quote the goal itself.
        if terms and 2 * len(found.group()) <= len(goal):
            taken.append(found.span())
            yield Detail(DetailKind.QUOTATION, Span(*found.span(), found.group()), terms)
    chunks = [
        (found.start(), found.group())
        for found in re.finditer(r"\S+", goal)
        if not any(start <= found.start() < end for start, end in taken)
    ]
    for kind, start, end in _runs(goal, _marked(chunks, vocabulary)):
        terms = _detail_terms(goal[start:end], kind, vocabulary)
        if terms:
            yield Detail(kind, Span(start, end, goal[start:end]), terms)


def _runs(goal: str, marked: Iterable[tuple[int, int, DetailKind]]) -> list[tuple[DetailKind, int, int]]:
    """Neighbours of one kind as one piece; numbers beside a part of a date belong to the date."""
    runs: list[tuple[DetailKind, int, int]] = []
    for start, end, kind in marked:
        before, first, last = runs[-1] if runs else (kind, start, -1)
        both = {before, kind}
        if last >= 0 and not goal[last:start].strip(" ,") and (len(both) == 1 or both == {DetailKind.DATE, DetailKind.NUMBER}):
            runs[-1] = (kind if len(both) == 1 else DetailKind.DATE, first, end)
        else:
            runs.append((kind, start, end))
    return runs


def _marked(chunks: list[tuple[int, str]], vocabulary: Vocabulary) -> Iterator[tuple[int, int, DetailKind]]:
    """Pieces between spaces that are numbers, parts of dates, or look like names."""
    opens_sentence = True
    calendar = vocabulary.months | vocabulary.weekdays
    for start, chunk in chunks:
        core = chunk.strip(".,;:!?()[]{}<>\"'’…")
        begin = start + (chunk.find(core) if core else 0)
        place = (begin, begin + len(core))
        lower = core.removesuffix("'s").removesuffix("’s").casefold()
        if (lower in calendar and core[:1].isupper()) or _DATE.fullmatch(lower):
            yield (*place, DetailKind.DATE)
        elif any(letter.isdigit() for letter in core):
            yield (*place, DetailKind.NUMBER)
        elif _looks_like_name(core, lower, vocabulary, opens_sentence=opens_sentence):
            yield (*place, DetailKind.NAME)
        opens_sentence = bool(re.search(r"[.!?:…]['\")]?$", chunk)) and len(core) > 1


def _looks_like_name(core: str, lower: str, vocabulary: Vocabulary, *, opens_sentence: bool) -> bool:
    if not core[:1].isupper() or lower in stop_words() or lower in vocabulary.openers or lower in vocabulary.measures:
        return False
    return (len(core) > 1 and core.isupper()) or not opens_sentence


def _detail_terms(text: str, kind: DetailKind, vocabulary: Vocabulary) -> frozenset[str]:
    """What must stand in a task for a detail to be covered."""
    found = [word.text for word in words(text) if word.text not in vocabulary.measures]
    if kind is DetailKind.DATE:
        found = [word for word in found if word[0].isdigit() or word in vocabulary.months or word in vocabulary.weekdays]
    elif kind is DetailKind.NUMBER:
        found = [word for word in found if len(word) > 1 or word[0].isdigit()]
    return frozenset(terms_of(word) for word in found)
