"""What a goal asks for: its actions and the details it gives, each with its place in the text.

An action is a verb where an action can begin (at the start of a sentence, after a comma, a colon or a joiner such as "and" or "then",
past polite openers) with the words up to the next action or the end of the sentence. A detail is a number, a date, a quotation, an
identifier or a name. A thing is the head of a noun phrase an action is about, a constraint what a phrase like "at most" or "without"
opens. All are found with word lists and patterns; nothing is understood.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from genesis_server.model.span import Span
from genesis_server.text.words import Word, stem, stop_words, words
from genesis_server.validation.vocabulary import Vocabulary

_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|`([^`]+)`|(?<!\w)['‘]([^'’]+)['’](?!\w)")
_BREAK = re.compile(r"[.;:!?\n,…–—]")
_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}|\d{1,2}(st|nd|rd|th)")
# A dot before a small letter, or after a short title ("Mr."), ends no sentence.
_SENTENCE_END = re.compile(r"(?<!\b[A-Z][a-z])\.(?=\s+[^a-z\s]|\s*$)|[;!?…](?=\s|$)|\n")
# "1." and "2)" where a line or a sentence begins number a list and say nothing.
_LIST_NUMBER = re.compile(r"(?:^|(?<=[.;:!?]\s)|(?<=\n))[ \t]*\(?(\d{1,2})[.)](?=\s+\S)")
_LONGEST_CONSTRAINT = 8


class DetailKind(Enum):
    """What a detail is."""

    NUMBER = "number"
    DATE = "date"
    QUOTATION = "quotation"
    NAME = "name"
    THING = "thing"
    CONSTRAINT = "constraint"


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
    things: tuple[Detail, ...]
    """What it is about."""


@dataclass(frozen=True, slots=True)
class GoalElements:
    """All that was found."""

    actions: tuple[Action, ...]
    details: tuple[Detail, ...]
    """Numbers, dates, quotations and names."""
    constraints: tuple[Detail, ...]


def terms_of(word: str) -> str:
    """What a word is compared by: numbers without thousands separators, other words by their stem."""
    return word.replace(",", "") if word[:1].isdigit() else stem(word)


def goal_elements(goal: str, vocabulary: Vocabulary) -> GoalElements:
    """The actions, details and constraints of a goal, in textual order."""
    details = tuple(sorted(_details(goal, vocabulary), key=lambda detail: detail.span.start))
    tokens = _outside(words(goal), [detail for detail in details if detail.kind is DetailKind.QUOTATION])
    plain = frozenset(word.start for word in _outside(tokens, details))
    found = [_action(goal, part, details, plain, vocabulary) for part in _parts(goal, tokens, vocabulary)]
    counts = Counter(term for action in found for term in action.terms)
    actions = tuple(replace(action, own_terms=frozenset(term for term in action.terms if counts[term] == 1)) for action in found)
    return GoalElements(actions, details, tuple(_constraints(goal, tokens, vocabulary)))


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
        if head < len(tokens) and _is_verb(tokens, head, goal, vocabulary):
            heads.add(head)
    sentence_ends = [found.start() for found in _SENTENCE_END.finditer(goal)] + [len(goal)]
    for head, following in pairwise([*sorted(heads), len(tokens)]):
        end = sentence_ends[bisect_left(sentence_ends, tokens[head].end)]
        part = [token for token in tokens[head:following] if token.end <= end]
        while len(part) > 1 and part[-1].text in vocabulary.joiners:
            part.pop()
        yield part


def _is_verb(tokens: list[Word], place: int, goal: str, vocabulary: Vocabulary) -> bool:
    """Whether a word where an action can begin is a verb there."""
    word = tokens[place]
    if goal[word.end : word.end + 1] == "-":
        return False
    if word.text in vocabulary.verbs:
        return True
    if word.text not in vocabulary.verbs_before_objects or place + 1 == len(tokens):
        return False
    before, after = tokens[place - 1].text if place else "", tokens[place + 1].text
    if after in vocabulary.determiners:
        return True
    if before in vocabulary.askers:
        return after not in _NEVER_AFTER_VERBS
    return before == "and" and after not in vocabulary.noun_followers and after not in vocabulary.verbs


_NEVER_AFTER_VERBS = frozenset({"of", "is", "was", "are", "were", "will", "has"})


def _action(goal: str, part: list[Word], details: tuple[Detail, ...], plain: frozenset[int], vocabulary: Vocabulary) -> Action:
    start, end = part[0].start, part[-1].end
    silent = stop_words() | vocabulary.measures | vocabulary.months | vocabulary.weekdays
    telling = [word for word in part if word.text not in silent and not word.text[0].isdigit() and word.start in plain]
    terms = frozenset(stem(word.text) for word in telling)
    verb_span = Span(start, part[0].end, goal[start : part[0].end])
    inside = tuple(detail for detail in details if start <= detail.span.start < end)
    things = tuple(_things(goal, part, frozenset(word.start for word in telling), vocabulary))
    return Action(Span(start, end, goal[start:end]), part[0].text, verb_span, terms, terms, inside, things)


def _things(goal: str, part: list[Word], telling: frozenset[int], vocabulary: Vocabulary) -> Iterator[Detail]:
    """Heads of noun phrases: the last of neighbouring telling words that are no verbs or adverbs."""
    head: Word | None = None
    for word in part[1:]:
        other = word.text in vocabulary.verbs or word.text in vocabulary.openers or word.text in vocabulary.noun_followers
        noun = word.start in telling and not other and not word.text.endswith("ly")
        if head is not None and (not noun or goal[head.end : word.start].strip(" -")):
            yield Detail(DetailKind.THING, Span(head.start, head.end, goal[head.start : head.end]), frozenset([stem(head.text)]))
        head = word if noun else None
    if head is not None:
        yield Detail(DetailKind.THING, Span(head.start, head.end, goal[head.start : head.end]), frozenset([stem(head.text)]))


def _constraints(goal: str, tokens: list[Word], vocabulary: Vocabulary) -> Iterator[Detail]:
    """What constraint cues open, up to the next break, joiner or verb."""
    openings = {cue[0] for cue in vocabulary.constraint_cues}
    silent = stop_words() | vocabulary.measures
    place = 0
    while place < len(tokens):
        if tokens[place].text not in openings:
            place += 1
            continue
        cue = next((cue for cue in vocabulary.constraint_cues if tuple(w.text for w in tokens[place : place + len(cue)]) == cue), ())
        place, first = place + max(1, len(cue)), place
        if not cue:
            continue
        last = place
        while last < min(len(tokens), place + _LONGEST_CONSTRAINT):
            if tokens[last].text in vocabulary.joiners or _BREAK.search(goal, tokens[last - 1].end, tokens[last].start):
                break
            last += 1
        terms = frozenset(terms_of(word.text) for word in tokens[place:last] if word.text not in silent)
        if terms:
            start, end = tokens[first].start, tokens[last - 1].end
            yield Detail(DetailKind.CONSTRAINT, Span(start, end, goal[start:end]), terms)
        place = last


def _outside(tokens: list[Word], details: Sequence[Detail]) -> list[Word]:
    """The words that lie in none of these, which are in textual order and do not overlap."""
    starts = [detail.span.start for detail in details]

    def inside(word: Word) -> bool:
        at = bisect_right(starts, word.start) - 1
        return at >= 0 and word.end <= details[at].span.end

    return [word for word in tokens if not inside(word)]


def _details(goal: str, vocabulary: Vocabulary) -> Iterator[Detail]:
    taken: list[tuple[int, int]] = []
    for found in _QUOTED.finditer(goal):
        terms = frozenset(terms_of(word.text) for word in words(found.group()) if word.text not in stop_words())
        # Quotation marks around most of a goal quote the goal itself.
        if terms and 2 * len(found.group()) <= len(goal):
            taken.append(found.span())
            yield Detail(DetailKind.QUOTATION, Span(*found.span(), found.group()), terms)
    taken.extend(found.span() for found in _LIST_NUMBER.finditer(goal))
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
