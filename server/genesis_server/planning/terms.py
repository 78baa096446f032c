"""Which conditions each action of a goal stands under, and where its cue stands."""

from __future__ import annotations

from dataclasses import replace

from genesis_server.planning.clauses import Clause, Cue
from genesis_server.planning.condition_words import conditionals
from genesis_server.planning.conditions import Reading, Sense, if_so, negated, read
from genesis_server.planning.heads import Frame
from genesis_server.planning.lexicon import Lexicon
from genesis_server.planning.quantities import Piece
from genesis_server.planning.references import Place, Term
from genesis_server.planning.tokens import Kind, Sentence, Token

_BREAKS = frozenset({Kind.COMMA, Kind.DASH, Kind.COLON})


class TermReader:
    """Reads the clauses of a goal in order."""

    def __init__(self, goal: str, found: list[Piece]) -> None:
        """Prepare a goal with its pieces."""
        self.goal = goal
        self.pieces = found
        self.known = conditionals()
        self._at = 0
        self._scope: list[Term] = []
        """Conditions in front that still hold for what follows in the sentence."""
        self._otherwise: list[Term] = []
        """What holds when the conditions before do not."""
        self._passed = True
        """Whether an action without a condition came since, so that "if not" is about that one."""
        self._said: list[Piece] = []
        """The pieces of the last condition."""

    def begin_sentence(self) -> None:
        """A condition in front reaches to the end of its sentence."""
        self._scope = []

    def of(self, sentence: Sentence, clause: Clause) -> tuple[list[Term], Place | None]:
        """The conditions of a clause, and where one behind it stands; what a question supposes is no condition."""
        if clause.frame is Frame.QUESTION:
            self._scope, self._passed = [], True
            return [], None
        texts = sentence.texts
        otherwise = self._turned(sentence, clause) if clause.otherwise else []
        fresh = self._read(sentence.tokens, *clause.condition) if clause.condition else []
        if fresh or otherwise:
            self._scope = [*otherwise, *fresh]
        elif self.known.regardless_cues.first_in(texts, clause.lead, clause.core):
            self._scope = []
        if fresh:
            self._turn(otherwise, fresh)
        behind = self._behind(sentence, clause)
        own = self._read(sentence.tokens, *behind) if behind else []
        if own:
            self._turn([], own)
        self._passed = not (self._scope or own)
        place = (own[0].said[0], own[0].said[1]) if own else None
        return [*self._scope, *own], place

    def _turned(self, sentence: Sentence, clause: Clause) -> list[Term]:
        """What "otherwise" stands for here."""
        found = self.known.else_cues.first_in(sentence.texts, clause.lead, clause.core)
        if found is None:
            return self._otherwise
        said = (sentence.tokens[found[0]].start, sentence.tokens[found[1] - 1].end)
        if self._passed and self.known.markers.length_at(sentence.texts, found[0]):
            terms = [Term(reading, said) for reading in negated([if_so()], [])]
            self._otherwise = [Term(if_so(), said, like=terms[0])]
            return terms
        return [replace(term, said=said) for term in self._otherwise]

    def _turn(self, otherwise: list[Term], fresh: list[Term]) -> None:
        """Remember what "otherwise" means from here on."""
        turned = negated([term.reading for term in fresh], self._said)
        self._otherwise = [*otherwise, *(Term(reading, fresh[0].said, like=fresh[0]) for reading in turned)]

    def _behind(self, sentence: Sentence, clause: Clause) -> tuple[int, int] | None:
        """A condition behind the verb of a clause, as a range of tokens."""
        texts = sentence.texts
        for place in range(clause.verb + 1, clause.end):
            if not (self.known.markers.length_at(texts, place) or self.known.time_markers.length_at(texts, place)):
                continue
            if self._asks(texts, place) or self.known.courtesies.length_at(texts, place):
                continue
            end = place + 1
            while end < clause.end and sentence.tokens[end].kind not in _BREAKS and texts[end] not in {"otherwise", "then"}:
                end += 1
            return place, end
        return None

    def _asks(self, texts: list[str], place: int) -> bool:
        """Whether an "if" is that of a question: "check if …", "let me know if …"."""
        words = self.known.words
        if texts[place] not in {"if", "when", "whenever"}:
            return False
        before = place - 1
        while before > 0 and texts[before] in words.asking_gap and before > place - 4:
            before -= 1
        return before >= 0 and texts[before] in words.asking_words

    def _read(self, tokens: list[Token], first: int, end: int) -> list[Term]:
        """The terms a range of tokens, which begins with a marker, stands for."""
        texts = [token.text for token in tokens]
        lasting = self.known.markers.length_at(texts, first)
        length = lasting or self.known.time_markers.length_at(texts, first)
        if not length or end <= first + length or self.known.courtesies.length_at(texts, first):
            return []
        start, stop = tokens[first].start, tokens[end - 1].end
        following = tokens[end].start if end < len(tokens) else len(self.goal)
        said = self._pieces(tokens[first + length].start, following)
        if said and said[-1].kind == "sign":
            stop = max(stop, said[-1].end)
        self._said = said
        readings = read(" ".join(texts[first : first + length]), said)
        if not lasting:
            readings = [reading for reading in readings if _is_outcome(reading)]
        return [Term(reading, (start, stop)) for reading in readings]

    def _pieces(self, start: int, end: int) -> list[Piece]:
        """The pieces of a condition; the goal is read forward only."""
        while self._at < len(self.pieces) and self.pieces[self._at].start < start:
            self._at += 1
        found: list[Piece] = []
        at = self._at
        while at < len(self.pieces) and self.pieces[at].start < end:
            if self.pieces[at].text in {".", "!", "?", ";"}:
                break
            found.append(self.pieces[at])
            at += 1
        return found


def cue_place(sentence: Sentence, clause: Clause, known: Lexicon) -> Place | None:
    """Where the words stand that say when an action is due; None when none do."""
    texts, tokens = sentence.texts, sentence.tokens
    found = None
    for phrases in (known.next_cues, known.inline_cues, known.parallel_cues, known.before_cues, conditionals().else_cues):
        found = found or phrases.first_in(texts, clause.lead, clause.core)
    if found is None and clause.cue is not Cue.NONE:
        start, end = clause.lead, clause.core
        while start < end and (tokens[start].kind in _BREAKS or texts[start] in {"and", "but"}):
            start += 1
        while end > start and tokens[end - 1].kind in _BREAKS:
            end -= 1
        found = (start, end) if start < end else None
    if found is None:
        return None
    return tokens[found[0]].start, tokens[found[1] - 1].end


def _is_outcome(reading: Reading) -> bool:
    """Whether what stands behind "when" or "once" can turn out either way; "when it is done" only tells the time."""
    return reading.sense in {Sense.OUTCOME, Sense.COMPARISON}
