"""One sentence as clauses: the actions in it, in textual order, each with its cue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from genesis_server.planning.condition_words import conditionals
from genesis_server.planning.heads import Frame, Head, HeadFinder
from genesis_server.planning.lexicon import Lexicon, Phrases, VerbForm
from genesis_server.planning.tokens import Kind, Sentence

_BREAKS = frozenset({Kind.COMMA, Kind.DASH, Kind.ARROW, Kind.COLON})
_JOINERS = frozenset({"and", "but", "plus"})
_AS_WELL_AS = ["as", "well", "as"]
CONDITION_REACH = 40
COMMAS_IN_CONDITION = 3


class Cue(Enum):
    """What says when an action is due."""

    NONE = "none"
    NEXT = "next"
    """After what was said before."""
    EARLIER = "earlier"
    """Before the clause in front of it: "X after Y"."""
    HELD = "held"
    """After the clause behind it: "before X, Y"."""
    PARALLEL = "parallel"
    """Beside the clause before it: "meanwhile"."""


@dataclass(slots=True)
class Clause:
    """An action as a range of tokens."""

    start: int
    """Where it begins; words before the first head belong to the first clause."""
    core: int
    """Where its own words begin."""
    verb: int
    frame: Frame
    cue: Cue = Cue.NONE
    end: int = 0
    bare: bool = False
    """Whether it has a verb only and shares the object of a later one."""
    lead: int = 0
    """Where the connective in front of it begins; cues stand between there and its core."""
    condition: tuple[int, int] | None = None
    """The condition in front of it, with its marker."""
    otherwise: bool = False
    """Whether it is due when the condition before it does not hold."""


def clauses(sentence: Sentence, known: Lexicon, *, continues: bool = False) -> list[Clause]:
    """The actions of a sentence; none for a mere statement. `continues`: actions stand in front of it in the goal.

    A clause ends where a connective (comma, dash, arrow, "and", "but", "then", "before", "after" and the like) is followed by a
    head. "And" between nouns has no head behind it and does not split.
    """
    return _Reader(HeadFinder(sentence.tokens, known, question=sentence.question), known, continues=continues).read()


class _Reader:
    """Reads one sentence from left to right."""

    def __init__(self, finder: HeadFinder, known: Lexicon, *, continues: bool) -> None:
        self.finder = finder
        self.known = known
        self.continues = continues
        self.tokens = finder.tokens
        self.texts = finder.texts
        self.found: list[Clause] = []
        self.awaits = False
        """Whether an "after …" was read that what comes next waits for."""
        self.awaited: tuple[int, int] | None = None
        """Where the connective in front of that "after …" and itself stand, when it can be a condition ("once the tests pass")."""
        self.conditions = conditionals()

    def read(self) -> list[Clause]:
        place = self._first()
        while place < len(self.tokens):
            place = max(place + 1, self._further(place))
        if self.found:
            self.found[-1].end = len(self.tokens)
        for clause, following in zip(self.found, self.found[1:], strict=False):
            joined = clause.end == self._end_of_bare(clause) and following.frame is Frame.BASE
            clause.bare = joined and clause.cue is not Cue.HELD
        for clause in self.found:
            self._look_at_cues(clause)
        return self.found

    def _look_at_cues(self, clause: Clause) -> None:
        """What the words around an action say of its place beside others."""
        opens = clause.condition[0] if clause.condition else clause.core
        otherwise = self.conditions.else_cues.first_in(self.texts, clause.lead, opens)
        if clause.condition and self.conditions.else_cues.length_at(self.texts, opens) == clause.condition[1] - opens:
            otherwise, clause.condition = clause.condition, None
        if otherwise is not None:
            clause.otherwise = True
            clause.cue = Cue.NONE if clause.cue is Cue.NEXT else clause.cue
        beside = self.known.parallel_cues.first_in(self.texts, clause.lead, clause.core)
        last = range(max(clause.core, clause.end - 4), clause.end)
        at_end = any(self.known.parallel_cues.length_at(self.texts, at) == clause.end - at for at in last)
        if (beside is not None or at_end) and clause.cue in {Cue.NONE, Cue.NEXT}:
            clause.cue = Cue.PARALLEL

    def _first(self) -> int:
        """Open the first clause where the sentence begins with one; where to go on."""
        opener = self.finder.openers(0)
        conditional = self._conditional(opener.end)
        if conditional is not None:
            return self._open_conditional(conditional, opener.end, 0, comes_next=opener.comes_next)
        start = 0 if self.known.after_cues.length_at(self.texts, 0) else self.finder.openers(0).end
        head = self._subordinate(self.known.before_cues, start)
        if head is not None:
            return self._open(head, 0, Cue.HELD)
        self.awaits = self.known.after_cues.length_at(self.texts, start) > 0
        self.awaited = (0, start) if self.conditions.time_markers.length_at(self.texts, start) else None
        head = self._subordinate(self.known.after_cues, start)
        if head is not None:
            return self._open(head, 0, Cue.NONE, awaits=True)
        head = self.finder.opening(0)
        return 0 if head is None else self._open(head, 0, Cue.NEXT if head.comes_next else Cue.NONE)

    def _further(self, place: int) -> int:
        """Open another clause where a connective at `place` is followed by a head; where to go on."""
        at = self._past_connectives(place)
        comma = any(token.kind in _BREAKS for token in self.tokens[place:at])
        arrow = any(token.kind is Kind.ARROW for token in self.tokens[place:at])
        inline = self.known.inline_cues.length_at(self.texts, at) > 0
        if self.found:
            for cues, cue in ((self.known.before_cues, Cue.NEXT), (self.known.after_cues, Cue.EARLIER)):
                head = self._subordinate(cues, at)
                if head is not None:
                    return self._open(head, place, cue)
        if at == place and not inline:
            return place + 1
        opener = self.finder.openers(at)
        conditional = self._conditional(opener.end)
        if conditional is not None:
            return self._open_conditional(conditional, opener.end, place, comes_next=opener.comes_next)
        if self.known.after_cues.length_at(self.texts, at):
            self.awaits = True
            self.awaited = (place, at) if self.conditions.time_markers.length_at(self.texts, at) else None
        if not (comma or inline or self._may_split(place)):
            return at
        head = self._head(place, at, arrow=arrow)
        if head is None:
            return at
        held = bool(self.found) and self.found[-1].cue is Cue.HELD
        comes_next = head.comes_next or inline or self.awaits
        return self._open(head, place, Cue.NEXT if comes_next and not held else Cue.NONE)

    def _conditional(self, at: int) -> tuple[Head, int] | None:
        """The head behind the condition that begins at `at`, and where the condition ends; None when none begins or nothing follows."""
        length = self.conditions.markers.length_at(self.texts, at)
        if not length and not self.known.after_cues.length_at(self.texts, at):
            length = 0 if self._asks_when(at) else self.conditions.time_markers.length_at(self.texts, at)
        if not length or self.conditions.courtesies.length_at(self.texts, at):
            return None
        commas = 0
        for end in range(at + length + 1, min(len(self.tokens), at + CONDITION_REACH)):
            if self.tokens[end].kind in _BREAKS or self.texts[end] == "then":
                behind = end + 2 if self.texts[end + 1 : end + 2] == ["then"] else end + 1
                head = None if self.texts[behind : behind + 1] == ["and"] else self.finder.opening(behind)
                commas += 1
                if head is not None or commas == COMMAS_IN_CONDITION:
                    return None if head is None else (head, end)
            elif self.finder.commands(end) and self._is_told(at + length, end):
                return Head(end, Frame.BASE, end), end
        return None

    def _asks_when(self, at: int) -> bool:
        """Whether a "when" asks for a time."""
        following = self.texts[at + 1] if at + 1 < len(self.texts) else ""
        return self.texts[at : at + 1] == ["when"] and following in self.finder.english.auxiliaries

    def _is_told(self, start: int, end: int) -> bool:
        """Whether a condition without a comma behind it is complete: it says something of something, or is one word ("if so")."""
        words = self.conditions.words
        outcomes = words.true_words | words.false_words
        english = self.finder.english
        open_words = (english.function_words | english.determiners | english.auxiliaries | words.negations | words.auxiliaries) - (
            {"so", "not"} if end - start == 1 else set[str]()
        )
        if self.texts[end - 1] in open_words:
            return False
        if end - start == 1:
            return self.texts[start] in outcomes
        return any(text in outcomes or text in words.copulas for text in self.texts[start + 1 : end])

    def _open_conditional(self, conditional: tuple[Head, int], at: int, place: int, *, comes_next: bool) -> int:
        """Open a clause with its condition in front of it."""
        head, end = conditional
        held = bool(self.found) and self.found[-1].cue is Cue.HELD
        further = self._open(head, place, Cue.NEXT if (comes_next or head.comes_next) and not held else Cue.NONE)
        self.found[-1].start, self.found[-1].condition = at, (at, end)
        return further

    def _past_connectives(self, at: int) -> int:
        while at < len(self.tokens):
            if self.tokens[at].kind in _BREAKS or self.texts[at] in _JOINERS:
                at += 1
            elif self.texts[at] == "as" and self.texts[at : at + 3] == _AS_WELL_AS:
                at += 3
            else:
                break
        return at

    def _head(self, place: int, at: int, *, arrow: bool) -> Head | None:
        frame = self.found[-1].frame if self.found else Frame.BASE
        if self.found and self.texts[at : at + 1] == ["to"] and self.texts[self.found[-1].core - 1] == "to":
            at += 1
        series = bool(self.found) and place == self._end_of_bare(self.found[-1])
        head = self.finder.following(at, frame=frame, comes_next=arrow, series=series) or self.finder.done_to(at, before=place)
        if head is None and arrow and self.found and self.finder.is_plain(at):
            return Head(at, Frame.THING, at, comes_next=True)
        return head

    def _subordinate(self, cues: Phrases, at: int) -> Head | None:
        length = cues.length_at(self.texts, at)
        repeats = cues is self.known.after_cues and (self.continues or bool(self.found))
        return self.finder.subordinate(at + length, repeats=repeats) if length else None

    def _open(self, head: Head, place: int, cue: Cue, *, awaits: bool = False) -> int:
        """End the clause before and open one at `head`; words before the first head belong to it, unless it opens the sentence."""
        prefix = not self.found and place > 0
        if self.found:
            self.found[-1].end = place
        time = self.known.time_openers.first_in(self.texts, place, head.start)
        start = 0 if prefix else time[0] if time is not None else head.start
        clause = Clause(start, head.start, head.verb, head.frame, cue, lead=0 if prefix else place)
        if self.awaits and self.awaited is not None and self.awaited[1] < place:
            clause.lead, opens = self.awaited
            clause.start, clause.condition = min(clause.start, opens), (opens, place)
            if self.found:
                self.found[-1].end = max(clause.lead, self.found[-1].verb + 1)
        self.found.append(clause)
        self.awaits, self.awaited = awaits, None
        return head.verb + 1

    def _may_split(self, place: int) -> bool:
        """Whether a plain "and" may end the clause.

        Not between the verbs of a purpose ("an app to track and analyse …"), nor between two receivers ("give mum and dad …"), nor in
        front of a noun of two words ("a backup and restore procedure").
        """
        if not self.found:
            return True
        if place > 1 and self.texts[place - 2] in self.finder.english.determiners and self._ends_in_noun(place + 2):
            return False
        clause, verb = self.found[-1], place - 1
        if verb > 0 and self.texts[verb] in self.finder.english.particles:
            verb -= 1
        if verb > clause.verb and self.known.form(self.texts[verb]) & VerbForm.BASE:
            return self.texts[verb - 1] not in self.finder.english.purpose_openers
        return not self._gives_to_two(clause, place)

    def _ends_in_noun(self, at: int) -> bool:
        last = at + 1 == len(self.tokens) or (at + 1 < len(self.tokens) and self.tokens[at + 1].kind in _BREAKS)
        return last and self.texts[at] in self.finder.english.compound_heads

    def _gives_to_two(self, clause: Clause, place: int) -> bool:
        receiver = self.texts[clause.verb + 1 : place]
        if len(receiver) != 1 or receiver[0] in self.finder.english.pronouns:
            return False
        follows = self.texts[place + 1] if place + 1 < len(self.texts) else ""
        return self.texts[clause.verb] in self.finder.english.two_object_verbs and self.known.form(follows) is VerbForm.NONE

    def _end_of_bare(self, clause: Clause) -> int:
        """Where the connective stands when the clause is a bare verb; -1 otherwise."""
        if clause.frame is not Frame.BASE or not self.finder.is_bare(clause.verb):
            return -1
        return clause.verb + (2 if self.texts[clause.verb + 1] in self.finder.english.particles else 1)
